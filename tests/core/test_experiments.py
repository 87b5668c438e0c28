"""The recorded studies run the paper's tools at full strength on the shipped extractors."""

import itertools
import pickle

import pandas
import pytest

from poisonlib import extractors, people, provenance
from poisonlib.attacks import Cached, CloakCache, Unperturbed
from poisonlib.cli import main
from poisonlib.paper import RELEASED
from poisonlib.tools import (
    BASELINE,
    NEXT,
    SURROGATES,
    paper_tools,
    tools_on_the_adapted,
    weaker_tools,
)
from poisonlib.trial import Trial, grid
from studio import studies
from studio.studies import Run, Study, cases
from studio.studies.adaptations import ADAPTATIONS, ADAPTED_AGAIN, LEAKING_SHARES
from studio.studies.cases import SHARES, SWITCHES

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
        next(cases.ablation({}))
    with pytest.raises(FileNotFoundError, match="poisonlib train ablation-base-2014"):
        next(cases.ablation({}, tmp_path))


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
    assert [one.leaks for one in made if one.leaks is not None] == list(LEAKING_SHARES)
    assert len({one.name for one in made}) == len(made)


def test_who_adapts_again_learns_from_the_new_tool_as_well():
    again = ADAPTATIONS[ADAPTED_AGAIN]
    assert again.start in extractors.names(adapted=True)
    (new,) = set(again.tools) - set(RELEASED)
    (tool,) = tools_on_the_adapted(PUBLIC)
    assert new == tool


def test_a_study_says_how_to_make_the_weights_that_it_lacks(tmp_path):
    with pytest.raises(FileNotFoundError, match="poisonlib adapt leaks-0-arcface-2019"):
        next(cases.leaks(paper_tools(PUBLIC), tmp_path))


def test_a_message_says_how_to_render_the_public_people(tmp_path):
    with pytest.raises(
        FileNotFoundError, match="--identities 280 --photos 12 --first-identity 10320"
    ):
        studies.public_copies(tmp_path)


def test_worker_processes_can_load_what_a_study_needs():
    for study in studies.STUDIES.values():
        assert pickle.loads(pickle.dumps((study.tools, study.photographs)))


@pytest.mark.parametrize(
    "name",
    ["baseline", "budget", "timeline", "switching", "adaptive", "leaks", "next-attack"]
    + ["purification"],
)
def test_a_repeated_study_has_the_columns_of_its_record(name, monkeypatch):
    """The first case of each, with tools that change nothing."""
    attacks = {tool: Unperturbed() for tool in [*SURROGATES, NEXT]}
    monkeypatch.setattr(Run, "tools", lambda run, make: attacks)
    monkeypatch.setattr(Run, "trials", lambda run, made: trials(run, itertools.islice(made, 1)))
    monkeypatch.setattr(cases, "_load", lambda *adaptation: extractors.load(BASELINE))
    table = pandas.DataFrame(studies.STUDIES[name].rows(Run(users=1, seed=0)))
    assert set(table.columns) == set(provenance.load(name).table.columns)


def trials(run, made):
    photos = people.load("users").of_people(range(4))
    return grid(made, photos, users=run.users, seed=run.seed)


def control(public, *, cache=None):
    return {"control": Cached(Unperturbed(), cache)}


def test_a_record_resumes_after_a_kill_and_says_where_it_comes_from(monkeypatch, tmp_path):
    begun = []

    def one(tools, weights):
        yield Trial(tools["control"], extractors.load(BASELINE), name="control")

    def rows(run):
        begun.append(run.logs.exists())
        yield from run.trials(one(run.tools(control), None)).to_dict("records")
        if len(begun) == 1:
            raise KeyboardInterrupt

    monkeypatch.setenv("POISONLIB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setitem(studies.STUDIES, "baseline", Study(rows, control))
    command = ["record", "baseline", "--users", "2", "--out-folder", str(tmp_path)]
    assert main(command) == 130
    assert main(command) == 0
    assert begun == [False, True], "finished trials are in the log"
    recorded = provenance.load("baseline", folder=tmp_path)
    assert len(recorded.table) == 2 * 2 * 2
    assert recorded.provenance.command.endswith("record baseline --processes 1 --seed 0 --users 2")
    assert not list(tmp_path.glob(".*")), "the log of a finished run is removed"
