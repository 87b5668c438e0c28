"""The gauntlet on toys: no cloak has no effect, a decisive cloak shows, the worst case counts."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import pandas
import pytest
import torch
from safetensors.torch import load_file

from poisonlib import extractors, people
from poisonlib.attacks import PrecomputedCloaks, Unperturbed
from poisonlib.defenses import JPEG, ConfidenceThreshold, Filtered, Growing, Median, Purified, Top2
from poisonlib.extractors import Card, ModuleExtractor, Preprocessing, embed, names
from poisonlib.photos import Photos
from poisonlib.recognition import NearestNeighbour
from poisonlib.statistics import paired, wilson
from poisonlib.trial import Trial
from tests.audit.conftest import evaluator, large, negative, nothing, toy
from tests.core.conftest import toy_photos
from workbench.audit import CANNOT_TELL, TOMORROW, VERDICTS, Evaluator, gauntlet
from workbench.audit import evaluator as module
from workbench.audit.strategies import (
    FAMILIES,
    PHOTOGRAPHS,
    RENDERED,
    Strategy,
    naive,
    strategies,
)
from workbench.extractors import pretrained, trained_on_photographs


class Bright:
    """A detector that scores brightness."""

    def scores(self, images):
        return images.mean(dim=(1, 2, 3))


def folded() -> torch.nn.Module:
    """Embeds a picture and its negative alike."""

    class Folded(torch.nn.Module):
        def forward(self, images):
            return images.flatten(1).abs()

    return Folded()


def immune():
    card = Card("immune-2025", 2025, "toy", "none", "none", 8, 192, "CC0-1.0")
    return ModuleExtractor(folded(), card, Preprocessing(8))


def toys() -> list[Strategy]:
    """A strategy of every family, in the parts that the default ones use, on toy extractors."""

    def with_toy(name: str, family: str, trainer, **settings) -> Strategy:
        return Strategy(name, family, 2014, "is a toy", trainer, **settings)

    return [
        naive(toy()),
        naive(toy("later-2021", 2022)),
        with_toy("wash", "purification", lambda a: (
            a.extractor(Purified(toy(), JPEG(90))), NearestNeighbour)),
        with_toy("median", "purification", lambda a: (
            a.extractor(Purified(toy(), Median(3))), NearestNeighbour)),
        with_toy("drop", "detection", lambda a: (
            a.extractor(toy()), Filtered(Bright(), threshold=0.9))),
        with_toy("leak", "leak and growth", lambda a: (
            a.extractor(toy()), NearestNeighbour), leaked=1),
        with_toy("growth", "leak and growth", lambda a: (
            a.extractor(toy()), Growing(a.rounds, threshold=0.5)), leaked=1, grows=True),
        with_toy("Top-2", "two models", lambda a: (
            a.extractor(toy()), Top2.over(a.extractor(immune())))),
        with_toy("threshold", "two models", lambda a: (
            a.extractor(toy()), ConfidenceThreshold.over(a.extractor(immune()), threshold=0.5))),
    ]  # fmt: skip


def test_a_cloak_that_changes_nothing_has_no_measurable_effect_anywhere() -> None:
    evaluated = evaluator(toys())
    for cloak in (nothing, Unperturbed()):
        card = evaluated.evaluate(cloak, users=5)
        assert set(card.verdicts.values()) == {"no measurable effect"} == {card.grade}
        assert set(card.visible.values()) == {0.0}
        assert (card.table["difference"] == 0).all()


def test_a_decisive_cloak_protects_against_the_naive_and_the_second_mover_wins() -> None:
    naively = gauntlet(negative, photos=evaluator().photos, users=5, strategies=[naive(toy())])
    assert naively.grade == "protects" and naively.table["error"].tolist() == [1.0]
    card = evaluator(toys()).evaluate(negative, users=5)
    verdicts = card.verdicts
    assert verdicts["naive, toy-2014"] == "protects"
    assert verdicts["leak"] == verdicts["growth"] == "no measurable effect"
    assert verdicts["Top-2"] == "no measurable effect", "the second model is immune"
    assert card.grade == "no measurable effect", "the worst case counts"
    assert card.strongest["error"] == card.table["error"].min()


def blind() -> Strategy:
    """A trainer whose recogniser embeds everybody at random places."""

    class Blind(torch.nn.Module):
        def forward(self, images):
            seeds = images.flatten(1).mul(1000).sum(1).long().tolist()
            draws = [torch.randn(16, generator=torch.Generator().manual_seed(s)) for s in seeds]
            return torch.stack(draws)

    about = ("blind-2014", 2014, "toy", "none", "rendered noise", 8, 16, "CC0-1.0")
    return naive(ModuleExtractor(Blind(), Card(*about), Preprocessing(8)))


def test_a_trainer_that_does_not_recognise_without_a_cloak_cannot_tell() -> None:
    evaluated = evaluator([naive(toy()), blind()])
    for cloak, grade in ((nothing, "no measurable effect"), (negative, "protects")):
        card = evaluated.evaluate(cloak, users=5)
        assert card.verdicts == {"naive, toy-2014": grade, "naive, blind-2014": CANNOT_TELL}
        assert card.grade == grade and card.strongest["strategy"] == "naive, toy-2014"
        assert card.table["without"].iloc[1] > 0.5
        assert "the only trainer that can tell (of 2)" in card.summary


def test_where_nobody_can_tell_the_grade_says_so() -> None:
    card = evaluator([blind()]).evaluate(negative, users=5)
    assert card.grade == CANNOT_TELL and set(card.verdicts.values()) == {CANNOT_TELL}
    assert "no trainer recognises the users reliably without the cloak" in card.summary
    assert CANNOT_TELL in str(card) and CANNOT_TELL in card._repr_html_()
    plain = json.loads(card.to_json())
    assert plain["grade"] == CANNOT_TELL and plain["strongest"] is None


def test_a_card_has_a_heading_for_each_kind_of_recogniser() -> None:
    strategies = [naive(toy()), replace(naive(toy("rendered-2014")), learnt_from=RENDERED)]
    card = evaluator(strategies).evaluate(nothing, users=2)
    text = str(card).splitlines()
    assert text.index("trained on other data:") < text.index("trained on rendered people:")
    assert text[text.index("trained on rendered people:") + 1].startswith("naive, rendered-2014")
    html = card._repr_html_()
    assert html.count('scope="rowgroup"') == 2 and html.count("<tbody>") == 2
    alone = evaluator(strategies[:1]).evaluate(nothing, users=2)
    assert "trained on" not in str(alone) and "rowgroup" not in alone._repr_html_()


def test_rows_are_those_of_the_trial_with_paired_intervals() -> None:
    evaluated = evaluator()
    card = evaluated.evaluate(negative, users=3)
    (row,) = card.table.to_dict("records")
    trial = Trial(PrecomputedCloaks(evaluated.photos.images, 1 - evaluated.photos.images), toy())
    result = trial.run(evaluated.photos, users=3, seed=0)
    errors = result.table[result.table["whose"] == "user"].groupby("condition")["errors"].sum()
    n = row["n"]
    assert (round(row["error"] * n), round(row["without"] * n)) == (
        errors["cloaked"],
        errors["control"],
    )
    rate = wilson(errors["cloaked"], n)
    assert (row["low"], row["high"]) == (rate.low, rate.high)
    between = paired(n, 0, n)
    assert (row["difference_low"], row["difference_high"]) == (between.low, between.high)
    assert row["users"] == 3 and row["n"] == 3 * 7


def test_each_user_is_cloaked_once_for_all_trainers(monkeypatch) -> None:
    batches = []

    def counted(images):
        batches.append(len(images))
        return images

    evaluated = evaluator(toys())
    evaluated.evaluate(counted, users=4)
    assert batches == [17] * 4
    embedded = []
    monkeypatch.setattr(type(toy()), "__call__", lambda self, images: embedded.append(len(images)))
    evaluated.evaluate(counted, users=4)
    assert embedded == [], "nobody is embedded again"


def test_it_can_be_repeated_and_uses_no_global_random_state() -> None:
    state = torch.random.get_rng_state()
    first, second = (evaluator(toys()).evaluate(negative, users=3).table for _ in range(2))
    pandas.testing.assert_frame_equal(first, second)
    assert torch.equal(torch.random.get_rng_state(), state)


def test_progress_is_reported_to_the_end() -> None:
    steps = []
    evaluator(toys()).evaluate(nothing, users=2, progress=lambda *step: steps.append(step))
    assert steps[0][1] == 11 and steps[0][2].startswith("cloaking toy ")
    assert [done for done, _, _ in steps] == list(range(12)) and steps[-1][2] == "done"


def test_a_growing_gallery_begins_with_a_third() -> None:
    evaluated = evaluator()
    later = evaluated.later
    assert not (later & evaluated.test).any()
    for person in evaluated.photos.people:
        of_person = evaluated.photos.labels == person
        assert int((of_person & ~evaluated.test & ~later).sum()) == 17 // 3
    assert sum(len(each) for each in evaluated.rounds) == int(later.sum())
    assert all(len(each) == len(evaluated.photos.people) for each in evaluated.rounds)


def test_strategies_are_checked() -> None:
    with pytest.raises(ValueError, match="at least one strategy"):
        Evaluator(evaluator().photos, strategies=[])
    with pytest.raises(ValueError, match="each of its own name"):
        evaluator([naive(toy()), naive(toy())])
    with pytest.raises(ValueError, match="family must be one of"):
        Strategy("x", "magic", 2020, "", lambda a: None)
    with pytest.raises(ValueError, match="'all', 'audit' or 'quick'"):
        strategies("slow")
    with pytest.raises(ValueError, match="no extractor 'nobody'"):
        strategies(extractors=["nobody"])


def test_the_default_strategies_have_every_family_in_order() -> None:
    every, quick = strategies(), strategies("quick")
    assert len({strategy.name for strategy in every}) == len(every)
    assert {strategy.family for strategy in every} == set(FAMILIES)
    assert {strategy.name for strategy in quick} < {strategy.name for strategy in every}
    kinds = [strategy.learnt_from for strategy in every]
    assert kinds == sorted(kinds, key=[PHOTOGRAPHS, RENDERED].index), "photographs first"
    naive_ones = [s for s in every if s.family in ("naive", "newer model")]
    assert len(naive_ones) == len(names()) + len(names(photographs=True))
    rendered = [s for s in naive_ones if s.learnt_from == RENDERED]
    assert [s.year for s in rendered] == sorted(s.year for s in rendered)
    assert all(strategy.does for strategy in every)
    assert every[0].name == quick[0].name == "naive, dlib-2017"
    without = [strategy.name for strategy in strategies(photographs=False)]
    assert without == [strategy.name for strategy in every if strategy.learnt_from == RENDERED]


def test_extractors_of_ones_own_choice_stand_where_they_belong() -> None:
    chosen = strategies("audit", extractors=[toy("own-2030", 2030), "softmax-2014", "dlib-2017"])
    named = [s.name for s in chosen if s.family in ("naive", "newer model")]
    assert named == ["naive, dlib-2017", "newer model, own-2030", "naive, softmax-2014"]


def test_an_audit_asks_recognisers_that_know_faces_in_every_way(monkeypatch) -> None:
    of_audit = strategies("audit")
    knowing = [s for s in of_audit if s.learnt_from == PHOTOGRAPHS]
    assert {s.family for s in knowing} >= set(FAMILIES) - {"newer model", "adaptive"}
    assert {"JPEG 30, dlib-2017", "median, dlib-2017", "denoiser, dlib-2017"} <= {
        s.name for s in knowing
    }
    assert {s.name for s in of_audit} < {s.name for s in strategies()} | {
        s.name for s in map(naive, trained_on_photographs())
    }
    rendered = {s.family for s in of_audit if s.learnt_from == RENDERED}
    assert rendered == {"naive", "newer model", "adaptive"}


def test_an_adapted_recogniser_that_knows_faces_is_taken_up_when_it_ships(monkeypatch) -> None:
    known = extractors.load("dlib-2017")
    adapted = replace(known, card=replace(known.card, name="adapted-dlib-2017"))
    shipped = extractors.names

    def also(*, adapted: bool = False, photographs: bool = False) -> tuple[str, ...]:
        real = ("adapted-dlib-2017",) if adapted and photographs else ()
        return real or shipped(adapted=adapted, photographs=photographs)

    of_strategies = sys.modules[strategies.__module__]
    load = of_strategies.load
    monkeypatch.setattr(extractors, "names", also)
    monkeypatch.setattr(pretrained.shipped, "names", also)
    monkeypatch.setattr(
        of_strategies, "load", lambda name: adapted if name == adapted.card.name else load(name)
    )
    for which in ("quick", "audit", "all"):
        found = {s.name: s for s in strategies(which)}
        assert found["adaptive, dlib-2017"].learnt_from == PHOTOGRAPHS
        assert "naive, adapted-dlib-2017" not in found
    assert {"Top-2, dlib-2017 + adapted", "threshold, dlib-2017 + adapted"} <= set(found)


def test_a_card_prints_as_text_html_and_json() -> None:
    evaluated = evaluator(toys())
    card = evaluated.evaluate(negative, users=3, name="<b>own</b>")
    for text in (str(card), card._repr_html_(), card.summary, card.to_json()):
        assert TOMORROW.split("'")[0] in text
    html = card._repr_html_()
    assert "<b>" not in html and "&lt;b&gt;own" in html
    assert repr(card).startswith("ReportCard(") and card.grade in repr(card)
    assert html.count('scope="row"') == len(card.table)
    assert html.count('scope="col"') == html.split("</thead>")[0].count("<th ")
    assert "<caption>" in html
    assert all(name in str(card) for name in card.verdicts)

    def refuse(name):
        raise AssertionError(f"{name} is no JSON")

    plain = json.loads(card.to_json(), parse_constant=refuse)
    assert plain["grade"] == card.grade and plain["grade"] in VERDICTS
    assert [row["verdict"] for row in plain["strategies"]] == list(card.verdicts.values())
    assert plain["strategies"][0]["error"] == card.table["error"].iloc[0]


def test_one_user_among_others_can_be_audited(photos: Photos) -> None:
    """As in an audit of somebody's own pairs: precomputed cloaks, one user, a background."""
    own = photos.of(4)
    cloaks = PrecomputedCloaks(own, 1 - own)
    card = gauntlet(cloaks, photos=photos, users=["toy 4"], strategies=[naive(toy())], name="app")
    assert card.grade == "protects" and card.table["users"].tolist() == [1]
    with pytest.raises(ValueError, match="no cloak for toy 2: photograph 1 of 17 is none"):
        gauntlet(cloaks, photos=photos, users=["toy 2"], strategies=[naive(toy())])


@pytest.mark.slow
def test_no_cloak_has_no_effect_against_any_default_strategy() -> None:
    """The shipped extractors and defences, on a few of the packaged people."""
    photos = people.load("users")
    few = photos.of_people(photos.people[:8])
    card = gauntlet(nothing, photos=few, users=photos.people[:5])
    assert card.verdicts == {each.name: "no measurable effect" for each in strategies()}
    assert card.table["without"].max() < 0.5, "it recognises people who do not cloak"


def test_a_slow_networks_embeddings_are_stored_for_rendered_people_only(
    tmp_path: Path, monkeypatch
) -> None:
    embedded = []

    class Slow:
        card, fingerprint = toy().card, "slow"

        def __call__(self, images):
            embedded.append(len(images))
            return toy()(images)

    users = large(toy_photos(3, 4))
    own = Photos(1 - users.images[:4], users.labels[:4], ("me",))
    monkeypatch.setenv("POISONLIB_CACHE", str(tmp_path))
    monkeypatch.setattr(module.people, "load", lambda split, **more: users)
    monkeypatch.setattr(module.extractors, "load", lambda name: Slow())
    both = [Evaluator(users.joined(own), strategies=[naive(toy())]) for _ in range(2)]
    embeddings = [each.embeddings(each.extractor("slow")) for each in both]
    assert embedded == [12, 4, 4], "the owner of photographs is embedded each time"
    assert torch.equal(embeddings[0], embeddings[1])
    assert torch.equal(embeddings[0], embed(toy(), both[0].photos.images))
    (stored,) = (tmp_path / "embeddings").iterdir()
    assert load_file(stored)["embeddings"].shape == (12, 192)
    real_first = Evaluator(own.joined(users), strategies=[naive(toy())])
    real_first.embeddings(real_first.extractor("slow"))
    assert embedded[3:] == [16] and list((tmp_path / "embeddings").iterdir()) == [stored]


def test_the_detector_scores_each_photograph_once_for_all_splits(monkeypatch) -> None:
    looked_at = []

    class Counting(Bright):
        def scores(self, images):
            looked_at.append(len(images))
            return super().scores(images)

    monkeypatch.setattr(module.detector, "load", Counting)
    evaluated = evaluator()
    gallery = int((~evaluated.test).sum())
    evaluated.filtered.scores(evaluated.photos.images[~evaluated.test])
    other = evaluated.with_test(~evaluated.test)
    other.filtered.scores(evaluated.photos.images)
    assert sum(looked_at) == len(evaluated.photos) and looked_at[0] == gallery
