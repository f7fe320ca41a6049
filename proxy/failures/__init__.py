"""What can be wrong with a turn, whose fault that is, what toolmend does about it and what its user can change: data."""
