"""What a trainer can do about cloaked photographs that have been published.

Each defence takes the place of an extractor or a recogniser, so that a trial of it is one line.
"""

from poisonlib.defenses.adaptive import WithCopies
from poisonlib.defenses.combined import UNKNOWN, ConfidenceThreshold, Review, Top2
from poisonlib.defenses.denoiser import Denoiser
from poisonlib.defenses.detector import Detector
from poisonlib.defenses.filtering import Filtered
from poisonlib.defenses.gallery import DynamicGallery, Growing, choose_threshold
from poisonlib.defenses.pairs import Pairs, collect
from poisonlib.defenses.purify import JPEG, Blur, Median, Purified, Purifier, Resize, purifiers
from poisonlib.defenses.traces import TraceDetector

__all__ = [
    "Blur",
    "ConfidenceThreshold",
    "Denoiser",
    "Detector",
    "DynamicGallery",
    "Filtered",
    "Growing",
    "JPEG",
    "Median",
    "Pairs",
    "Purified",
    "Purifier",
    "Resize",
    "Review",
    "Top2",
    "TraceDetector",
    "UNKNOWN",
    "WithCopies",
    "choose_threshold",
    "collect",
    "purifiers",
]
