"""Right calls, and every way to damage one: by itself each says whether what was meant can still be known."""
