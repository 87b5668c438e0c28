"""What a trainer can do instead of being fooled, once the cloaked photographs are out.

Each defence fits where an extractor or a recogniser goes, so that a trial of it is one line.
"""

from poisonlib.defenses.pairs import Pairs, collect

__all__ = ["Pairs", "collect"]
