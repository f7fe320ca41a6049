"""How frameworks talk: one client, one file."""
