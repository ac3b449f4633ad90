"""Row 1: runs untrusted programs, each in a process of its own, forked from a warm one."""
