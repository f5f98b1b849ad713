"""What a whole function costs: pipes, loops, branches, both forms of the same kernel."""

from pathlib import Path

import pytest
from xdsl.context import Context
from xdsl.dialects import func

from dsv4_passes.formats.pto.reader import parse_text
from dsv4_passes.targets import Chip, assuming, chip
from dsv4_passes.targets.assumptions import parse
from dsv4_passes.targets.timeline import Timeline
from dsv4_passes.transforms.common.cost import FunctionCost, function_cost
from dsv4_passes.transforms.mixed.join_mixed import JoinMixedPass
from dsv4_passes.transforms.raising.raise_tiles import PtoRaisePass

DATA = Path(__file__).parents[1] / "data"
A3, A5 = chip("a3"), chip("a5")

TILE = "!pto.tile<vec, 16x64xf32>"
VIEW = "!pto.partition_tensor_view<16x64xf32>"


def kernel(body: str) -> func.FuncOp:
    """A value-form function with a view of 16x64 f32 to load from and one to store to."""
    text = f"""
    func.func @k(%x: {VIEW}, %y: {VIEW}, %n: index, %flag: i1) {{
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c2 = arith.constant 2 : index
      %c100 = arith.constant 100 : index
      {body}
      return
    }}"""
    module = parse_text(text, "k.mlir")
    (function,) = (op for op in module.walk() if isinstance(op, func.FuncOp))
    return function


def costs(body: str) -> FunctionCost:
    return function_cost(kernel(body), A3)


LOAD = f"%a = pto.tload ins(%x : {VIEW}) -> {TILE}"
ADD = 24 + 2 * 16
MUL = 25 + 2 * 16
LOADED = 70
STORED = 38


def store(value: str) -> str:
    return f"pto.tstore ins({value} : {TILE}) outs(%y : {VIEW})"


def twice(op: str, out: str, a: str, b: str) -> str:
    return f"{out} = pto.{op} ins({a}, {b} : {TILE}, {TILE}) -> {TILE}"


def test_a_chain_is_the_sum_of_its_parts():
    found = costs(f"{LOAD}\n{twice('tadd', '%b', '%a', '%a')}\n{store('%b')}")
    assert found.cycles.lo == found.cycles.hi == LOADED + ADD + STORED
    assert (found.loaded, found.stored, found.moved) == (4096, 4096, 8192)
    assert found.pipes["vector"].lo == ADD
    assert found.operations["tadd"] == (1, found.pipes["vector"])
    assert not found.cycles.estimates


def test_pipes_overlap():
    other = LOAD.replace("%a", "%c")
    found = costs(f"{LOAD}\n{other}\n{twice('tadd', '%b', '%a', '%a')}\n{store('%c')}\n{store('%b')}")
    assert found.cycles.lo == 2 * LOADED + 2 * STORED
    assert found.pipes["load"].lo == 2 * LOADED


def test_loops_count_as_often_as_they_run():
    body = f"{LOAD}\n{twice('tadd', '%b', '%a', '%a')}\n{store('%b')}"
    found = costs(f"scf.for %i = %c0 to %c100 step %c2 {{\n{body}\n}}")
    assert found.operations["tadd"][0] == 50
    assert found.loaded == 50 * 4096
    assert found.pipes["vector"].lo == 50 * ADD
    # One buffer each: the next load waits for the addition to have read, the addition for the store.
    assert found.cycles.lo == pytest.approx(50 * (LOADED + ADD) + STORED)


def test_a_value_that_is_carried_chains_the_trips():
    text = (
        f"{LOAD}\n%r = scf.for %i = %c0 to %c100 step %c1 iter_args(%t = %a) -> ({TILE}) {{\n"
        f"{twice('tmul', '%b', '%t', '%a')}\nscf.yield %b : {TILE}\n}}\n{store('%r')}"
    )
    assert costs(text).cycles.lo == LOADED + 100 * MUL + STORED


def test_a_loop_of_unknown_length_counts_once_and_is_named():
    found = costs(f"scf.for %i = %c0 to %n step %c1 {{\n{LOAD}\n{store('%a')}\n}}")
    assert found.open_loops == 1
    assert found.loaded == 4096


def test_nested_loops_multiply():
    inner = f"scf.for %j = %c0 to %c100 step %c1 {{\n{LOAD}\n{store('%a')}\n}}"
    found = costs(f"scf.for %i = %c0 to %c100 step %c1 {{\n{inner}\n}}")
    assert found.operations["tload"][0] == 10_000
    assert found.stored == 10_000 * 4096
    assert found.cycles.lo == pytest.approx(10_000 * (LOADED + STORED))


def test_a_loop_without_trips_costs_nothing():
    found = costs(f"scf.for %i = %c100 to %c0 step %c1 {{\n{LOAD}\n{store('%a')}\n}}")
    assert (found.cycles.lo, found.loaded, found.operations) == (0, 0, {})


def test_of_a_branch_the_costlier_side_counts():
    small, large = twice("tadd", "%b", "%a", "%a"), twice("tdiv", "%d", "%a", "%a")
    branch = f"%r = scf.if %flag -> ({TILE}) {{\n{small}\nscf.yield %b : {TILE}\n}} else {{\n{large}\n"
    found = costs(f"{LOAD}\n{branch}scf.yield %d : {TILE}\n}}\n{store('%r')}")
    assert set(found.operations) == {"tload", "tdiv", "tstore"}
    assert found.cycles.lo == LOADED + 30 + 4 * 16 + STORED


def test_views_of_a_value_wait_for_it():
    view = f"%v = pto.reshape %b : {TILE} -> !pto.tile<vec, 64x16xf32>"
    use = "%u = pto.tadd ins(%v, %v : !pto.tile<vec, 64x16xf32>, !pto.tile<vec, 64x16xf32>) -> "
    found = costs(f"{LOAD}\n{twice('tadd', '%b', '%a', '%a')}\n{view}\n{use}!pto.tile<vec, 64x16xf32>")
    # Rows of 64 bytes fill a quarter of a vector each, and need a mask set and reset.
    assert found.cycles.lo == LOADED + ADD + 24 + 2 * 64 + 2


def test_both_readings_of_a_number_give_a_range():
    index = "!pto.tile<vec, 1x1024xi32>"
    flat = f"%f = pto.reshape %a : {TILE} -> !pto.tile<vec, 1x1024xf32>\n%i = pto.undef : {index}\n"
    gather = (
        f"%g = pto.tgather ins(%f, %i, %i : !pto.tile<vec, 1x1024xf32>, {index}, {index}) "
        "-> !pto.tile<vec, 1x1024xf32>"
    )
    found = costs(f"{LOAD}\n{flat}{gather}")
    assert (found.cycles.lo, found.cycles.hi) == (LOADED + 103, LOADED + 463)
    assert set(found.cycles.estimates) == {"vgather"}


@pytest.mark.parametrize("path", sorted((DATA / "handwritten").glob("*.pto")), ids=lambda path: path.stem)
@pytest.mark.parametrize("target", [A3, A5], ids=lambda target: target.name)
def test_raising_does_not_change_what_a_kernel_costs(path: Path, target: Chip):
    plain, raised = (parse_text(path.read_text(), path.name) for _ in range(2))
    PtoRaisePass().apply(Context(), raised)
    found = [
        function_cost(op, target) for m in (plain, raised) for op in m.walk() if isinstance(op, func.FuncOp)
    ]
    assert found[0].cycles == found[1].cycles
    assert found[0].operations == found[1].operations


# -- the timeline by itself ----------------------------------------------------------------------------------


def test_an_operation_waits_for_its_pipe_and_its_places():
    times = Timeline()
    assert times.issue("load", 10, [], ["a"]) == (0, 10)
    assert times.issue("load", 10, [], ["b"]) == (10, 20)
    assert times.issue("vector", 5, ["a"], ["c"]) == (10, 15)
    assert times.issue("vector", 5, ["b"], ["d"]) == (20, 25)
    # written again: what read the old content has to be done
    assert times.issue("load", 1, [], ["b"]) == (25, 26)
    assert times.end == 26


def test_trips_that_are_not_followed_take_as_long_as_the_last():
    whole, short = Timeline(), Timeline()

    def trip(times: Timeline) -> None:
        times.issue("load", 7, [], ["a"])
        times.issue("vector", 11, ["a"], ["b"])
        times.issue("store", 3, ["b"], [])

    for _ in range(40):
        trip(whole)
    short.loop(40, lambda _: trip(short))
    assert short.end == whole.end
    assert short.pipes == whole.pipes


def test_a_pipe_that_is_busy_elsewhere_does_not_hide_a_loop():
    times = Timeline()
    times.issue("load", 1000, [], ["a"])
    times.loop(400, lambda _: times.issue("vector", 5, [], ["b"]) and None)
    assert times.pipes == {"load": 1000, "vector": 2000}


def test_branches_join_at_the_later_time():
    times = Timeline()
    times.issue("load", 1, [], ["a"])

    def left() -> None:
        times.issue("vector", 5, ["a"], ["b"])

    def right() -> None:
        times.issue("store", 9, ["a"], [])

    times.branches([left, right])
    assert times.pipes == {"load": 1, "vector": 6, "store": 10}
    assert times.written["b"] == 6


# -- from core to core ---------------------------------------------------------------------------------------


def joined() -> func.FuncOp:
    """A kernel of two functions as one, with moves in the place of its channels."""
    module = parse_text((DATA / "rope_a" / "rope_a.pto").read_text(), "rope_a.pto")
    PtoRaisePass().apply(Context(), module)
    JoinMixedPass().apply(Context(), module)
    (function,) = (op for op in module.walk() if isinstance(op, func.FuncOp))
    return function


def test_a_joined_kernel_costs_what_its_two_functions_cost():
    module = parse_text((DATA / "rope_a" / "rope_a.pto").read_text(), "rope_a.pto")
    apart = [function_cost(op, A3) for op in module.walk() if isinstance(op, func.FuncOp)]
    whole = function_cost(joined(), A3)
    assert whole.cycles.lo == pytest.approx(sum(each.cycles.lo for each in apart), rel=0.05)
    assert whole.pipes["hand-over"].lo > 1000
    assert whole.loaded == sum(each.loaded for each in apart)


@pytest.mark.parametrize("target", ["a3", "a5"])
def test_what_a_hand_over_waits_can_be_stated(target: str):
    whole = function_cost(joined(), chip(target))
    count, moves = whole.operations["move"]
    assert count == 5
    with assuming([parse("hand_over=2000")]):
        stated = function_cost(joined(), chip(target))
    assert stated.operations["move"][1].lo == moves.lo + 5 * 2000
    assert "hand_over=2000" in stated.cycles.source
