"""The audit of photographs that somebody has cloaked: fair to few of them, honest about files."""

from __future__ import annotations

import json
from dataclasses import replace
from html import escape
from pathlib import Path

import pytest
import torch

from poisonlib import people
from poisonlib.photos import Photos
from tests.audit.conftest import negative, toy
from tests.audit.test_gauntlet import immune, toys
from workbench import audit
from workbench.audit.others import EACH, also_the_owner
from workbench.audit.photographs import (
    AMONG_RENDERED,
    FOLDS,
    MEANING,
    OWNER,
    SET_ASIDE,
    folds,
)
from workbench.audit.strategies import OTHER, PHOTOGRAPHS, RENDERED, naive
from workbench.folders import Pair, PairedFaces
from workbench.photos.walk import Skipped


def album(photos: Photos, cloak=negative, *, person: int = 0, names: list[str] | None = None):
    """One person's photographs and their copies, and everybody else."""
    clean = photos.of(person)
    names = names or [f"{at:03}.jpg" for at in range(len(clean))]
    pairs = tuple(
        Pair(Path(name), Path("clean", name), Path("cloaked", name), Path("clean"), Path("cloaked"))
        for name in names
    )
    problem = Skipped(Path("letter.txt"), "in the clean folder, not a picture")
    faces = PairedFaces(clean, cloak(clean), pairs, ((),) * len(pairs), (problem,))
    return faces, photos.of_people([one for one in photos.people if one != person])


def test_every_photograph_is_tested_once() -> None:
    fold = folds(10, seed=3)
    assert sorted(fold.bincount(minlength=FOLDS).tolist()) == [2, 2, 3, 3]
    assert torch.equal(fold, folds(10, seed=3))
    assert not torch.equal(fold, folds(10, seed=4))


def test_a_decisive_cloak_protects_and_none_does_nothing(photos: Photos) -> None:
    for cloak, expected in ((negative, "protects"), (lambda clean: clean, "no measurable effect")):
        faces, others = album(photos, cloak)
        result = audit.audit(faces, background=others, strategies=[naive(toy())])
        row = result.card.table.iloc[0]
        assert row["n"] == len(faces) and row["users"] == 1
        assert row["verdict"] == result.card.grade == expected


def test_every_family_of_trainers_can_be_audited(photos: Photos) -> None:
    faces, others = album(photos)
    seen: list[tuple[int, int, str]] = []
    strategies = toys()
    result = audit.audit(
        faces, background=others, strategies=strategies, progress=lambda *step: seen.append(step)
    )
    assert result.card.table["strategy"].tolist() == [each.name for each in strategies]
    assert set(result.card.table["n"]) == {len(faces)}
    assert [done for done, _, _ in seen] == list(range(len(strategies) * FOLDS + 1))


def test_it_is_the_same_again(photos: Photos) -> None:
    faces, others = album(photos)
    tables = [
        audit.audit(faces, background=others, strategies=[naive(toy())], seed=2).card.table
        for _ in range(2)
    ]
    assert tables[0].equals(tables[1])


def test_the_photographs_are_left_as_they_are(photos: Photos) -> None:
    faces, others = album(photos)
    before = faces.clean.clone(), faces.cloaked.clone()
    audit.audit(faces, background=others, strategies=[naive(toy())])
    assert torch.equal(faces.clean, before[0]) and torch.equal(faces.cloaked, before[1])


def test_a_photograph_that_is_there_twice_counts_once(photos: Photos) -> None:
    faces, others = album(photos)
    twice = PairedFaces(
        torch.cat([faces.clean, faces.clean[:1]]),
        torch.cat([faces.cloaked, faces.clean[:1]]),
        (*faces.pairs, faces.pairs[3]),
        (*faces.notes, ()),
        faces.problems,
    )
    result = audit.audit(twice, background=others, strategies=[naive(toy())])
    assert len(result.faces) == len(faces)
    assert result.problems[-1].reason == "nearly the same photograph as 000.jpg"


def test_too_few_photographs_are_refused(photos: Photos) -> None:
    faces, others = album(photos)
    three = PairedFaces(faces.clean[:3], faces.cloaked[:3], faces.pairs[:3], faces.notes[:3], ())
    with pytest.raises(ValueError, match="at least 4 different photographs .* got 3"):
        audit.audit(three, background=others)


def test_few_photographs_are_not_enough_to_say(photos: Photos) -> None:
    faces, others = album(photos, lambda clean: clean)
    four = PairedFaces(faces.clean[:4], faces.cloaked[:4], faces.pairs[:4], faces.notes[:4], ())
    result = audit.audit(four, background=others, strategies=[naive(toy())])
    assert result.card.grade == "not enough photographs to say"


def test_the_owner_is_nobody_of_the_background(photos: Photos) -> None:
    faces, others = album(photos)
    others = Photos(others.images, others.labels, (others.names[0], OWNER, *others.names[2:]))
    with pytest.raises(ValueError, match="occur in both"):
        audit.audit(faces, background=others, strategies=[naive(toy())])


def test_it_says_what_was_asked_and_what_that_means(photos: Photos) -> None:
    faces, others = album(photos)
    kinds = {"seen-2017": PHOTOGRAPHS, "drawn-2014": RENDERED, "own-2014": OTHER}
    strategies = [
        replace(naive(replace(toy(name), origin=name)), learnt_from=learnt_from)
        for name, learnt_from in kinds.items()
    ]
    result = audit.audit(faces, background=others, strategies=strategies)
    assert result.asked == {learnt_from: {name: "none"} for name, learnt_from in kinds.items()}
    real, rendered, own, aside, meaning = result.statement
    assert aside == SET_ASIDE
    assert "photographs of real people: seen-2017 (none)" in real
    assert "know real faces poorly or not at all: drawn-2014" in rendered
    assert own == "Recognisers of your own: own-2014." and meaning == MEANING
    assert json.loads(result.to_json())["statement"] == list(result.statement)
    page = audit.as_html(result)
    assert all(escape(sentence) in page for sentence in result.statement)
    assert page.count('scope="rowgroup"') == 3


def test_recognisers_of_rendered_people_count_only_where_no_others_are_asked(photos) -> None:
    """The first is fooled, the second is not: it takes a picture for its negative."""
    faces, others = album(photos)
    fooled = replace(naive(toy("seen-2017")), learnt_from=PHOTOGRAPHS)
    immune_one = naive(replace(immune(), origin="drawn"))
    grades = {}
    for learnt_from in (RENDERED, OTHER, PHOTOGRAPHS):
        line_up = [fooled, replace(immune_one, learnt_from=learnt_from)]
        result = audit.audit(faces, background=others, strategies=line_up)
        assert list(result.card.verdicts.values()) == ["protects", "no measurable effect"]
        grades[learnt_from] = result.card.grade
        assert result.card.sets_rendered_aside is (learnt_from == RENDERED)
    assert grades == {RENDERED: "protects"} | dict.fromkeys(
        (OTHER, PHOTOGRAPHS), "no measurable effect"
    )
    alone = [replace(immune_one, learnt_from=RENDERED)]
    result = audit.audit(faces, background=others, strategies=alone)
    assert result.card.grade == "no measurable effect" and SET_ASIDE not in result.statement


def test_a_gallery_of_rendered_people_is_said_to_be_easier(photos: Photos) -> None:
    faces, toys_only = album(photos)
    one = faces.clean[:, :, :1, :1].expand(-1, -1, 112, 112).clone()
    own = replace(faces, clean=one, cloaked=1 - one)
    others = people.load("users", each=4).of_people(range(3))
    for background, is_rendered in ((others, True), (toys_only, False)):
        used = own if is_rendered else faces
        result = audit.audit(used, background=background, strategies=[naive(toy())])
        assert result.among_rendered is is_rendered
        assert (AMONG_RENDERED in result.statement) is is_rendered


def test_the_default_gallery_has_everybody_with_some_photographs() -> None:
    others, described = audit.background("people")
    assert set(others.labels.bincount().tolist()) == {EACH}
    assert len(others.people) == 100 and described == "100 rendered people"
    everything = people.load("users")
    assert torch.equal(others.of(7), everything.of(7)[:EACH])


def test_json_is_strict_and_names_the_files(photos: Photos) -> None:
    faces, others = album(photos)
    result = audit.audit(faces, background=others, strategies=[naive(toy())], described="toys")

    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    content = json.loads(result.to_json(), parse_constant=refuse)
    assert content["background"] == "toys"
    assert len(content["pairs"]) == len(faces)
    assert content["problems"] == [
        {"file": "letter.txt", "reason": "in the clean folder, not a picture"}
    ]


def test_the_owner_in_the_background_is_left_out_of_it(photos: Photos) -> None:
    """The natural layout: a folder for each person, the owner among them."""
    faces, others = album(photos)
    for cloak, expected in ((negative, "protects"), (lambda clean: clean, "no measurable effect")):
        own, _ = album(photos, cloak)
        result = audit.audit(
            own, background=others.joined(again_of(photos)), strategies=[naive(toy())]
        )
        assert result.card.grade == expected
        left = [problem for problem in result.problems if problem.file.name == "Ada"]
        assert [problem.reason.split(";")[0] for problem in left] == [
            "in the background, is the owner of the photographs"
        ]
    without = audit.audit(faces, background=others, strategies=[naive(toy())])
    assert all("is the owner" not in problem.reason for problem in without.problems)


def test_a_recogniser_that_takes_everybody_for_the_owner_removes_nobody(photos: Photos) -> None:
    faces, others = album(photos)

    def blind(images):
        return torch.ones(len(images), 1)

    assert also_the_owner(faces.clean, others, blind) == []
    packaged = also_the_owner(faces.clean, others.joined(again_of(photos)), toy(), rendered=10**6)
    assert packaged == [], "only the same photograph makes a packaged person the owner"


def again_of(photos: Photos) -> Photos:
    return Photos(photos.of(0)[:8], torch.zeros(8, dtype=torch.int64), ("Ada",))
