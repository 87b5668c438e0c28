"""An audit of photographs that a reader uploads, for whoever runs the chapter.

The static page has no kernel: when the site is built, it is left out.
"""

from __future__ import annotations

import base64
import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from poisonlib.figures.show import building_site

if TYPE_CHECKING:
    from poisonlib.photos import Photos
    from poisonlib.progress import Progress
    from workbench.audit import Audit, Strategy
    from workbench.photos.walk import Skipped

SIDES = ("clean", "cloaked")


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
        background, described, strategies, seed: as :func:`workbench.audit.audit` takes them.

    Example:
        >>> import os
        >>> from workbench import uploads
        >>> os.environ["POISONLIB_SITE"] = "1"
        >>> uploads.upload_pairs()  # the page of the site shows nothing
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
    from workbench import audit, folders
    from workbench.audit.photographs import MOST
    from workbench.folders.uploaded import received
    from workbench.photos.landmarks import landmarks

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
    from workbench.audit import as_html

    page = as_html(result)
    saved = base64.b64encode(page.encode()).decode()
    return (
        f'<iframe sandbox="" srcdoc="{escape(page, quote=True)}" title="Report of the audit" '
        'style="border: 1px solid; height: 40rem; width: 100%"></iframe>'
        f'<p><a download="report.html" href="data:text/html;base64,{saved}" '
        'style="text-decoration: underline">Save this report</a> '
        "(no photographs are in it, but the names of files are).</p>"
    )
