"""Targets for fuzzing: one module per parser, each with `run(data)`, which asserts what must hold of any bytes.

The same functions are driven by atheris (`make fuzz`), by hypothesis, and by the corpus that is kept beside them.
"""
