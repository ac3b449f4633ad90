"""Row 3: the loop. A campaign proposes tasks, a rollout attempts them, practice tests what succeeded,
lessons keep what failed, and the journal remembers all of it."""
