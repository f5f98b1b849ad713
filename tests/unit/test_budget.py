"""What following lanes may cost: it is known before, and what is too much is refused."""

from pathlib import Path

import numpy as np
import pytest

from dsv4_passes.cli.opt import main
from dsv4_passes.diagnostics import UserError, collect
from dsv4_passes.equivalence.budget import Budget, OverBudget, limited, parse_size, size
from dsv4_passes.equivalence.lanes import LaneContext, lane_difference, run_lanes
from dsv4_passes.equivalence.terms import TermTable
from dsv4_passes.equivalence.trip_limit import BYTES_PER_LANE, fitting_trips, lanes
from dsv4_passes.formats.pto.reader import new_context, parse_text
from dsv4_passes.transforms.lanes.checked_rewrite import Policy
from dsv4_passes.transforms.lanes.fold_lanes import fold_meeting
from dsv4_passes.transforms.lanes.scatter_form import rewrite_function
from dsv4_passes.transforms.rope import RopePass
from dsv4_passes.validation.modules import compare_modules
from tests.unit.kernels import DATA, function, kernel

X = "16x32xf32"


def in_loops(*trips: int, operations: int = 4, kind: str = "tmul", x: str = X) -> str:
    """Loops in one another that load, multiply and store a tile; only the last is about the tile's place."""
    heads = "\n".join(f"scf.for %i{n} = %c0 to %c{count} step %c1 {{" for n, count in enumerate(trips))
    lines = ["%t0 = load x"]
    types = f"T<{x}>, T<{x}>) -> T<{x}>"
    lines += [f"%t{n + 1} = pto.{kind} ins(%t{n}, %t0 : {types}" for n in range(operations)]
    body = "\n".join([heads, *lines, f"store %t{operations} to y", *["}"] * len(trips)])
    return kernel(body, x=x, y=x)


@pytest.mark.parametrize("trips", [(1,), (7,), (64,), (65,), (3, 5), (100, 4)])
def test_the_estimate_is_what_a_run_computes(trips: tuple[int, ...]) -> None:
    found = function(in_loops(*trips))
    run = run_lanes(found)
    computed = sum(tile.data.size for tiles in run.instances.values() for tile in tiles)
    assert lanes((found,), 64) == computed


def test_loops_become_symbolic_where_their_trips_are_too_many() -> None:
    found = function(in_loops(64))
    per_trip = 5 * 16 * 32 * BYTES_PER_LANE
    assert fitting_trips((found,), 64, 4 * 64 * per_trip) == 64
    assert fitting_trips((found,), 64, 4 * 63 * per_trip) == 32  # which the loop has more than
    assert fitting_trips((found,), 64, per_trip) < 64
    with limited(Budget(memory=4 * 63 * per_trip)):
        run = run_lanes(found)
    assert len(run.symbolic) == 1
    assert len(next(iter(run.instances.values()))) == 1
    with pytest.raises(OverBudget, match="--max-memory"):
        fitting_trips((found,), 64, per_trip - 1)


def test_what_is_compared_runs_alike() -> None:
    """One form costs twice as much as the other; both run their loop once."""
    one, other = function(in_loops(64, operations=4)), function(in_loops(64, operations=9))
    with limited(Budget(memory=4 * 64 * 8 * 16 * 32 * BYTES_PER_LANE)):
        assert lane_difference(one, one) is None
        assert lane_difference(one, other) is not None
        assert lane_difference(other, function(in_loops(64, operations=9))) is None


def test_a_run_stops_when_it_has_used_too_much() -> None:
    """Not only what is estimated: a budget that other runs of a context have used up is over."""
    found = function(in_loops(4))
    context = LaneContext()
    run_lanes(found, context=context)
    with limited(Budget(memory=4 * lanes((found,), 64) * BYTES_PER_LANE)):
        run_lanes(found, context=context)
        for count in range(5, 12):
            run_lanes(function(in_loops(4, operations=count, kind="tadd")), context=context)
    assert context.domain.bytes > 0
    with limited(Budget(memory=context.domain.bytes)), pytest.raises(OverBudget, match="more than"):
        run_lanes(function(in_loops(operations=1)), context=context)


def test_a_run_stops_when_the_time_is_over() -> None:
    found = function(in_loops(4))
    with limited(Budget(seconds=-1)), pytest.raises(OverBudget, match="--max-seconds"):
        run_lanes(found)


def test_runs_share_a_budget() -> None:
    with limited(Budget(seconds=5)) as budget:
        budget.started -= 10
        with pytest.raises(OverBudget):
            run_lanes(function(in_loops(1)))
    run_lanes(function(in_loops(1)))


PAIR = """%a = load e
%b = load o
%s0 = pto.tscatter ins(%a, {maskPattern = #pto.mask_pattern<P0101>} : T<16x16xf32>, "row") -> T<16x32xf32>
%s1 = pto.tscatter ins(%b, {maskPattern = #pto.mask_pattern<P1010>} : T<16x16xf32>, "row") -> T<16x32xf32>
%f1 = arith.constant 1.0 : f32
%f0 = arith.constant 0.0 : f32
%ones = pto.texpands ins(%f1 : f32) -> T<16x16xf32>
%m = pto.tscatter ins(%ones, {maskPattern = #pto.mask_pattern<P0101>} : T<16x16xf32>, "row") -> T<16x32xf32>
%p = pto.tcmps ins(%m, %f0 {cmpMode = #pto<cmp ne>} : T<16x32xf32>, f32) -> T<16x32xui8, valid=16x4>
%y = pto.tsel ins(%p, %s0, %s1 : T<16x32xui8, valid=16x4>, T<16x32xf32>, T<16x32xf32>) -> T<16x32xf32>
store %y to y"""


@pytest.mark.parametrize(
    ("given", "count"),
    [({}, 1), ({"memory": 1 << 18}, 0), ({"seconds": -1}, 0)],
    ids=["plenty", "memory", "time"],
)
def test_what_costs_too_much_stays_as_it_is_with_a_remark(given: dict[str, int], count: int) -> None:
    text = kernel(PAIR, e="16x16xf32", o="16x16xf32", y="16x32xf32")
    found, before = function(text), function(text)
    with limited(Budget(**given)), collect() as said:  # whose time runs from here on
        assert rewrite_function(found, Policy(chip="a3")) == count
    assert (str(found) == str(before)) == (not count)
    (entry,) = said.entries
    assert entry.outcome == ("rewritten" if count else "refused")
    assert count or "--max-" in entry.message


def test_the_options_say_what_is_allowed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "k.mlir"
    path.write_text(kernel(PAIR, e="16x16xf32", o="16x16xf32", y="16x32xf32"))
    options = [str(path), "-p", "dsv4-scatter-form{chip=a3}"]
    assert main([*options, "--max-memory", "100K"]) == 0
    assert "100 KiB are allowed (--max-memory)" in capsys.readouterr().err
    assert main([*options, "--max-memory", "1G"]) == 0
    assert "every stored lane is proved equal" in capsys.readouterr().err
    for wrong in (
        ["--max-memory", "much"],
        ["--max-memory", "0"],
        ["--max-seconds", "0"],
        ["--max-seconds", "x"],
    ):
        assert main([*options, *wrong]) == 1
        assert capsys.readouterr().err.startswith("error: ")


@pytest.mark.parametrize(
    ("text", "number"), [("17", 17), ("2G", 2 << 30), ("1.5m", 3 << 19), ("100K", 102400), ("2GiB", 2 << 30)]
)
def test_sizes(text: str, number: int) -> None:
    assert parse_size(text) == number
    assert parse_size(size(number).replace(" bytes", "").replace(" ", "")) == pytest.approx(number, rel=0.01)


@pytest.mark.parametrize("text", ["", "G", "-1", "1T", "nan", "1e400"])
def test_what_is_no_size(text: str) -> None:
    with pytest.raises(ValueError, match="not a size"):
        parse_size(text)


def test_the_memory_of_a_large_kernel_is_bounded() -> None:
    """20 operations on 64x512 lanes in 64 trips would be 47 million terms."""
    found = function(in_loops(64, operations=20, x="64x512xf32"))
    run = run_lanes(found)
    assert run.bytes + run.context.domain.bytes < 256 << 20


def over(*_: object) -> None:
    raise OverBudget("it takes longer than 1 s (--max-seconds)")


def test_a_function_that_cannot_be_lowered_in_time_is_what_was_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dsv4_passes.transforms.lanes.lower_lanes.lane_difference", over)
    module = parse_text((DATA / "rope_c" / "rope_c.pto").read_text(), "rope_c.pto")
    before = module.clone()
    with collect() as said:
        RopePass(chip="a3").apply(new_context(), module)
    assert any("stays as it is: it takes longer than 1 s" in entry.message for entry in said.entries)
    (verdict,) = compare_modules(before, module)
    assert verdict.outcome == "proved"
    assert not [op for op in module.walk() if op.name.startswith("dsv4.")]


def test_lane_operations_that_cannot_be_folded_in_time_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dsv4_passes.transforms.lanes.fold_lanes.lane_difference", over)
    tile, half = f"T<{X}>", "T<16x16xf32>"
    text = f"""%x = load x
%e, %o = dsv4.deinterleave %x : {tile} -> {half}, {half}
%y = dsv4.interleave %e, %o : {half}, {half} -> {tile}
store %y to y"""
    found = function(kernel(text, x=X, y=X))
    with collect() as said:
        assert not fold_meeting(found)
    assert [e.message for e in said.entries] == [
        "lane operations of 'k' are not folded: it takes longer than 1 s (--max-seconds)"
    ]
    assert len([op for op in found.walk() if op.name.startswith("dsv4.")]) == 2


def test_arrays_that_are_kept_count() -> None:
    """Those of loads, those in the keys of what has no formula, and what that was given."""
    table = TermTable()
    offsets = np.arange(4096, dtype=np.int64)
    table.loads("x", 0, (), offsets, "f32")
    assert table.loaded_bytes >= 2 * offsets.nbytes
    kept = table.loaded_bytes
    table.loads("x", 0, (), offsets, "f32")
    assert table.loaded_bytes == kept

    gather = kernel(
        "%x = load x\n%i = load i\n"
        "%g = pto.tgather ins(%x, %i : T<8x32xf32>, T<8x32xi32>) -> T<8x32xf32>\nstore %g to y",
        x="8x32xf32",
        i="8x32xi32",
        y="8x32xf32",
    )
    context = LaneContext()
    run_lanes(function(gather), context=context)
    lanes_of_operands = 2 * 8 * 32
    assert context.intern.bytes >= 8 * lanes_of_operands
    assert context.kept >= 8 * lanes_of_operands
    assert context.bytes >= context.domain.bytes + context.intern.bytes + context.kept
    known = context.bytes
    run_lanes(function(gather), context=context)
    assert context.bytes == known


def test_errors_have_a_place() -> None:
    with limited(Budget(seconds=-1)), pytest.raises(UserError) as problem:
        run_lanes(function(in_loops(1)))
    assert str(problem.value).startswith("test.pto:")
