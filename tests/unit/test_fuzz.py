"""The tool that feeds random texts to the passes: it finds what is planted, makes it small, and goes on."""

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp

from dialects.pto.elementwise import TSubOp
from dsv4_passes.formats.pto.reader import parse_text, verify_module
from dsv4_passes.formats.pypto import parse_program
from dsv4_passes.transforms.lanes.lower_lanes import LowerLanesPass
from tests.fuzz.campaign import Campaign, Result
from tests.fuzz.cases import case_of, corpus_of
from tests.fuzz.check import Case, Ended, Failure, check
from tests.fuzz.kernels import vector_kernel
from tests.fuzz.programs import program
from tests.fuzz.reduce import reduced
from tests.unit.rotations import Rotation

ROOT = Path(__file__).resolve().parents[2]
FUZZ = ROOT / "tools" / "fuzz"


@pytest.fixture
def planted(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first difference of a kernel is taken the wrong way round."""
    apply = LowerLanesPass.apply

    def broken(self: LowerLanesPass, ctx: Context, op: ModuleOp) -> None:
        apply(self, ctx, op)
        found = next((inner for inner in op.walk() if isinstance(inner, TSubOp)), None)
        if found is not None:
            found.operands[0], found.operands[1] = found.operands[1], found.operands[0]

    monkeypatch.setattr(LowerLanesPass, "apply", broken)


def rotation() -> Case:
    text = Rotation(rows=8, source="f32", result="f32").text()
    return Case(text, "dsv4-rope{chip=a3},pto-lower{chip=a3}", "pto", kind="rotation")


@pytest.mark.parametrize("seed", range(24))
def test_texts_are_kernels_and_programs(seed: int) -> None:
    """What the grammars write can be read, and is another text for another number."""
    kernel = vector_kernel(Random(seed), "a3")
    verify_module(parse_text(kernel, "kernel.pto"))
    verify_module(parse_program(program(Random(seed)), "program.py"))
    assert kernel == vector_kernel(Random(seed), "a3") != vector_kernel(Random(seed + 1), "a3")


def test_what_is_right_is_equal() -> None:
    ended = check(rotation())
    assert (ended.how, ended.changed) == ("equal", True)


@pytest.mark.usefixtures("planted")
def test_a_planted_bug_is_found_and_made_small() -> None:
    """A rotation in a longer kernel: what is left is the difference, and what it is made of and goes to."""
    loads = "\n".join(f"%more{i} = pto.tneg ins(%x : T) -> T" for i in range(6))
    case = rotation()
    tile = "!pto.tile<vec, 8x64xf32, valid=8x64>"
    text = case.text.replace("%turned =", loads.replace("T", tile) + "\n%turned =")
    failure = check(replace(case, text=text)).failure
    assert failure is not None
    assert failure.kind.startswith("different: dsv4-lower-lanes")
    small = reduced(replace(case, text=text), failure.kind, 20)
    assert "%more" not in small.text
    assert len(small.text.split("\n")) < len(case.text.split("\n"))
    again = check(small).failure
    assert again is not None
    assert again.kind == failure.kind


def wrong_ones(seed: int) -> Case:
    return Case(str(seed), "", "pto", kind=f"kind {seed % 2}")


def test_failures_are_kept_once_a_kind_and_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def ends(case: Case, _seconds: float) -> Ended:
        return Ended("FAILED", failure=Failure(f"kind {int(case.text) % 3}", "why", "after"))

    monkeypatch.setattr("tests.fuzz.campaign.limited", ends)
    Campaign(tmp_path, 0, jobs=2).run(25, 1, wrong_ones)
    Campaign(tmp_path, 0, jobs=2).run(25, 1, wrong_ones)  # goes on
    known = json.loads((tmp_path / "progress.json").read_text())
    assert known["counts"]["texts"] == 50
    assert not known["open"]
    assert sum(known["failures"].values()) == 50
    assert len(known["failures"]) == 3
    assert len(list(tmp_path.glob("*/before.pto"))) == 3


def test_a_worker_that_dies_costs_one_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def ends(case: Case, _seconds: float) -> Ended:
        if case.text == "7":
            sys.exit(3)
        return Ended("equal", 1)

    monkeypatch.setattr("tests.fuzz.campaign.limited", ends)
    campaign = Campaign(tmp_path, 0, jobs=2)
    campaign.run(40, 1, wrong_ones)
    assert campaign.counts["texts"] == 40
    assert campaign.counts["worker died"] == 1
    assert campaign.counts["texts really rewritten"] == 39


def test_a_text_that_takes_for_ever_to_make_costs_one_number(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def make(seed: int) -> Case:
        while seed == 7:
            pass
        return wrong_ones(seed)

    monkeypatch.setattr("tests.fuzz.campaign.limited", lambda *_: Ended("equal", 1))
    campaign = Campaign(tmp_path, 0, jobs=2)
    campaign.run(40, 0.1, make)
    assert campaign.counts["no case within 0.1 s: seed 7"] == 1
    assert campaign.counts["texts really rewritten"] == 39


def test_a_stop_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C after the third text; the next run takes up what was begun."""

    def ends(_case: Case, _seconds: float) -> Ended:
        return Ended("equal", 1)

    def stopped(self: Campaign, result: Result, kind: str) -> None:
        count(self, result, kind)
        if self.counts["texts"] == 3:
            os.kill(os.getpid(), signal.SIGINT)

    count = Campaign.count
    monkeypatch.setattr("tests.fuzz.campaign.limited", ends)
    monkeypatch.setattr(Campaign, "count", stopped)
    Campaign(tmp_path, 40, jobs=2).run(30, 1, wrong_ones)
    known = json.loads((tmp_path / "progress.json").read_text())
    left = sum(b - a for a, b in known["open"])
    assert 0 < left < 30
    assert known["next"] == 40 + known["counts"]["texts"] + left
    monkeypatch.setattr(Campaign, "count", count)
    Campaign(tmp_path, 0, jobs=2).run(1, 1, wrong_ones)
    known = json.loads((tmp_path / "progress.json").read_text())
    assert known["counts"]["texts"] == 31
    assert not known["open"]


def test_the_tool_runs_texts_and_remembers_them(tmp_path: Path) -> None:
    command = [sys.executable, str(FUZZ), "--no-corpus", "-j", "2", "--out", str(tmp_path), "--runs", "2"]
    for count in (2, 4):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode in (0, 1), done.stderr
        assert json.loads((tmp_path / "progress.json").read_text())["counts"]["texts"] == count


def test_numbers_stand_for_texts_of_all_kinds() -> None:
    corpus = corpus_of()
    kinds = {case_of(seed, corpus).kind for seed in range(0, 900, 3)}
    assert {"kernel value", "kernel level2", "kernel level3", "mixed", "corpus kernel"} <= kinds
    assert {"program pypto", "program folder", "corpus program"} <= kinds
