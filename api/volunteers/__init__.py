"""The roster: who can help."""
