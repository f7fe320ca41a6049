"""`toolmend doctor`: says at which level an agent breaks on a model server, whose fault that is, and what to change."""
