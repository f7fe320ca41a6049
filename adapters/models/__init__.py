"""How models write: one dialect, one file."""
