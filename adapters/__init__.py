"""Form: how a conversation is written down, by clients and by models. Pure."""
