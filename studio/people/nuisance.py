"""Drawing circumstances: what changes from photograph to photograph of one character."""

from __future__ import annotations

import numpy as np

from studio.people.circumstances import (
    Camera,
    Clothing,
    Expression,
    Light,
    Lighting,
    Nuisance,
    Pose,
)
from studio.people.fields import stream
from studio.people.palette import Colour, colour

LEVEL = 1.2
"""Factor on head pose and expression; 1.2 is about as hard as photographs from the web."""

EXPRESSIONS = {"neutral": 0.27, "smile": 0.28, "broad smile": 0.18, "talking": 0.09,
               "frown": 0.05, "surprise": 0.04, "squint": 0.04, "other": 0.05}  # fmt: skip
LIGHTINGS = {"studio": 0.2, "window": 0.2, "outdoor": 0.22, "sun": 0.12, "flash": 0.06,
             "indoor": 0.2}  # fmt: skip
_OTHER_ACTIONS = (
    "mouthPucker", "mouthLeft", "mouthRight", "mouthRollLower", "mouthShrugUpper",
    "mouthStretchLeft", "browInnerUp", "browOuterUpLeft", "mouthSmileLeft", "cheekPuff",
)  # fmt: skip


def _pose(draw: np.random.Generator, level: float) -> Pose:
    yaw, pitch, roll = draw.standard_normal(3) * (16 * level, 7 * level, 6 * level)
    # A face turned far and tilted far at once is found by no detector; real albums lack it too.
    reach = np.hypot(yaw / 42, pitch / 20)
    if reach > 1:
        yaw, pitch = yaw / reach, pitch / reach
    gaze = draw.normal(0, (0.05, 0.03))
    return Pose(
        yaw=float(yaw),
        pitch=float(pitch),
        roll=float(np.clip(roll, -20, 20)),
        at_camera=bool(draw.random() < 0.75),
        gaze=(float(gaze[0]), float(gaze[1])),
    )


def _both(name: str, value: float) -> dict[str, float]:
    return {f"{name}Left": value, f"{name}Right": value}


def _expression(draw: np.random.Generator, level: float) -> Expression:
    name = str(draw.choice(list(EXPRESSIONS), p=list(EXPRESSIONS.values())))
    actions: dict[str, float] = {}
    if name in ("smile", "broad smile"):
        pull = draw.uniform(0.3, 0.75) if name == "smile" else draw.uniform(0.6, 1.0)
        actions = {
            "mouthSmileLeft": pull,
            "mouthSmileRight": min(1.1, pull * (1 + 0.12 * draw.standard_normal())),
            **_both("cheekSquint", 0.5 * pull),
            **_both("eyeSquint", 0.3 * pull),
            **_both("mouthDimple", 0.2 * pull),
        }
        if name == "broad smile":
            bare = draw.uniform(0.3, 0.8)
            actions |= _both("mouthUpperUp", 0.55 * bare) | _both("mouthLowerDown", 0.4 * bare)
            actions["jawOpen"] = 0.10 * bare
    elif name == "talking":
        actions = {"jawOpen": draw.uniform(0.06, 0.3), "mouthFunnel": draw.uniform(0, 0.3)}
        actions |= _both("mouthUpperUp", draw.uniform(0, 0.3))
        actions |= _both("mouthLowerDown", draw.uniform(0, 0.35))
    elif name == "frown":
        pull = draw.uniform(0.3, 0.8)
        actions = _both("browDown", pull) | _both("mouthFrown", 0.5 * pull)
        actions |= _both("mouthPress", 0.2)
    elif name == "surprise":
        pull = draw.uniform(0.3, 0.9)
        actions = {"browInnerUp": pull, "jawOpen": 0.28 * pull}
        actions |= _both("browOuterUp", pull) | _both("eyeWide", 0.6 * pull)
    elif name == "squint":
        pull = draw.uniform(0.3, 0.8)
        actions = _both("eyeSquint", pull) | _both("cheekSquint", 0.7 * pull)
        actions |= _both("noseSneer", 0.2 * pull)
    elif name == "other":
        chosen = draw.choice(_OTHER_ACTIONS, 2, replace=False)
        actions = {str(action): draw.uniform(0.2, 0.6) for action in chosen}
    blink = draw.uniform(-0.12, 0.10) if draw.random() < 0.88 else draw.uniform(0.1, 0.35)
    actions |= _both("eyeBlink", blink)
    if "mouthSmileLeft" not in actions:
        actions |= _both("mouthSmile", draw.uniform(0, 0.15))
    return Expression(name, tuple((k, float(v) * min(1.0, level)) for k, v in actions.items()))


def _towards(azimuth: float, elevation: float) -> tuple[float, float, float]:
    azimuth, elevation = np.radians([azimuth, elevation])
    return (
        float(np.sin(azimuth) * np.cos(elevation)),
        float(-np.cos(azimuth) * np.cos(elevation)),
        float(np.sin(elevation)),
    )


def _warmth(draw: np.random.Generator, low: float, high: float) -> Colour:
    warmth = draw.uniform(low, high)
    return colour([1 + warmth, 1.0, 1 - 0.95 * warmth])


def _lighting(draw: np.random.Generator) -> Lighting:
    uniform = draw.uniform

    def light(azimuth, elevation, strength, width, warmth) -> Light:
        return Light(
            _towards(uniform(*azimuth), uniform(*elevation)),
            float(uniform(*strength)),
            float(uniform(*width)),
            _warmth(draw, *warmth),
        )

    name = str(draw.choice(list(LIGHTINGS), p=list(LIGHTINGS.values())))
    if name == "studio":
        lights = [light((-60, 60), (15, 50), (1.2, 2.2), (14, 24), (-0.08, 0.12)),
                  light((-70, 70), (-5, 30), (0.2, 0.7), (16, 28), (-0.10, 0.15))]  # fmt: skip
        ambient = uniform(0.2, 0.55)
    elif name == "window":
        near = (35, 80) if draw.random() < 0.5 else (-80, -35)
        lights = [light(near, (0, 35), (1.2, 2.2), (16, 28), (-0.2, 0.05))]
        ambient = uniform(0.3, 0.75)
    elif name == "outdoor":
        lights = [light((-120, 120), (35, 80), (0.4, 1.1), (22, 38), (-0.2, 0.1))]
        ambient = uniform(0.8, 1.2)
    elif name == "sun":
        lights = [light((-75, 75), (20, 58), (1.8, 2.8), (7, 10), (0, 0.3))]
        ambient = uniform(0.4, 0.8)
    elif name == "flash":
        lights = [light((-14, 14), (2, 18), (1.3, 2.0), (8, 13), (-0.1, 0.1))]
        ambient = uniform(0.3, 0.6)
    else:
        lights = [light((-90, 90), (35, 70), (0.8, 1.5), (12, 22), (0, 0.35)),
                  light((-150, 150), (20, 60), (0.2, 0.9), (12, 24), (0, 0.35))]  # fmt: skip
        ambient = uniform(0.45, 0.9)
    if draw.random() < 0.25:
        behind = (110, 160) if draw.random() < 0.5 else (-160, -110)
        lights.append(light(behind, (0, 50), (0.4, 1.4), (10, 20), (-0.2, 0.25)))
    sky = np.exp(draw.normal(0, 0.06, 3))
    ground = sky * np.exp(draw.normal(0, 0.10, 3)) * uniform(0.3, 0.7)
    return Lighting(
        name=name,
        lights=tuple(lights),
        sky=colour(0.55 * ambient * sky),
        ground=colour(0.55 * ambient * ground),
        unevenness=float(uniform(0, 0.5)),
    )


def _camera(draw: np.random.Generator) -> Camera:
    uniform = draw.uniform
    return Camera(
        distance=float(np.exp(uniform(np.log(0.6), np.log(2.2)))),
        shift=(float(draw.normal(0, 0.012)), float(draw.normal(0, 0.012))),
        scale=float(np.exp(draw.normal(0, 0.03))),
        exposure=float(np.exp(np.clip(draw.normal(0, 0.22), -0.5, 0.36))),
        white_balance=_warmth(draw, -0.12, 0.14),
        balance=float(uniform(0.3, 0.9)),
        contrast=float(uniform(0.9, 1.25)),
        saturation=float(uniform(0.8, 1.1)),
        vignette=float(uniform(0, 0.35)),
        blur=float(min(1.6, abs(draw.normal(0, 0.65)))),
        noise=float(0.003 + 0.032 * draw.random() ** 2),
        quality=int(draw.integers(60, 96)),
    )


def _clothing(draw: np.random.Generator) -> Clothing:
    main = np.clip(np.exp(draw.uniform(-4, -0.5) + draw.normal(0, 0.30, 3)), 0.01, 0.75)
    return Clothing(
        worn=bool(draw.random() < 0.95),
        colour=colour(main),
        trim=colour(main * draw.choice([1.0, 0.6, 1.3])),
        cut=int(draw.integers(3)),
        height=float(draw.uniform(0.545, 0.567)),
    )


def sample(person: int, photograph: int, *, level: float = LEVEL) -> Nuisance:
    """Draw the circumstances of one photograph.

    Args:
        person: the identity's seed, so that no two people share their photographs' settings.
        photograph: its number, counted from 0.
        level: factor on pose and expression (`LEVEL`).

    Example:
        >>> from studio.people import nuisance
        >>> [nuisance.sample(7, photograph).lighting.name for photograph in range(3)]
        ['outdoor', 'studio', 'studio']
    """
    return Nuisance(
        person=person,
        photograph=photograph,
        pose=_pose(stream(person, "pose", photograph), level),
        expression=_expression(stream(person, "expression", photograph), level),
        lighting=_lighting(stream(person, "lighting", photograph)),
        camera=_camera(stream(person, "camera", photograph)),
        clothing=_clothing(stream(person, "clothing", photograph)),
        glasses_on=bool(stream(person, "glasses on", photograph).random() < 0.65),
    )
