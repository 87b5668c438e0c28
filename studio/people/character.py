"""One character made ready for photographs: geometry, materials, hair and shadows."""

from __future__ import annotations

import numpy as np

from studio.people import facial_hair, glasses, hair, light, raster, skin
from studio.people import mesh as meshes
from studio.people.detail import PACKAGED, Detail
from studio.people.fields import smoothstep, stream
from studio.people.strands import Strands
from studio.people.traits import Identity

_TEETH, _GUMS, _TONGUE = (0.62, 0.565, 0.47), (0.33, 0.11, 0.095), (0.36, 0.13, 0.115)


class Character:
    """Everything about an identity that its photographs share (about a second to make).

    Attributes:
        identity: the record it was made from.
        detail: how finely it is rendered.
        model: ``(m, 3)`` points of the head model at rest.
        rest: ``(n, 3)`` fine points at rest.
        albedo: ``(n, 3)``, relief ``(n, 3)`` and gloss ``(n,)`` of the fine points.
        strands: pairs of strands and their colours ``(s, 3)``.
        visibility: shadows at rest.
    """

    def __init__(self, identity: Identity, detail: Detail = PACKAGED) -> None:
        self.identity, self.detail = identity, detail
        self.mesh = mesh = meshes.load(detail.splits)
        self.model = mesh.head.neutral(identity.shape)
        coarse = mesh.coarse(self.model)
        self.rest = mesh.fine(coarse)
        normals = raster.normals(self.rest, mesh.tris)
        beard = skin.beard_regions(mesh, identity.seed, identity.beard)
        scalp_mask = hair.scalp_mask(mesh, identity)
        self._paint(beard, scalp_mask)
        surface, share = (mesh, identity, self.rest, normals), detail.hair
        scalp = hair.grow(*surface, scalp_mask, share=share)
        kinds = [
            scalp,
            facial_hair.brows(*surface),
            facial_hair.beard(*surface, beard["grown"], share=share),
            glasses.frames(mesh, identity, self.rest),
        ]
        self.strands = [(kind, self._colours(kind)) for kind in kinds if kind is not None]
        self.visibility = light.visibility(mesh, coarse, scalp, detail)

    def _paint(self, beard, scalp_mask) -> None:
        mesh, person = self.mesh, self.identity
        count = mesh.skin_count
        painted = skin.paint(mesh, person, beard)
        roots = {"shaved": 0.5 * person.hair.shaved_shadow, "bald": 0.55, "buzz": 0.7}
        cover = (scalp_mask * roots.get(person.hair.style, 0.8))[:, None]
        ground = 0.7 * person.hair.colour + 0.06 * np.array(person.skin.base)
        self.albedo = np.zeros((len(self.rest), 3), np.float32)
        self.albedo[:count] = painted.albedo * (1 - cover) + cover * ground
        self.gloss = np.ones(len(self.rest), np.float32)
        self.gloss[:count] = painted.gloss * (1 - 0.7 * scalp_mask)
        self.relief = np.zeros((len(self.rest), 3), np.float32)
        self.relief[:count] = painted.relief
        for part, gum, tooth in (("upper_teeth", 0.6795, 0.6775), ("lower_teeth", 0.650, 0.653)):
            place = mesh.parts[part]
            gums = smoothstep(tooth, gum, mesh.rest[place, 2])[:, None]
            self.albedo[place] = np.array(_TEETH) * (1 - gums) + gums * np.array(_GUMS)
        self.albedo[mesh.parts["tongue"]] = _TONGUE

    def _colours(self, strands: Strands) -> np.ndarray:
        person, count = self.identity, len(strands.points)
        if strands.kind == "glasses":
            return np.tile(np.float32(person.glasses.colour), (count, 1))
        draw = stream(person.seed, "strand colours", strands.kind)
        grey = person.hair.grey * (0.6 if strands.kind == "brow" else 1.0)
        share = 0.55 * (draw.random(count) < grey) + 0.45 * grey  # strands lie over one another
        pigment, pale = np.array(person.hair.pigment), np.array(person.hair.grey_colour)
        colours = pigment + share[:, None] * (pale - pigment)
        if strands.kind == "brow":
            colours = colours * (0.45 + 0.55 * (1 - person.brows.darkness))
        if strands.kind == "beard":
            colours = colours * person.beard.tint
        shade = 0.22 * draw.standard_normal(count)
        if strands.kind == "scalp":
            shade += 0.22 * draw.standard_normal(strands.tuft.max() + 1)[strands.tuft]
        return (colours * np.exp(shade)[:, None]).astype(np.float32)
