"""Loops of an orchestration that hand tensors to each other: which become one, and which stay two."""

import numpy as np
import pytest
from xdsl.dialects import scf
from xdsl.dialects.builtin import ModuleOp

from dialects.dsv4.functions import ORCHESTRATION, program_functions
from dialects.dsv4.tensors import CreateOp
from dsv4_passes.diagnostics import Diagnostics, collect
from dsv4_passes.formats.pto.reader import verify_module
from dsv4_passes.formats.pypto import parse_program
from dsv4_passes.interpreter.program import run_program
from dsv4_passes.transforms.fusion.fuse_loops import fuse_loops
from tests.unit.kernels import DATA

TEXT, IN_PLACE = (
    (DATA / "programs" / f"{name}.py").read_text() for name in ("sibling_loops", "loops_in_place")
)


def fused(*changes: tuple[str, str]) -> tuple[ModuleOp, ModuleOp, int, Diagnostics]:
    """The program with some text changed, before and after; how many pairs of loops became one."""
    text = TEXT
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    before, after = parse_program(text), parse_program(text)
    with collect() as said:
        count = fuse_loops(after)
    verify_module(after)
    return before, after, count, said


def check_same(before: ModuleOp, after: ModuleOp) -> None:
    """Both compute the same bits."""
    rng = np.random.default_rng(1)
    arrays = {
        "x": rng.integers(0x3C00, 0x4100, (128, 64)).astype(np.uint16),
        "cos": rng.standard_normal((4, 32)).astype(np.float32),
        "sin": rng.standard_normal((4, 32)).astype(np.float32),
        "even_select": np.where(np.arange(64)[:, None] == 2 * np.arange(32), 0x3F80, 0).astype(np.uint16),
        "odd_select": np.where(np.arange(64)[:, None] == 2 * np.arange(32) + 1, 0x3F80, 0).astype(np.uint16),
        "weight": rng.integers(0x3C00, 0x4100, (64, 64)).astype(np.uint16),
    }
    ours, theirs = run_program(before, arrays), run_program(after, arrays)
    for name, array in ours.items():
        assert array.tobytes() == theirs[name].tobytes(), name


def loops(module: ModuleOp) -> list[scf.ForOp]:
    (main,) = program_functions(module, ORCHESTRATION)
    return [op for op in main.walk() if isinstance(op, scf.ForOp)]


def test_a_tensor_that_is_only_handed_over_is_made_in_each_trip() -> None:
    before, after, count, said = fused()
    assert count == 1
    (loop,) = loops(after)
    assert len(loop.results) == 1
    assert isinstance(loop.body.block.first_op, CreateOp)
    assert [e.outcome for e in said.entries] == ["rewritten"]
    check_same(before, after)


def test_loops_stay_two_where_others_see_the_tensor() -> None:
    line = next(line for line in TEXT.splitlines() if "tensor.create" in line)
    parameter = "self, rotated__ssa_v0: pl.InOut[pl.Tensor[[128, 64], pl.BF16]], x"
    before, after, count, said = fused((line + "\n", ""), ("self, x", parameter))
    assert (count, len(loops(after))) == (0, 2)
    assert "no tensor is there only to be handed over" in said.entries[0].message
    check_same(before, after)


def test_a_tensor_goes_through_both_bodies() -> None:
    before, after = parse_program(IN_PLACE), parse_program(IN_PLACE)
    assert fuse_loops(after) == 1
    verify_module(after)
    (loop,) = loops(after)
    assert len(loop.results) == 1
    rng = np.random.default_rng(2)
    x, y = (rng.standard_normal((64, 32)).astype(np.float32) for _ in range(2))
    for module in (before, after):
        assert np.array_equal(run_program(module, {"x": x, "y": y})["sums"], (x + y) + (x - y))


ROW = "row: pl.Scalar[pl.INDEX] = batch__ssa_v0 * 32\n"


@pytest.mark.parametrize(
    "change",
    [
        pytest.param((ROW, ROW.replace("batch__ssa_v0", "(3 - batch__ssa_v0)")), id="another trip's rows"),
        pytest.param((ROW, ROW.replace("* 32", "* 16")), id="rows of two trips"),
        pytest.param(
            ("rotated__ssa_v0, [row, 0], [32, 64]", "rotated__ssa_v0, [0, 0], [32, 64]"),
            id="the first trip's rows",
        ),
    ],
)
def test_loops_stay_two_where_a_trip_needs_another(change: tuple[str, str]) -> None:
    before, after, count, said = fused(change)
    assert (count, len(loops(after))) == (0, 2)
    (entry,) = said.entries
    assert entry.reason == "loops stay two"
    assert "a trip of one may touch what another trip of the other writes" in entry.message
    check_same(before, after)


@pytest.mark.parametrize(
    "change", [("for batch_1, (out__iter,) in pl.parallel(4", "for batch_1, (out__iter,) in pl.parallel(3")]
)
def test_loops_of_other_lengths_are_left_alone(change: tuple[str, str]) -> None:
    before, after, count, said = fused(change)
    assert (count, len(loops(after)), said.entries) == (0, 2, [])
    check_same(before, after)
