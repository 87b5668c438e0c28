"""Spectacle frames, drawn as thick strands that sit on the bridge of the nose."""

from __future__ import annotations

import numpy as np

from studio.people.fields import Array
from studio.people.mesh import Mesh
from studio.people.strands import Strands
from studio.people.traits import Identity

_JOINTS = 33
_LAYERS = 9


def frames(mesh: Mesh, person: Identity, points: Array) -> Strands | None:
    """The frame of a character who owns glasses, None for the others.

    Args:
        points: ``(n, 3)`` fine points of the resting face.
    """
    form = person.glasses
    if not form.owned:
        return None
    eyes = [points[mesh.parts[name]].mean(0) for name in ("right_eye", "left_eye")]
    middle = (eyes[0] + eyes[1]) / 2
    reach = abs(eyes[1][0] - eyes[0][0]) / 2
    lens_x = reach + 0.001
    half = np.array([min(form.width, lens_x - 0.0065), form.height])
    top = middle[2] - 0.003
    bridge = mesh.front[mesh.front_tree.query([0, 0.725])[1]]
    plane = min(points[bridge, 1] - 0.002, middle[1] - 0.0135 - 0.011)

    angle = np.linspace(0, 2 * np.pi, _JOINTS)
    circle = np.stack([np.cos(angle), np.sin(angle)], 1)
    outline = np.sign(circle) * np.abs(circle) ** (2 / form.squareness) * half
    curves = []
    for side in (-1, 1):
        x = side * (lens_x + outline[:, 0])
        wrap = plane + 0.10 * np.maximum(np.abs(x) - 0.02, 0) ** 2 / 0.02
        curves.append(np.stack([x + middle[0], wrap, top + outline[:, 1]], 1))
        hinge = lens_x + half[0]
        back = np.linspace(0, 1, _JOINTS)
        temple = np.stack(
            [
                middle[0] + side * (hinge + 0.012 * np.minimum(1, 3 * back)),
                plane + 0.004 + 0.105 * back,
                np.full(_JOINTS, top + 0.55 * half[1]) - 0.004 * back,
            ],
            1,
        )
        curves.append(temple)
    inner = lens_x - half[0]
    across = np.linspace(-inner, inner, _JOINTS)
    arch = 0.0035 * (1 - (across / inner) ** 2)
    curves.append(
        np.stack([middle[0] + across, plane - 0.3 * arch, top + 0.25 * half[1] + arch], 1)
    )
    offsets = np.linspace(-0.5, 0.5, _LAYERS) * form.thickness
    layers = []
    for number, curve in enumerate(curves):
        if number in (0, 2):  # rims thicken outwards from their own centre, the rest upwards
            centre = np.array([curve[:, 0].mean(), curve[0, 1], top])
            outward = (curve - centre) / np.linalg.norm(curve - centre, axis=1, keepdims=True)
            outward[:, 1] = 0
        else:
            outward = np.tile([0, 0, 1.0], (_JOINTS, 1))
        layers += [curve + offset * outward for offset in offsets]
    strands = np.array(layers, np.float32)
    return Strands(
        kind="glasses",
        points=strands,
        roots=np.full((len(strands), 3), bridge),
        weights=np.tile(np.float32([1, 0, 0]), (len(strands), 1)),
        tuft=np.arange(len(strands)),
        width=1.0,
    )
