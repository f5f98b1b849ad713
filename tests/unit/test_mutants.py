"""Planted bugs: each stands in the source as it is now, and says who notices it."""

from pathlib import Path

import pytest

from tests.mutants.mutants import MUTANTS, Mutant
from tests.mutants.run_mutants import WORKLOADS

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("mutant", MUTANTS, ids=[m.stage for m in MUTANTS])
def test_the_edit_applies(mutant: Mutant) -> None:
    assert (ROOT / mutant.file).read_text().count(mutant.old) == 1
    assert mutant.new != mutant.old


@pytest.mark.parametrize("mutant", MUTANTS, ids=[m.stage for m in MUTANTS])
def test_somebody_notices_it(mutant: Mutant) -> None:
    assert bool(mutant.runs) != bool(mutant.test)
    assert set(mutant.runs) <= set(WORKLOADS)
    for word in mutant.test.split():
        assert (ROOT / word.partition("::")[0]).is_file()


def test_there_are_enough_and_no_two_are_one() -> None:
    assert len(MUTANTS) >= 40
    assert len({m.stage for m in MUTANTS}) == len({(m.file, m.old, m.new) for m in MUTANTS}) == len(MUTANTS)
