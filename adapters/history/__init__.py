"""The history that comes with each request, healed for the model: one step, one file, one function."""
