"""What a server's own parser made of the model's text, held against the text itself, and the faults it is known for."""
