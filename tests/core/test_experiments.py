"""The recorded experiments run the paper's tools at full strength on the shipped extractors."""

import pytest

from poisonlib import extractors, people
from poisonlib.attacks import CloakCache
from poisonlib.paper import RELEASED
from poisonlib.tools import BASELINE, SURROGATES, paper_tools, tools_on_the_adapted, weaker_tools
from studio import studies
from studio.studies.adaptations import ADAPTATIONS, AGAIN, LEAKS
from studio.studies.adaptive import leaks
from studio.studies.timeline import SHARES, SWITCHES

PUBLIC = people.load("public").of_people(["p10000", "p10001"])


def test_the_papers_tools_are_at_full_strength():
    tools = paper_tools(PUBLIC)
    assert list(tools) == ["Fawkes v0.3", "Fawkes v1.0", "LowKey"]
    assert all(tool.mode == "high" for tool in tools.values())
    assert tools["Fawkes v0.3"].settings["extractors"] == [BASELINE]


MAKERS = (paper_tools, weaker_tools)


@pytest.mark.parametrize("make", MAKERS, ids=lambda make: make.__name__)
def test_a_cache_changes_nothing_but_where_cloaks_are_kept(make, tmp_path):
    plain, kept = make(PUBLIC), make(PUBLIC, cache=CloakCache(tmp_path))
    assert list(plain) == list(kept)
    for name, tool in plain.items():
        assert repr(kept[name].attack) == repr(tool)


def test_no_tool_looks_into_an_extractor_younger_than_itself():
    assert set(SURROGATES) == set(RELEASED)
    for tool, names in SURROGATES.items():
        assert all(extractors.load(name).card.year < RELEASED[tool] for name in names)


def test_switching_goes_from_all_old_to_all_new():
    assert SHARES[0] == 0 and SHARES[-1] == 1
    known = {"nothing", *RELEASED}
    assert all(old != new and {old, new} <= known for old, new in SWITCHES)


def test_the_ablation_says_where_its_weights_come_from(tmp_path):
    with pytest.raises(ValueError, match="--weights-folder"):
        next(studies.ablation(users=1, seed=0))
    with pytest.raises(FileNotFoundError, match="poisonlib train ablation-base-2014"):
        next(studies.ablation(users=1, seed=0, weights=tmp_path))


def test_what_ships_as_adapted_is_an_adaptation_to_all_tools():
    shipped = extractors.names(adapted=True)
    assert shipped and not set(shipped) & set(extractors.names())
    for name in shipped:
        made = ADAPTATIONS[name]
        assert set(made.tools) == set(RELEASED)
        card = extractors.load(name).card
        assert card.name == name and card.year == extractors.load(made.start).card.year
        assert all(tool in card.data for tool in RELEASED)


def test_every_tool_is_left_out_once_and_every_share_of_leaks_is_tried():
    made = ADAPTATIONS.values()
    left_out = [set(RELEASED) - set(one.tools) for one in made if one.leaks is None and one.tools]
    assert [gone for gone in left_out if gone] == [{tool} for tool in SURROGATES]
    assert [one.leaks for one in made if one.leaks is not None] == list(LEAKS)
    assert len({one.name for one in made}) == len(made)


def test_who_adapts_again_learns_from_the_new_tool_as_well():
    again = ADAPTATIONS[AGAIN]
    assert again.start in extractors.names(adapted=True)
    (new,) = set(again.tools) - set(RELEASED)
    (tool,) = tools_on_the_adapted(PUBLIC)
    assert new == tool


def test_an_experiment_says_how_to_make_the_weights_that_it_lacks(tmp_path):
    with pytest.raises(FileNotFoundError, match="poisonlib adapt leaks-0-arcface-2019"):
        next(leaks(users=1, seed=0, weights=tmp_path))


def test_the_scraped_people_are_asked_for_by_command(tmp_path):
    with pytest.raises(
        FileNotFoundError, match="--identities 280 --photos 12 --first-identity 10320"
    ):
        studies.public_copies(tmp_path)


def test_worker_processes_can_remember_what_an_experiment_needs():
    kept = {experiment: name for name, experiment in studies.EXPERIMENTS.items()}
    assert set(kept.values()) <= set(studies.EXPERIMENTS)
