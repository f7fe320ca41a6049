"""Rules about the calls of a turn: one rule, one file, one function."""
