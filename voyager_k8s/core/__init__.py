"""Row 0: domain types, ports and errors. Imports the standard library and pydantic only."""
