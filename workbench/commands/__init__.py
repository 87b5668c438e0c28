"""Commands of ``python -m poisonlib`` for photographs of your own, one module each."""
