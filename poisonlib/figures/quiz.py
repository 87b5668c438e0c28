"""Self-check questions that answer every choice: plain HTML, without a kernel or a script."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from poisonlib.figures.show import building_site, check_name

if TYPE_CHECKING:
    from IPython.display import HTML

RIGHT, NOT_QUITE = "Right.", "Not quite."
# JupyterLab hides the triangle that shows that an option can be opened.
NOTEBOOK_STYLE = """<style>
.poisonlib-quiz details { border: 1px solid; margin: 0.5em 0; padding: 0.25em 0.75em; }
.poisonlib-quiz summary { cursor: pointer; list-style: inside disclosure-closed; }
.poisonlib-quiz details[open] > summary { list-style-type: disclosure-open; }
.poisonlib-question { font-weight: bold; }
</style>"""


@dataclass(frozen=True)
class Option:
    """One answer to choose, and the feedback on it.

    Attributes:
        text: the answer. Plain text.
        feedback: why it is right, or what is wrong with it. Plain text, which the page puts after
            a verdict, "Right." or "Not quite.".
        right: whether this is the right answer.

    Raises:
        ValueError: the text or the feedback is empty, or the feedback brings a verdict of its own.
    """

    text: str
    feedback: str
    right: bool = False

    def __post_init__(self) -> None:
        if not (self.text.strip() and self.feedback.strip()):
            raise ValueError(
                f"an option needs a text to choose and a feedback that says why it is right or "
                f"wrong, got {self.text!r} and {self.feedback!r}"
            )
        if self.feedback.startswith((RIGHT, NOT_QUITE)):
            raise ValueError(
                f"leave out the verdict, which precedes the feedback: got {self.feedback!r}"
            )


@dataclass(frozen=True)
class Question:
    """A question and its answers, exactly one of which is right.

    Attributes:
        text: the question. Plain text.
        options: two to five different answers, in the order in which they are shown.

    Raises:
        ValueError: the text is empty, there are too few or too many options, two have the same
            text, or not exactly one is right.
    """

    text: str
    options: tuple[Option, ...]

    def __post_init__(self) -> None:
        different = {option.text for option in self.options}
        right = sum(option.right for option in self.options)
        if not self.text.strip():
            raise ValueError("a question needs a text, got an empty one")
        if len(different) < len(self.options) or not 2 <= len(different) <= 5:
            raise ValueError(
                f"give {self.text!r} two to five options of different text, "
                f"got {[option.text for option in self.options]}"
            )
        if right != 1:
            raise ValueError(
                f"mark exactly one option of {self.text!r} with right=True, got {right}"
            )


def quiz(*questions: Question, name: str) -> HTML:
    """Questions to answer by opening an option, which then says whether it is right, and why.

    Each option is a ``<details>`` element: it opens by mouse, touch and keyboard, on the static
    page as in JupyterLab, with scripts off as well, and all options may be opened. A verdict is
    said in words; the colours of the page (``book/_static/custom.css``) only repeat it.

    Args:
        questions: shown in this order, numbered from 1.
        name: lower-case words joined by hyphens, unique in the book; the quiz's address on the
            page is ``#quiz-<name>``.

    Raises:
        ValueError: no question, the same question twice, or a name of another form.

    Example:
        >>> from poisonlib.figures import Option, Question, quiz
        >>> moved = Question(
        ...     "Whose point does a cloak move?",
        ...     (
        ...         Option("The probe's", "Nobody touched that photograph."),
        ...         Option("The shared photograph's", "Only that one was changed.", right=True),
        ...     ),
        ... )
        >>> quiz(moved, name="whose-point").data.count("<details")
        2
    """
    from IPython.display import HTML

    check_name(name)
    if not questions or len({question.text for question in questions}) < len(questions):
        raise ValueError(
            "a quiz needs one Question or more, each only once, "
            f"got {[question.text for question in questions]}"
        )
    items = []
    for number, question in enumerate(questions, start=1):
        place = f"quiz-{name}-{number}"
        items.append(
            f'<li><div role="group" aria-labelledby="{place}">'
            f'<p class="poisonlib-question" id="{place}">{escape(question.text)}</p>'
            f"{''.join(map(_details, question.options))}</div></li>"
        )
    style = "" if building_site() else NOTEBOOK_STYLE
    return HTML(f'{style}<ol class="poisonlib-quiz" id="quiz-{name}">{"".join(items)}</ol>')


def _details(option: Option) -> str:
    kind, verdict = ("right", RIGHT) if option.right else ("not-quite", NOT_QUITE)
    return (
        f"<details><summary>{escape(option.text)}</summary>"
        f'<p class="poisonlib-feedback {kind}"><strong>{verdict}</strong> '
        f"{escape(option.feedback)}</p></details>"
    )
