"""``sweep`` from the command line: it prints what was done, resumes, and reports failures."""

from __future__ import annotations

from pathlib import Path

import pytest

from poisonlib.cli import main
from workbench import sweep
from workbench.sweep import jobs

CONFIG = """
photographs = "people"
users = 3
seeds = [0, 1]
tools = ["one", "two"]
extractors = ["toy"]
users_per_job = 2
"""


@pytest.fixture
def arguments(toys: sweep.Config, tmp_path: Path) -> list[str]:
    (tmp_path / "toys.toml").write_text(CONFIG, encoding="utf-8")
    out = tmp_path / "out"
    return ["sweep", str(tmp_path / "toys.toml"), "--out", str(out), "--processes", "1"]


def test_it_prints_what_was_done(arguments: list[str], capsys) -> None:
    assert main(arguments) == 0
    printed, bar = capsys.readouterr()
    assert printed.startswith("21 jobs done, 0 before: ")
    assert "21/21  two against toy, 1-NN, seed 1" in bar
    assert main(arguments) == 0
    assert capsys.readouterr().out.startswith("0 jobs done, 21 before: ")


def test_failed_jobs_are_printed_and_exit_code_1(arguments: list[str], capsys, monkeypatch) -> None:
    work = jobs.TrialJob.run

    def broken(self, *given):
        if self.tool == "two":
            raise ValueError("it broke")
        return work(self, *given)

    monkeypatch.setattr(jobs.TrialJob, "run", broken)
    assert main(arguments) == 1
    assert "failed: two against toy, 1-NN, seed 0: persons" in capsys.readouterr().err
