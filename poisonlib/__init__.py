"""poisonlib: data poisoning against facial recognition, and why it does not last.

Photographs flow one way through the rooms of this package::

    people, photos -> attacks -> extractors -> recognition -> trial -> defenses
                                                               -> figures, widgets, cli

with ``checks``, ``statistics`` and ``provenance`` as the floor that every room stands on.
Importing the package loads no model, seeds nothing and touches no network.
"""

__version__ = "0.1.0"
