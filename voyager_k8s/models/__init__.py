"""Row 1: chat models. `chat`, `providers` and `replay` load LangChain; the other modules do not."""
