"""A photograph of a character: pose, expression, light, clothing, eyes, hair, camera."""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from studio.people import camera, eyes, light, nuisance, raster, shading
from studio.people import character as characters
from studio.people.circumstances import Clothing, Nuisance
from studio.people.fields import Array, smoothstep, stream
from studio.people.light import Field
from studio.people.mesh import Mesh


@dataclass(frozen=True)
class Portrait:
    """One photograph.

    Attributes:
        image: ``(side, side, 3)`` uint8.
        landmarks: ``(5, 2)`` pixels: eyes, nose tip, mouth corners, left of the picture first.
        quality: JPEG quality the camera would save it with.
    """

    image: NDArray
    landmarks: NDArray
    quality: int

    def jpeg(self) -> bytes:
        """The file the camera saves."""
        buffer = io.BytesIO()
        Image.fromarray(self.image).save(buffer, "JPEG", quality=self.quality)
        return buffer.getvalue()


class Character(characters.Character):
    """A character that can be photographed: ``Character(identity.sample(7))``."""

    def photograph(self, circumstances: Nuisance | int) -> Portrait:
        """Take one photograph.

        Args:
            circumstances: from `nuisance.sample`, or just the photograph's number.
        """
        if isinstance(circumstances, int):
            circumstances = nuisance.sample(self.identity.seed, circumstances)
        return _Shot(self, circumstances).develop()


class _Shot:
    """The intermediate results of one photograph."""

    def __init__(self, person: characters.Character, taken: Nuisance) -> None:
        self.person, self.taken, self.mesh = person, taken, person.mesh
        mesh = self.mesh
        self.model = person.model + mesh.head.expression(taken.expression.actions)
        coarse = mesh.coarse(self.model)
        self.points = mesh.fine(coarse)
        self.normals = raster.normals(self.points, mesh.tris)
        self.marks = _landmarks(mesh, self.points)
        self.view = camera.frame(taken.pose, taken.camera, self.marks, person.detail)
        draw = self._stream("surround")
        count = person.detail.directions
        self.field: Field = light.field(taken.lighting, self.view.rotation, draw, count)
        self.light = light.received(
            mesh, person.visibility, raster.normals(coarse, mesh.coarse_tris), self.field
        )
        _light_mouth(mesh, self.light)

    def _stream(self, purpose: str) -> np.random.Generator:
        return stream(self.taken.person, purpose, self.taken.photograph)

    def develop(self) -> Portrait:
        mesh, view, taken, person = self.mesh, self.view, self.taken, self.person
        side = view.side
        self.depth = np.full((side, side), 1e9, np.float32)
        index = np.full((side, side), -1, np.int32)
        corners = np.zeros((side, side, 2), np.float32)
        screen = view.project(self.points)
        raster.fill(screen, mesh.tris, -1, self.depth, index, corners)

        self.picture = camera.background(self._stream("background"), side)
        surround = 1.4 * (self.field.sky + self.field.ground).mean()
        self.picture *= surround
        rows, columns = np.nonzero(index >= 0)
        self.picture[rows, columns] = self._surface(index, corners, rows, columns)
        self._lashes()
        for number, (strands, colours) in enumerate(person.strands):
            if strands.kind == "glasses" and not taken.glasses_on:
                continue
            self._strands(strands, colours, number)

        face = (index >= 0) & (index < mesh.faces["body"].stop)
        image = camera.develop(
            self.picture,
            face,
            float(np.mean(person.identity.skin.base)),
            self.light[: mesh.skin_count : 7, :3].mean(0) + 1e-6,
            taken.camera,
            self._stream("sensor"),
            person.detail,
        )
        marks = view.project(self.marks)[:, :2] / person.detail.oversampling
        return Portrait(image, marks.astype(np.float32), taken.camera.quality)

    def _surface(self, index, corners, rows, columns) -> NDArray:
        """Colours ``(p, 3)`` of the pixels where skin, eyes, teeth or tongue show."""
        mesh, field, person = self.mesh, self.field, self.person
        lights = len(field.lobes)
        albedo, gloss = _dress(mesh, person.albedo, person.gloss, self.taken)
        values = np.concatenate(
            [self.light[:, :3], albedo, self.normals + person.relief, self.points,
             self.light[:, 3 : 3 + lights], gloss[:, None], self.light[:, 3 + lights :]], 1
        )  # fmt: skip
        pixels = np.empty((len(rows), values.shape[1]), np.float32)
        raster.gather(index, corners, mesh.tris, values, rows, columns, pixels)
        part = index[rows, columns]
        colours = pixels[:, :3] * pixels[:, 3:6]
        on_skin = part < mesh.faces["body"].stop
        shaded = np.empty((on_skin.sum(), 3), np.float32)
        shading.skin(
            pixels[on_skin], field.toward, field.power, field.width, self.view.place,
            self.view.rotation[2], field.sky, field.ground,
            np.float32(person.identity.skin.roughness), shaded,
        )  # fmt: skip
        colours[on_skin] = shaded
        for name in ("left_eye", "right_eye"):
            here = (part >= mesh.faces[name].start) & (part < mesh.faces[name].stop)
            if here.any():
                ball = self.points[mesh.parts[name]]
                colours[here] = eyes.shade(
                    pixels[here], ball, person.identity, self.taken.pose, field, self.view
                )
        return colours

    def _lashes(self) -> None:
        mesh = self.mesh
        for number, tris in enumerate(mesh.lashes):
            used, local = np.unique(tris, return_inverse=True)
            ball = self.points[mesh.parts["left_eye" if number < 2 else "right_eye"]]
            away = np.linalg.norm(self.model[used] - ball.mean(0), axis=1)
            strength = self.person.identity.eyes.lashes * (1 if number % 2 else 0.45)
            cover = np.clip(1 - (away - 0.0148) / 0.006, 0.08, 1) * strength
            raster.sheets(
                self.view.project(self.model[used]), local.reshape(-1, 3).astype(np.int32),
                cover.astype(np.float32), np.float32([0.014, 0.010, 0.009]),
                self.taken.photograph * 4 + number, self.depth, self.picture,
            )  # fmt: skip

    def _strands(self, strands, colours, number: int) -> None:
        field, view = self.field, self.view
        points, step = strands.points, 0
        root_light = np.zeros((1, 1), np.float32)
        seen = np.zeros((1, self.person.detail.directions), np.uint8)
        if strands.kind == "scalp":
            seen, step = self.person.visibility.hair, light.KEY_STEP
        else:
            moved = self.points[strands.roots] - self.person.rest[strands.roots]
            points = points + np.einsum("sc,sck->sk", strands.weights, moved)[:, None]
            root_light = np.ascontiguousarray(strands.rooted(self.light), np.float32)
        screen = np.empty(points.shape, np.float32)
        shaded = np.zeros(points.shape, np.float32)
        shading.strands(
            np.ascontiguousarray(points, np.float32), colours, seen, step, field.ambient,
            field.lobes, root_light, field.toward, field.power, field.width, view.place,
            view.rotation, view.pivot, view.distance, view.scale, view.shift, self.depth,
            screen, shaded,
        )  # fmt: skip
        cover = np.full(points.shape[1], strands.width, np.float32)
        if strands.fine:
            cover[-2:] *= (0.7, 0.35)
            raster.fine_strands(screen, shaded, cover, np.float32(0.0006), self.depth, self.picture)
            return
        if strands.kind == "scalp":
            cover[-3:] *= (0.85, 0.6, 0.35)
        seed = self.taken.photograph * 8 + number + 3
        raster.strands(screen, shaded, cover, seed, self.depth, self.picture)


def _landmarks(mesh: Mesh, points: Array) -> NDArray:
    """Eyes, nose tip and mouth corners ``(5, 3)``, the character's right first."""
    surface = np.array([0, -0.0135, 0], np.float32)
    right, left = (points[mesh.parts[eye]].mean(0) + surface for eye in ("right_eye", "left_eye"))
    nose, left_mouth, right_mouth = (
        points[mesh.landmarks[name]] for name in ("nose", "left_mouth", "right_mouth")
    )
    return np.stack([right, left, nose, right_mouth, left_mouth])


def _light_mouth(mesh: Mesh, values: NDArray) -> None:
    """Let light into the mouth: shadows are those of the closed one, which is dark inside."""
    lips = np.flatnonzero(mesh.lips > 0.5)
    outside = values[lips].mean(0)
    for part, amount in (("upper_teeth", 0.75), ("lower_teeth", 0.6), ("tongue", 0.5)):
        place = mesh.parts[part]
        behind = np.maximum(mesh.rest[place, 1] + 0.135, 0)
        reach = (amount * np.exp(-behind / 0.014))[:, None]
        values[place] = reach * outside * ([1] * 3 + [0.3] * (values.shape[1] - 3))
    inside = np.flatnonzero(mesh.mouth)
    behind = np.maximum(mesh.rest[inside, 1] + 0.140, 0)
    reach = (0.5 * np.exp(-behind / 0.010))[:, None]
    values[inside, :3] = np.maximum(values[inside, :3], reach * outside[:3])


def _dress(mesh: Mesh, albedo: NDArray, gloss: NDArray, taken: Nuisance) -> tuple[NDArray, NDArray]:
    """Albedo and gloss with the top on: skin below the collar line becomes cloth."""
    top: Clothing = taken.clothing
    if not top.worn:
        return albedo, gloss
    x, y, z = mesh.rest[: mesh.skin_count].T
    side = np.abs(x)
    collar = top.height + 0.10 * (y + 0.05)
    if top.cut > 0:
        collar = collar - 0.9 * np.maximum(0, 0.035 - side) * (y < -0.04)
    if top.cut < 2:
        collar = collar + 0.25 * side
    cloth = smoothstep(0.0015, -0.0015, z - collar)[:, None]
    rim = smoothstep(0.006, 0.004, np.abs(z - collar + 0.004))[:, None]
    phase = taken.photograph % 7
    folds = 0.10 * np.sin(90 * x + 40 * z + phase) + 0.08 * np.sin(150 * z - 60 * x)
    weave = (np.array(top.colour) * (1 - rim) + np.array(top.trim) * rim) * np.exp(folds)[:, None]
    albedo, gloss = albedo.copy(), gloss.copy()
    skin = slice(0, mesh.skin_count)
    albedo[skin] = albedo[skin] * (1 - cloth) + cloth * weave
    gloss[skin] *= 1 - 0.95 * cloth[:, 0]
    return albedo, gloss
