"""Live twins of the book's figures, and an audit of photographs of one's own, for whoever runs it.

The static page has no kernel, so every knob exists twice: as a figure with precomputed frames,
which ``poisonlib.figures.show`` puts on the page, and as a live widget for JupyterLab, VS Code and
Colab. When the site is built the widgets are left out.
"""

from __future__ import annotations

import base64
import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from poisonlib.figures import theme
from poisonlib.figures.show import building_site

if TYPE_CHECKING:
    from poisonlib.audit import Audit, Strategy
    from poisonlib.photos import Photos
    from poisonlib.photos.walk import Skipped
    from poisonlib.trial import Progress

SIDES = ("clean", "cloaked")


def live(function: Callable[..., Any], **controls: Any) -> None:
    """Show sliders and menus that call ``function`` again whenever they move.

    Shows nothing when the site is built. The function is called once at once; if it fails, the
    cell fails, so that a broken widget is found when the notebooks are tested.

    Args:
        function: takes the controls as keywords and returns something to display (a plotly
            figure, drawn in the book's style; a table) or displays it itself.
        controls: a control for each keyword, as ipywidgets abbreviates them: ``(low, high, step)``
            is a slider, a list or dict a menu, a bool a checkbox, a widget itself.

    Raises:
        ValueError: no control given, or one that stands for no widget.

    Example:
        >>> from poisonlib import widgets
        >>> widgets.live(print)
        Traceback (most recent call last):
        ValueError: live needs at least one control, such as strength=(0.0, 1.0, 0.1)
        >>> import os
        >>> os.environ["POISONLIB_SITE"] = "1"
        >>> widgets.live(print, strength=(0.0, 1.0, 0.1))  # the page of the site shows nothing
    """
    if not controls:
        raise ValueError("live needs at least one control, such as strength=(0.0, 1.0, 0.1)")
    if building_site():
        return
    import ipywidgets
    import plotly.graph_objects as go
    from IPython.display import display

    failures: list[Exception] = []

    def call(**settings: Any) -> Any:
        try:
            result = function(**settings)
        except Exception as failure:
            failures.append(failure)
            raise
        return theme.styled(result) if isinstance(result, go.Figure) else result

    box = ipywidgets.interactive(call, {"auto_display": True}, **controls)
    for control in box.children:
        if hasattr(control, "continuous_update"):
            control.continuous_update = False  # call once where the slider stops
    if failures:
        raise failures[0]
    display(box)


def upload_pairs(
    *,
    background: Photos | None = None,
    described: str = "the packaged synthetic people",
    strategies: Sequence[Strategy] | None = None,
    seed: int = 0,
) -> None:
    """Show buttons to choose photographs and their cloaked copies, and one that audits them.

    Shows nothing when the site is built. The photographs go to the kernel, which writes them to a
    temporary folder, does with it what the command ``poisonlib audit`` does, and removes it;
    nothing else is kept on the disk. Whatever goes wrong is said below the buttons, and what was
    chosen stays chosen until it is forgotten.

    Args:
        background, described, strategies, seed: as :func:`poisonlib.audit.audit` takes them.

    Example:
        >>> import os
        >>> from poisonlib import widgets
        >>> os.environ["POISONLIB_SITE"] = "1"
        >>> widgets.upload_pairs()  # the page of the site shows nothing
    """
    if building_site():
        return
    import ipywidgets
    from IPython.display import display

    wide = {"layout": {"width": "auto"}}
    choose = {
        side: ipywidgets.FileUpload(
            accept="image/*", multiple=True, description=f"Photographs, {side}", **wide
        )
        for side in SIDES
    }
    test = ipywidgets.Button(description="Test", button_style="primary", icon="check")
    forget = ipywidgets.Button(description="Forget the photographs", **wide)
    bar = ipywidgets.IntProgress(layout={"visibility": "hidden", "width": "auto"})
    doing, report = ipywidgets.Label(), ipywidgets.HTML()

    def tell(done: int, total: int, what: str) -> None:
        bar.max, bar.value, doing.value = total, done, what

    def run(_: ipywidgets.Button) -> None:
        test.disabled, report.value, bar.layout.visibility = True, "", "visible"
        uploads = {side: chosen.value for side, chosen in choose.items()}
        options = {"background": background, "described": described, "strategies": strategies}
        try:
            report.value = _page(_audited(uploads, progress=tell, seed=seed, **options))
        except Exception as problem:  # said here, as nobody looks at a widget's log
            report.value = _apology(problem)
        finally:
            test.disabled, bar.layout.visibility, doing.value = False, "hidden", ""

    def clear(_: ipywidgets.Button) -> None:
        report.value = ""
        for chosen in choose.values():
            chosen.value = ()

    test.on_click(run)
    forget.on_click(clear)
    buttons = ipywidgets.HBox([*choose.values(), test, forget], layout={"flex_flow": "row wrap"})
    display(ipywidgets.VBox([buttons, bar, doing, report]))


def _audited(
    uploads: Mapping[str, Sequence[Mapping[str, Any]]], *, progress: Progress, **options: Any
) -> Audit:
    """The audit of two uploads, as ``FileUpload.value`` holds them.

    Raises:
        ValueError: nothing to compare.
    """
    from poisonlib import audit, folders
    from poisonlib.audit.photographs import MOST
    from poisonlib.folders.received import received
    from poisonlib.photos.landmarks import landmarks

    for side in SIDES:
        if not uploads[side]:
            raise ValueError(
                f"no {side} photographs have arrived; choose them with the button above. More than "
                "10 MB at once arrive only where JupyterLab takes them, as `make lab` starts it"
            )
    with tempfile.TemporaryDirectory(prefix="poisonlib-") as home:
        lost = []
        for side in SIDES:
            (folder := Path(home, side)).mkdir()
            sent = [(file["name"], file["content"]) for file in uploads[side]]
            lost += [
                replace(one, reason=f"in the {side} folder, {one.reason}")
                for one in received(sent, folder)
            ]
        pairs = folders.pair(*(Path(home, side) for side in SIDES))
        left = (*lost, *pairs.problems)
        if not pairs.pairs:
            raise _NotTested("no photograph has a cloaked copy of its name", left)
        try:
            faces = folders.read_pairs(
                replace(pairs, problems=()).thinned(MOST),
                # Not remembered: of uploads not even the places of eyes and mouths are kept.
                detect=lambda picture, content: landmarks(picture),
                progress=progress,
            )
        except ValueError as problem:
            raise _NotTested(str(problem).replace(f"{home}{os.sep}", ""), left) from problem
    faces = replace(faces, problems=(*left, *faces.problems))
    return audit.audit(faces, progress=progress, **options)


class _NotTested(ValueError):
    """Nothing came of an upload: why, and the files that were left out before that."""

    def __init__(self, why: str, left: Sequence[Skipped]) -> None:
        super().__init__(why)
        self.left = left


def _apology(problem: Exception) -> str:
    """Why there is no report, as HTML."""
    said = f"<p><strong>Not tested:</strong> {escape(str(problem) or repr(problem))}</p>"
    if left := getattr(problem, "left", ()):
        said += f"<ul>{''.join(f'<li>{escape(str(one))}</li>' for one in left)}</ul>"
    return said


def _page(result: Audit) -> str:
    """An audit's report in a frame of its own, which nothing leaves, and a link that saves it."""
    from poisonlib.audit import as_html

    page = as_html(result)
    saved = base64.b64encode(page.encode()).decode()
    return (
        f'<iframe sandbox="" srcdoc="{escape(page, quote=True)}" title="Report of the audit" '
        'style="border: 1px solid; height: 40rem; width: 100%"></iframe>'
        f'<p><a download="report.html" href="data:text/html;base64,{saved}" '
        'style="text-decoration: underline">Save this report</a> '
        "(no photographs are in it, but the names of files are).</p>"
    )
