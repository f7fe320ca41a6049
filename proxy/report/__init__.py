"""Says whose fault it was, how often, what it cost, and what to change first."""
