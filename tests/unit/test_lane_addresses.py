"""Lanes that must not be taken for one another: loads, stores and unknown things that only look alike."""

# ruff: noqa: E501  (types make long lines)

import numpy as np
import pytest
from xdsl.ir import SSAValue

from dsv4_passes.diagnostics import UserError
from dsv4_passes.equivalence.comparison import compare_effects
from dsv4_passes.equivalence.lanes import LaneContext, LaneRun, run_lanes
from dsv4_passes.equivalence.symbolic_memory import Ids
from dsv4_passes.equivalence.term_domain import TermDomain
from tests.unit.kernels import function

TYPES = {"V": "tensor_view<?x?xf32>", "P": "partition_tensor_view<", "T": "tile<vec, "}


class Run:
    """A kernel of two tensors and two numbers on terms; its tiles by name."""

    def __init__(self, body: str, context: LaneContext | None = None):
        numbers = "\n  ".join(f"%c{n} = arith.constant {n} : index" for n in (0, 1, 2, 4, 8, 16, 32))
        for short, name in TYPES.items():
            body = body.replace(f"!{short}", f"!pto.{name}")
        header = "%p: !pto.ptr<f32>, %q: !pto.ptr<f32>, %s: index, %n: index, %i: i32"
        self.function = function(f"func.func @k({header}) {{\n  {numbers}\n{body}\n  return\n}}")
        self.run: LaneRun = run_lanes(self.function, context=context)

    def value(self, name: str) -> SSAValue:
        return next(r for op in self.function.walk() for r in op.results if r.name_hint == name)

    def __getitem__(self, name: str) -> Ids:
        found = self.run.lanes(self.value(name))
        assert found is not None
        return found

    def number(self, name: str) -> str:
        return str(self.run.numbers[self.value(name)])


WHOLE = """
  %v = pto.make_tensor_view %p, shape = [%c16, %c16], strides = [%c16, %c1] : !V
  %w = pto.make_tensor_view %q, shape = [%c16, %c16], strides = [%c16, %c1] : !V
  %pp = pto.partition_view %v, offsets = [%c0, %c0], sizes = [%c16, %c16] : !V -> !P16x16xf32>
  %qq = pto.partition_view %w, offsets = [%c0, %c0], sizes = [%c16, %c16] : !V -> !P16x16xf32>
  %x = pto.tload ins(%pp : !P16x16xf32>) -> !T16x16xf32>
"""


def test_rows_of_unknown_distance() -> None:
    """With a row stride s, lane [1, 0] is at s, and column 8 at 8, however wide the boxes are."""
    run = Run("""
  %v = pto.make_tensor_view %p, shape = [%c16, %c32], strides = [%s, %c1] : !V
  %a = pto.partition_view %v, offsets = [%c0, %c0], sizes = [%c4, %c8] : !V -> !P4x8xf32>
  %b = pto.partition_view %v, offsets = [%c0, %c0], sizes = [%c2, %c16] : !V -> !P2x16xf32>
  %c = pto.partition_view %v, offsets = [%c0, %c8], sizes = [%c4, %c8] : !V -> !P4x8xf32>
  %narrow = pto.tload ins(%a : !P4x8xf32>) -> !T4x8xf32>
  %wide = pto.tload ins(%b : !P2x16xf32>) -> !T2x16xf32>
  %right = pto.tload ins(%c : !P4x8xf32>) -> !T4x8xf32>
""")
    assert np.array_equal(run["wide"], np.hstack([run["narrow"], run["right"]])[:2])
    assert len(np.unique([run["narrow"], run["right"]])) == 64


@pytest.mark.parametrize("rows", ["%n", "%c16"])
def test_a_store_of_unknown_extent_may_have_left_lanes_as_they_were(rows: str) -> None:
    run = Run(f"""{WHOLE}
  %old = pto.tload ins(%qq : !P16x16xf32>) -> !T16x16xf32>
  %cut = pto.set_validshape %x, {rows}, %c16 : !T16x16xf32> -> !T16x16xf32, valid=?x?>
  %some = pto.partition_view %w, offsets = [%c0, %c0], sizes = [{rows}, %c16] : !V -> !P?x16xf32>
  pto.tstore ins(%cut : !T16x16xf32, valid=?x?>) outs(%some : !P?x16xf32>)
  %all = pto.tload ins(%qq : !P16x16xf32>) -> !T16x16xf32>
  %same = pto.tload ins(%some : !P?x16xf32>) valid [{rows}, %c16] -> !T16x16xf32, valid=?x?>
""")
    assert not np.intersect1d(run["all"], run["old"]).size
    assert np.array_equal(run["all"], run["x"]) == (rows != "%n")
    assert np.array_equal(run["same"], run["x"])


def test_stores_of_other_extents_differ() -> None:
    text = f"""{WHOLE}
  %m = arith.subi %n, %c1 : index
  %cut = pto.set_validshape %x, %n, %c16 : !T16x16xf32> -> !T16x16xf32, valid=?x?>
  %some = pto.partition_view %w, offsets = [%c0, %c0], sizes = [%n, %c16] : !V -> !P?x16xf32>
  pto.tstore ins(%cut : !T16x16xf32, valid=?x?>) outs(%some : !P?x16xf32>)
"""
    context = LaneContext()
    runs = [Run(t, context).run for t in (text, text, text.replace("%x, %n", "%x, %m"))]
    assert compare_effects(runs[0], runs[1]) is None
    assert compare_effects(runs[0], runs[2]) is not None


def test_what_an_unknown_operation_writes_is_seen_by_later_trips() -> None:
    run = Run(f"""{WHOLE}
  scf.for %t = %c0 to %n step %c1 {{
    %again = pto.tload ins(%pp : !P16x16xf32>) -> !T16x16xf32>
    pto.mystery %p : !pto.ptr<f32>
  }}
""")
    assert not np.intersect1d(run["x"], run["again"]).size


def test_a_loop_in_a_function_writes_what_its_caller_hands_over() -> None:
    f = function("""func.func @k(%n: index, %p: !pto.ptr<f32>, %q: !pto.ptr<f32>) {
  func.call @inner(%n, %q, %p) : (index, !pto.ptr<f32>, !pto.ptr<f32>) -> ()
  return
}
func.func private @inner(%n: index, %a: !pto.ptr<f32>, %b: !pto.ptr<f32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %before = pto.load_scalar %a[%c0] : !pto.ptr<f32> -> f32
  scf.for %t = %c0 to %n step %c1 {
    %now = pto.load_scalar %a[%c0] : !pto.ptr<f32> -> f32
    %twice = arith.addf %now, %now : f32
    pto.store_scalar %twice, %a[%c0] : !pto.ptr<f32>, f32
    pto.store_scalar %now, %a[%c1] : !pto.ptr<f32>, f32
  }
  pto.store_scalar %before, %b[%c0] : !pto.ptr<f32>, f32
  return
}""")
    _, now, before = (int(store.ids[0, 0]) for store in run_lanes(f).stores)
    assert now != before


def test_a_loop_that_carries_a_pointer_is_not_followed() -> None:
    with pytest.raises(UserError, match="carries a pointer"):
        Run("""
  %r = scf.for %t = %c0 to %n step %c1 iter_args(%a = %p) -> (!pto.ptr<f32>) {
    %b = pto.addptr %a, %c1 : !pto.ptr<f32> -> !pto.ptr<f32>
    scf.yield %b : !pto.ptr<f32>
  }
""")


def test_an_array_that_a_branch_may_write_is_not_followed() -> None:
    with pytest.raises(UserError, match="not all is known"):
        Run("""
  %small = arith.cmpi slt, %n, %c4 : index
  %array = pto.declare_local_array -> !pto.local_array<4xi32>
  scf.if %small {
    pto.local_array_set %array[%c0], %i : !pto.local_array<4xi32>, i32
  }
""")


MEET = "pto.syncall() mode = #pto.sync_all_mode<hard>, core_type = #pto.sync_core_type<aiv_only>"


@pytest.mark.parametrize("between", [MEET, "pto.sync.wait <PIPE_MTE3>, 0"])
def test_other_blocks_may_have_written_what_is_loaded_behind_a_meeting(between: str) -> None:
    text = f"""{WHOLE}
  {between}
  %then = pto.tload ins(%pp : !P16x16xf32>) -> !T16x16xf32>
  scf.for %t = %c0 to %n step %c1 {{
    %first = pto.tload ins(%pp : !P16x16xf32>) -> !T16x16xf32>
    {between}
  }}
"""
    context = LaneContext()
    run = Run(text, context)
    loads = [run[name] for name in ("x", "then", "first")]
    assert len(np.unique(loads)) == 3 * 256
    assert compare_effects(run.run, Run(text, context).run) is None
    assert compare_effects(run.run, Run(text.replace(between, "", 1), context).run) is not None


def test_boxes_of_blocks_are_not_followed() -> None:
    with pytest.raises(UserError, match="layout nz has no semantics"):
        Run("""
  %v = pto.make_tensor_view %p, shape = [%c1, %c2, %c1, %c16, %c8], strides = [%c32, %c16, %c16, %c8, %c1] {layout = #pto.layout<nz>} : !pto.tensor_view<?x?x?x?x?xf32>
""")


def test_parts_of_other_shapes_at_an_unknown_place_differ() -> None:
    run = Run(f"""{WHOLE}
  %narrow = pto.subview %x[%n, %n] sizes [4, 8] : !T16x16xf32> -> !T4x8xf32>
  %wide = pto.subview %x[%n, %n] sizes [2, 16] : !T16x16xf32> -> !T2x16xf32>
""")
    assert not np.intersect1d(run["narrow"], run["wide"]).size


def test_numbers_read_as_unsigned_or_cut_off_are_other_numbers() -> None:
    run = Run("""
  %four = arith.constant 4 : i32
  %slt = arith.cmpi slt, %i, %four : i32
  %ult = arith.cmpi ult, %i, %four : i32
  %divs = arith.divsi %i, %four : i32
  %divu = arith.divui %i, %four : i32
  %exts = arith.extsi %i : i32 to i64
  %extu = arith.extui %i : i32 to i64
  %byte = arith.trunci %i : i32 to i8
  %word = arith.trunci %exts : i64 to i32
  %down = arith.floordivsi %n, %c4 : index
  %cut = arith.divsi %n, %c4 : index
  %natural = arith.index_castui %n : index to i64
""")
    for a, b in (("slt", "ult"), ("divs", "divu"), ("exts", "extu"), ("exts", "byte")):
        assert run.number(a) != run.number(b)
    assert run.number("word") == run.number("exts")
    assert run.number("down") != run.number("cut")  # an index may be negative
    assert run.number("natural") != "arg3"


def test_integers_that_are_nan_as_floats_stay_apart() -> None:
    d = TermDomain()
    minus = [d.constant(n, "i32", (1, 1)) for n in (-1, -2)]
    a, b = (d.bitcast(x, "i32", "f32") for x in minus)
    assert a != b
    assert [d.bitcast(x, "f32", "i32") for x in (a, b)] == minus


def test_products_are_added_to_an_accumulator_one_by_one() -> None:
    d = TermDomain()
    x, y = (d.table.loads(name, 0, None, np.arange(4)[None], "bf16") for name in "xy")
    w = d.table.loads("w", 0, None, np.arange(4)[:, None], "bf16")
    first, second = (d.dot(a, w, None, "bf16", "f32") for a in (x, y))
    both = d.dot(y, w, first, "bf16", "f32")
    assert both != d.binary("add", first, second, "f32")
    assert both != d.dot(x, w, second, "bf16", "f32")
    assert both == d.dot(y, w, first, "bf16", "f32")
    chosen = d.from_numbers(np.array([[0], [1], [0], [0]], np.float32), "bf16")
    picked = d.dot(y, chosen, first, "bf16", "f32")  # all products but one are zeros: one sum
    assert picked == d.binary("add", first, y[:, 1:2], "f32")
