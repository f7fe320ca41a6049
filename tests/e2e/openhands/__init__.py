"""Runs the real OpenHands 0.59.0 against a scripted model: directly, and through toolmend."""
