"""Meaning: what a conversation is, what is wrong with a turn, and how to mend it. Pure."""
