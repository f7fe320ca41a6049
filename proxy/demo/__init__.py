"""The demonstration: a simulated model that errs as Gemma 4 did, and a small agent that works with it, direct and mended."""
