"""Faces in plotly figures: every pixel as it is, never smoothed, never dimmed.

A cloak is a matter of single grey levels, so photographs are embedded as PNG where pixels are the
lesson; where pictures only show who somebody is, they are JPEG or WEBP.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import torch
from torch import Tensor

from poisonlib import checks
from poisonlib.figures.frames import SLIDER_ROOM, slider
from poisonlib.figures.theme import CLOAKED, INK, TARGET, Role

if TYPE_CHECKING:
    import plotly.graph_objects as go

GAP = 8
WIDTH = 640
"""Of the book's column in pixels, on a screen that has room; heights are chosen for it."""
HIDDEN = {"visible": False, "constrain": "domain"}
TOP = HIDDEN | {"constraintoward": "top"}


def data_uri(
    image: Tensor, *, kind: Literal["PNG", "JPEG", "WEBP"] = "PNG", quality: int = 88
) -> str:
    """A picture ``(3, h, w)`` in [0, 1] as an address that carries the picture itself.

    Args:
        kind: PNG keeps every pixel; JPEG and WEBP are smaller and do not.
        quality: of those two, in [0, 100].
    """
    from PIL import Image

    checks.images(image[None], name="image")
    pixels = image.detach().mul(255).round().byte().permute(1, 2, 0).numpy()
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, kind, quality=quality, optimize=True)
    return f"data:image/{kind.lower()};base64,{base64.b64encode(buffer.getvalue()).decode()}"


def amplified(changed: Tensor, original: Tensor, *, factor: float) -> Tensor:
    """The change between two pictures ``(..., 3, h, w)``, enlarged around mid-grey, in [0, 1]."""
    return (0.5 + factor * (changed - original)).clamp(0, 1)


def mosaic(images: Tensor, *, columns: int) -> Tensor:
    """Pictures ``(n, 3, h, w)`` side by side, row by row: one picture; what is left over is white.

    Raises:
        ValueError: bad images, or no column.
    """
    checks.images(images)
    if columns < 1:
        raise ValueError(f"columns must be at least 1, got {columns}")
    n, channels, height, width = images.shape
    rows = -(-n // columns)
    sheet = images.new_ones(rows * columns, channels, height, width)
    sheet[:n] = images
    sheet = sheet.reshape(rows, columns, channels, height, width)
    return sheet.permute(2, 0, 3, 1, 4).reshape(channels, rows * height, columns * width)


def contact_sheet(
    images: Tensor, *, columns: int = 10, kind: Literal["PNG", "JPEG"] = "JPEG"
) -> go.Figure:
    """Many faces ``(n, 3, h, w)`` on one sheet; PNG preserves every pixel."""
    import plotly.graph_objects as go

    sheet = mosaic(images, columns=columns)
    trace = go.Image(source=data_uri(sheet, kind=kind), hoverinfo="skip")
    fig = go.Figure(trace)
    aspect = sheet.shape[1] / sheet.shape[2]
    fig.update_layout(xaxis=HIDDEN, yaxis=TOP, margin={"t": 8}, height=round(24 + WIDTH * aspect))
    return fig


def sheet_slider(
    sheets: Mapping[str, Tensor],
    *,
    prefix: str,
    columns: int = 4,
    kind: Literal["PNG", "JPEG"] = "JPEG",
) -> go.Figure:
    """One sheet of faces at a time.

    Args:
        sheets: by the name of the slider's step, each ``(n, 3, h, w)``; all of one n.
        prefix: what the slider chooses.
        kind: of the pictures; PNG preserves every pixel.
    """
    import plotly.graph_objects as go

    fig = contact_sheet(next(iter(sheets.values())), columns=columns, kind=kind)
    fig.frames = [
        go.Frame(data=contact_sheet(images, columns=columns, kind=kind).data, name=name)
        for name, images in sheets.items()
    ]
    return fig.update_layout(
        sliders=slider(list(sheets), prefix=prefix, below=GAP),
        height=fig.layout.height + GAP + SLIDER_ROOM,
    )


def face_grid(
    rows: Sequence[Tensor],
    *,
    titles: Sequence[str],
    marks: Sequence[Sequence[Role]] | None = None,
    row_height: int = 170,
) -> go.Figure:
    """Rows of faces, a title above each.

    Args:
        rows: each ``(k, 3, h, w)`` in [0, 1]; all of one size.
        titles: one for each row.
        marks: for each row the role of each face, drawn as a frame in the role's colour and dash.
        row_height: in pixels.

    Raises:
        ValueError: titles or marks that do not fit the rows.
    """
    import plotly.graph_objects as go

    if len(titles) != len(rows) or (marks is not None and len(marks) != len(rows)):
        raise ValueError(f"give a title (and marks) for each of {len(rows)} rows")
    size = rows[0].shape[-1]
    columns = max(len(images) for images in rows)
    pitch = size + GAP
    room = round(0.07 * columns * pitch)  # for a title: a line of text on a phone
    line = size + room
    fig = go.Figure()
    for number, (images, title) in enumerate(zip(rows, titles, strict=True)):
        top = number * line
        for column, image in enumerate(images):
            fig.add_trace(_face(image, left=column * pitch, top=top))
        fig.add_annotation(
            x=0, y=top - 4, text=title, showarrow=False, xanchor="left", yanchor="bottom"
        )
        for column, role in enumerate(marks[number] if marks is not None else ()):
            fig.add_shape(
                type="rect", x0=column * pitch - 2, x1=column * pitch + size + 1,
                y0=top - 2, y1=top + size + 1,
                line={"color": role.colour, "dash": role.dash, "width": 4},
            )  # fmt: skip
    fig.update_layout(
        xaxis=HIDDEN | {"range": [-4, columns * pitch]},
        yaxis=TOP | {"range": [len(rows) * line - room + 10, 8 - room], "scaleanchor": "x"},
        margin={"t": 8},
        height=row_height * len(rows) + 16,
    )
    return fig


@dataclass(frozen=True)
class CloakStep:
    """What one strength of a cloak looks like and does.

    Attributes:
        strength: 0 is the clean photograph, 1 the whole cloak.
        image: ``(3, h, w)`` the photograph at that strength.
        own: distance from the user's clean photographs to the nearest photograph of the user in
            the gallery, typically (a median).
        other: the same to the nearest photograph of anybody else.
        misnamed: how many of the clean photographs get another name.
        n: how many there are.
    """

    strength: float
    image: Tensor
    own: float
    other: float
    misnamed: int
    n: int

    @property
    def title(self) -> str:
        """The recogniser's verdict in a line."""
        return f"Misnamed: {self.misnamed} of {self.n} clean photographs"


def cloak_slider(
    steps: Sequence[CloakStep], *, clean: Tensor | None = None, amplify: float = 8.0
) -> go.Figure:
    """From clean to cloaked: the photograph, its perturbation, and what the recogniser sees.

    Above are the photograph at the slider's strength and the perturbation, ``amplify`` times
    enlarged around grey. Below, how far the user's clean photographs are from the user's gallery
    and from the nearest other person: where the lines cross, the neighbour changes.

    Args:
        steps: by rising strength. One alone gives a figure without a slider.
        clean: ``(3, h, w)``, what the perturbation is measured from; by default the photograph of
            the first step.
        amplify: factor on the perturbation.
    """
    import plotly.graph_objects as go

    clean = steps[0].image if clean is None else clean
    strengths = [step.strength for step in steps]

    def moving(step: CloakStep) -> list[go.Image | go.Scatter]:
        change = amplified(step.image, clean, factor=amplify)
        return [
            _face(step.image),
            _face(change, axes=2),
            go.Scatter(
                x=[step.strength] * 2, y=[step.own, step.other], mode="markers",
                marker={"color": INK, "size": 14, "symbol": ["circle-open", "square-open"],
                        "line": {"width": 3}},
                showlegend=False, hoverinfo="skip", xaxis="x3", yaxis="y3",
            ),
        ]  # fmt: skip

    def curve(values: list[float], name: str, role: Role) -> go.Scatter:
        return go.Scatter(
            x=strengths, y=values, name=name, mode="lines+markers", marker=role.marker,
            line=role.line, xaxis="x3", yaxis="y3", hovertemplate="%{y:.2f}",
        )  # fmt: skip

    names = [f"{step.strength:.0%}" for step in steps]
    fig = go.Figure(
        data=[
            *moving(steps[0]),
            curve([step.own for step in steps], "to your shared photographs", CLOAKED),
            curve([step.other for step in steps], "to the nearest other person", TARGET),
        ],
        frames=[
            go.Frame(
                data=moving(step),
                traces=[0, 1, 2],
                name=name,
                layout={"title": {"text": step.title}},
            )
            for step, name in zip(steps, names, strict=True)
        ],
    )
    top = max(max(step.own, step.other) for step in steps)
    fig.update_layout(
        title={"text": steps[0].title, "font": {"size": 14}, "y": 0.985, "yanchor": "top"},
        xaxis=HIDDEN | {"domain": [0, 0.48]},
        yaxis=TOP | {"domain": [0.5, 0.96]},
        xaxis2=HIDDEN | {"domain": [0.52, 1], "anchor": "y2"},
        yaxis2=TOP | {"domain": [0.5, 0.96], "anchor": "x2"},
        xaxis3={"domain": [0, 1], "anchor": "y3", "tickformat": ".0%",
                "title": {"text": "strength of the cloak"}},
        yaxis3={"domain": [0, 0.36], "anchor": "x3", "range": [0, 1.08 * top],
                "title": {"text": "distance"}},
        legend={"y": 0.37, "yanchor": "bottom"},
        annotations=[
            _heading("photograph", 0.24, 0.965),
            _heading(f"change × {amplify:g}", 0.76, 0.965),
        ],
        margin={"t": 44},
        height=680,
    )  # fmt: skip
    if len(steps) > 1:
        fig.update_layout(sliders=slider(names, prefix="strength of the cloak", below=64))
    return fig


def _heading(text: str, x: float, y: float) -> dict:
    return {
        "text": text, "x": x, "y": y, "xref": "paper", "yref": "paper", "showarrow": False,
        "xanchor": "center", "yanchor": "bottom",
    }  # fmt: skip


def _face(image: Tensor, *, left: float = 0, top: float = 0, axes: int = 1) -> go.Image:
    import plotly.graph_objects as go

    suffix = "" if axes == 1 else str(axes)
    return go.Image(
        source=data_uri(image), x0=left, y0=top, hoverinfo="skip",
        xaxis=f"x{suffix}", yaxis=f"y{suffix}",
    )  # fmt: skip


def blend(clean: Tensor, cloaked: Tensor, strength: float) -> Tensor:
    """Part of the way from a clean picture to its cloak, as an 8-bit file would hold it.

    Args:
        clean, cloaked: of one shape, in [0, 1].
        strength: 0 gives the clean picture, 1 the cloak.
    """
    return torch.lerp(clean, cloaked, strength).mul(255).round().div(255)
