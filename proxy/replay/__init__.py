"""Serves a recorded turn once more: the same bytes, by the rules of today."""
