"""poisonlib: data poisoning against facial recognition, and why it does not last.

Photographs pass through the modules of this package in one direction::

    people, photos -> attacks -> extractors -> recognition -> trial -> defenses
                                                               -> figures, widgets, cli

All of these modules use ``checks``, ``statistics`` and ``provenance``. Importing the package loads
no model, seeds nothing and touches no network.
"""

__version__ = "0.1.0"
