"""Rules that guard a turn as a whole: whether it may be delivered at all."""
