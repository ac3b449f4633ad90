"""Row 6: what people touch. Only here is anything printed, and only here is the environment read."""
