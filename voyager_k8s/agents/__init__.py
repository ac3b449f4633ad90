"""Row 2: the agents. Each is a narrow typed call: a prompt in, one validated object out."""
