"""The recorded experiments run the paper's tools at full strength on the shipped extractors."""

import pytest

from poisonlib import experiments, people
from poisonlib.attacks import CloakCache

PUBLIC = people.load("public").of_people(["p10000", "p10001"])


def test_the_papers_tools_are_at_full_strength():
    tools = experiments.paper_tools(PUBLIC)
    assert list(tools) == ["Fawkes v0.3", "Fawkes v1.0", "LowKey"]
    assert all(tool.mode == "high" for tool in tools.values())
    assert tools["Fawkes v0.3"].settings["extractors"] == [experiments.BASELINE]


@pytest.mark.parametrize("make", experiments.TOOLS.values(), ids=experiments.TOOLS)
def test_a_cache_changes_nothing_but_where_cloaks_are_kept(make, tmp_path):
    plain, kept = make(PUBLIC), make(PUBLIC, cache=CloakCache(tmp_path))
    assert list(plain) == list(kept)
    for name, tool in plain.items():
        assert repr(kept[name].attack) == repr(tool)


def test_every_experiment_knows_its_tools():
    assert set(experiments.TOOLS) == set(experiments.EXPERIMENTS)
