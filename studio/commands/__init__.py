"""Commands of ``python -m poisonlib`` that create data, one module each."""
