"""An audit of photographs that a reader uploads, for whoever runs the chapter.

The static page has no kernel: when the site is built, the buttons are left out.
"""

from __future__ import annotations

import base64
import os
import re
import tempfile
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from poisonlib import atomic
from poisonlib.figures.show import building_site
from workbench.photos.walk import Skipped

if TYPE_CHECKING:
    from poisonlib.photos import Photos
    from poisonlib.progress import Progress
    from workbench.audit import Audit, Strategy

SIDES = ("clean", "cloaked")
FORBIDDEN = frozenset('<>:"|?*')
"""What some operating system does not allow in a file name, beside unprintable characters."""


def upload_pairs(
    *,
    background: Photos | None = None,
    described: str | None = None,
    strategies: Sequence[Strategy] | None = None,
    seed: int = 0,
) -> None:
    """Show buttons to choose photographs and their cloaked copies, and one that audits them.

    Shows nothing when the site is built. The photographs go to the kernel, which writes them to a
    temporary folder, audits them like the command ``poisonlib audit``, and removes the folder;
    nothing else is stored. Errors are shown below the buttons, and the chosen files stay chosen
    until they are forgotten.

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
    status, report = ipywidgets.Label(), ipywidgets.HTML()

    def show_progress(done: int, total: int, doing: str) -> None:
        bar.max, bar.value, status.value = total, done, doing

    def run(_: ipywidgets.Button) -> None:
        test.disabled, report.value, bar.layout.visibility = True, "", "visible"
        uploads = {side: chosen.value for side, chosen in choose.items()}
        options = {"background": background, "described": described, "strategies": strategies}
        try:
            result = _audit(uploads, progress=show_progress, seed=seed, **options)
            report.value = _report_frame(result)
        except Exception as problem:  # shown here, as nobody reads a widget's log
            report.value = _failure(problem)
        finally:
            test.disabled, bar.layout.visibility, status.value = False, "hidden", ""

    def clear(_: ipywidgets.Button) -> None:
        report.value = ""
        for chosen in choose.values():
            chosen.value = ()

    test.on_click(run)
    forget.on_click(clear)
    buttons = ipywidgets.HBox([*choose.values(), test, forget], layout={"flex_flow": "row wrap"})
    display(ipywidgets.VBox([buttons, bar, status, report]))


def save_uploads(
    files: Iterable[tuple[str, bytes | memoryview]], folder: Path
) -> tuple[Skipped, ...]:
    """Write uploaded files, each a name and a content, into a folder that they cannot leave.

    Only the part of a name after its last slash or backslash is used. Files whose names then are
    the same, but for case and Unicode normalisation, are all refused: which of them is meant is
    not for us to guess.

    Args:
        files: names as they were sent, and contents.
        folder: existing and empty.

    Returns:
        the files that were not written, under the names they were sent with, and why.
    """
    by_name = defaultdict(list)
    problems = []
    for sent, content in files:
        if name := safe_name(sent):
            key = unicodedata.normalize("NFC", name).casefold()
            by_name[key].append((sent, name, content))
        else:
            problems.append(Skipped(Path(sent or "(no name)"), "no name that a file can have"))
    for same in by_name.values():
        if len(same) > 1:
            reason = f"{len(same)} files of this name were given"
            problems += [Skipped(Path(sent), reason) for sent, _, _ in same]
            continue
        ((sent, name, content),) = same
        try:
            atomic.write(folder / name, bytes(content), private=True, overwrite=False)
        except OSError as problem:
            problems.append(Skipped(Path(sent), f"could not be written ({problem.strerror})"))
    return tuple(problems)


def safe_name(name: str) -> str:
    """A name for a file in one folder, on any system; empty where nothing is left of it.

    Example:
        >>> from workbench.uploads import safe_name
        >>> safe_name("../../album/garden.jpg"), safe_name("C:\\\\album\\\\garden.jpg")
        ('garden.jpg', 'garden.jpg')
        >>> safe_name("..")
        ''
    """
    last = re.split(r"[/\\]", name)[-1]
    signs = (sign if sign.isprintable() and sign not in FORBIDDEN else "_" for sign in last)
    # A leading dot hides a file, and some systems drop dots and blanks at the end.
    return "".join(signs).strip(". ")


def _audit(
    uploads: Mapping[str, Sequence[Mapping[str, Any]]], *, progress: Progress, **options: Any
) -> Audit:
    """The audit of two uploads, as ``FileUpload.value`` holds them.

    Raises:
        ValueError: nothing to compare.
    """
    from workbench import audit, folders
    from workbench.audit.photographs import MOST_PAIRS
    from workbench.photos.detection import detect_landmarks

    for side in SIDES:
        if not uploads[side]:
            raise ValueError(
                f"no {side} photographs have arrived; choose them with the button above. More than "
                "10 MB at once arrive only where JupyterLab takes them, as `make lab` starts it"
            )
    with tempfile.TemporaryDirectory(prefix="poisonlib-") as home:
        problems = []
        for side in SIDES:
            (folder := Path(home, side)).mkdir()
            sent = [(file["name"], file["content"]) for file in uploads[side]]
            problems += [
                replace(problem, reason=f"in the {side} folder, {problem.reason}")
                for problem in save_uploads(sent, folder)
            ]
        pairs = folders.pair(*(Path(home, side) for side in SIDES))
        problems += pairs.problems
        if not pairs.pairs:
            raise _NothingToTest("no photograph has a cloaked copy of its name", problems)
        try:
            faces = folders.read_pairs(
                replace(pairs, problems=()).thinned(MOST_PAIRS),
                # Of uploads not even landmarks are cached.
                detect=lambda picture, content: detect_landmarks(picture),
                progress=progress,
            )
        except ValueError as problem:
            message = str(problem).replace(f"{home}{os.sep}", "")
            raise _NothingToTest(message, problems) from problem
    faces = replace(faces, problems=(*problems, *faces.problems))
    return audit.audit(faces, progress=progress, **options)


class _NothingToTest(ValueError):
    """No pair of an upload could be used: why, and the files that were left out."""

    def __init__(self, reason: str, problems: Sequence[Skipped]) -> None:
        super().__init__(reason)
        self.problems = problems


def _failure(problem: Exception) -> str:
    """Why there is no report, as HTML."""
    message = f"<p><strong>Not tested:</strong> {escape(str(problem) or repr(problem))}</p>"
    if problems := getattr(problem, "problems", ()):
        message += f"<ul>{''.join(f'<li>{escape(str(one))}</li>' for one in problems)}</ul>"
    return message


def _report_frame(result: Audit) -> str:
    """An audit's report in a sandboxed frame of its own, and a link that saves it."""
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
