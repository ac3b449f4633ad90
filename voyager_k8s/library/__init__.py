"""Row 1: the skill library. `index` loads ChromaDB; the other modules load nothing heavy."""
