"""A quiz answers every option, in words, for everybody, and refuses to be half-finished."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest

from poisonlib.figures import Option, Question, quiz
from poisonlib.figures.show import SITE_VARIABLE

TWO = (Option("this", "It is.", right=True), Option("that", "It is not."))
QUESTIONS = (Question("Which?", TWO), Question("And now?", TWO[::-1]))


class Parsed(HTMLParser):
    """Tags, ids and references of some HTML; fails on a tag that is not closed in its turn."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.labelled_by: list[str] = []
        self.feed(html)
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.open.append(tag)
        self.tags.append(tag)
        self.ids += [given["id"]] if "id" in given else []
        self.labelled_by += [given["aria-labelledby"]] if "aria-labelledby" in given else []

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_each_option_opens_to_its_own_feedback():
    html = quiz(*QUESTIONS, name="toy").data
    parsed = Parsed(html)
    assert parsed.tags.count("details") == parsed.tags.count("summary") == 4
    right = '<summary>this</summary><p class="poisonlib-feedback right"><strong>Right.</strong> It'
    wrong = "<summary>that</summary>"
    assert html.count(right) == 2
    assert html.count(wrong) == html.count("<strong>Not quite.</strong> It is not.") == 2
    assert html.index("Which?") < html.index("And now?")


def test_all_options_are_closed_at_first_and_nothing_needs_a_script():
    html = quiz(*QUESTIONS, name="toy").data
    assert "<details>" in html and "<details open" not in html
    assert "<script" not in html and "onclick" not in html and "http" not in html


def test_the_page_styles_it_and_a_notebook_brings_its_own_style(monkeypatch):
    monkeypatch.delenv(SITE_VARIABLE, raising=False)
    here = quiz(*QUESTIONS, name="toy").data
    monkeypatch.setenv(SITE_VARIABLE, "1")
    page = quiz(*QUESTIONS, name="toy").data
    assert page.startswith("<ol") and here.startswith("<style>") and here.endswith(page)


def test_each_group_of_options_is_labelled_by_its_question():
    parsed = Parsed(quiz(*QUESTIONS, name="toy").data)
    assert parsed.ids == ["quiz-toy", "quiz-toy-1", "quiz-toy-2"]
    assert parsed.labelled_by == ["quiz-toy-1", "quiz-toy-2"]


def test_two_quizzes_share_no_id():
    one, other = (Parsed(quiz(*QUESTIONS, name=name).data) for name in ("one", "other"))
    assert not set(one.ids) & set(other.ids)


def test_text_is_text():
    options = (Option("a < b", "No </p>.", right=True), Option("b & c", "<script>"))
    html = quiz(Question("Is <b> bold?", options), name="escaped").data
    assert "a &lt; b" in html and "b &amp; c" in html and "Is &lt;b&gt; bold?" in html
    assert "No &lt;/p&gt;." in html and "<script>" not in html


@pytest.mark.parametrize(
    ("text", "feedback", "said"),
    [
        (" ", "because", "a text to choose"),
        ("this", "", "feedback that says why"),
        ("this", "Right. It is.", "leave out the verdict"),
        ("this", "Not quite. It is not.", "leave out the verdict"),
    ],
)
def test_an_option_needs_a_text_and_its_feedback(text, feedback, said):
    with pytest.raises(ValueError, match=said):
        Option(text, feedback)


NO = tuple(Option(letter, "No.") for letter in "abcde")
YES = Option("yes", "It is.", right=True)


@pytest.mark.parametrize(
    ("text", "options", "said"),
    [
        ("", TWO, "needs a text"),
        ("Which?", (YES,), "two to five options"),
        ("Which?", (YES, *NO), "two to five options"),
        ("Which?", NO, "exactly one option .* got 0"),
        ("Which?", (YES, Option("also", "It is.", right=True)), "exactly one option .* got 2"),
        ("Which?", (YES, Option("yes", "No.")), "different text"),
    ],
)
def test_a_question_has_a_few_options_and_one_right_answer(text, options, said):
    with pytest.raises(ValueError, match=said):
        Question(text, options)


@pytest.mark.parametrize(
    ("questions", "name", "said"),
    [
        ((), "toy", "one Question or more"),
        (QUESTIONS[:1] * 2, "toy", "each only once"),
        (QUESTIONS, "A toy", "lower-case words"),
    ],
)
def test_a_quiz_has_questions_and_an_address(questions, name, said):
    with pytest.raises(ValueError, match=said):
        quiz(*questions, name=name)
