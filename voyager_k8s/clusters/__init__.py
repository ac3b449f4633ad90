"""Row 1: clusters. Binaries and control planes, and over any of them workspaces, snapshots and checks."""
