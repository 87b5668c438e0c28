"""Commands of ``python -m poisonlib`` that make data, one module each."""
