"""studio: the code that creates the data and the weights that ``poisonlib`` ships.

The renderer of the people, the training of every network, the recorded studies, the scoreboard and
the benchmarks. Nothing in ``poisonlib`` or ``workbench`` imports it.
"""
