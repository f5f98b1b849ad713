"""Random rope-like kernels before and after rewriting, on awkward numbers: what differs, a remark has named.

Every row in which results differ must break a condition `FIN(x)` that a remark states, in the run of the
kernel as it was. `DSV4_EXAMPLES` says how many kernels are tried.
"""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from xdsl.context import Context
from xdsl.dialects import func, scf
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Block, SSAValue
from xdsl.printer import Printer

from dsv4_passes.diagnostics import Diagnostics, collect
from dsv4_passes.equivalence import facts
from dsv4_passes.equivalence.facts import Fact
from dsv4_passes.formats.pto.reader import parse_text, verify_module
from dsv4_passes.interpreter import numerics
from dsv4_passes.interpreter.gm import ArrayMemory
from dsv4_passes.interpreter.kernels import Kernel, find_kernels, run_block
from dsv4_passes.interpreter.machine import Machine, Steps
from dsv4_passes.interpreter.numpy_domain import NumpyDomain
from dsv4_passes.interpreter.values import Tile
from dsv4_passes.transforms.common.origin import Level
from dsv4_passes.transforms.lanes import (
    checked_rewrite,
    chunks,
    constant_reachability,
    index_facts,
    match_report,
    preconditions,
    products,
)
from dsv4_passes.transforms.lanes.scatter_form import ScatterFormPass
from dsv4_passes.transforms.lanes.select_to_lanes import SelectToLanesPass
from dsv4_passes.transforms.lowering.lower_tiles import PtoLowerPass
from dsv4_passes.transforms.rope import RopePass
from tests.property.rope_kernels import ROWS, Maker
from tests.property.rope_numbers import Argument, numbers

PASSES = (checked_rewrite, chunks, constant_reachability, index_facts, match_report, preconditions, products)
"""Modules of the lane passes that ask for facts."""
EXAMPLES = int(os.environ.get("DSV4_EXAMPLES", "24"))
POLICIES: list[tuple[Any, Any]] = [
    ("exact", "exact"),
    ("exact", "ignore"),
    ("bf16-fallback", "exact"),
    ("contract-rounding", "exact"),
]
_FINITE = re.compile(r"FIN\(%?([^)]+)\)")


@contextmanager
def stated(arguments: list[Argument]) -> Iterator[None]:
    """Facts also about matrices that no word describes, by the names of arguments."""
    matrices = {a.name: a.matrix for a in arguments if a.matrix is not None and a.word not in ("even", "odd")}
    plain = facts.facts_of

    def facts_of(function: func.FuncOp) -> dict[SSAValue, Fact]:
        found = dict(plain(function))
        for value in function.body.block.args:
            if value.name_hint in matrices:
                found[value] = Fact("selector", "even", matrices[value.name_hint])
        return found

    with pytest.MonkeyPatch.context() as patch:
        for module in (facts, *PASSES):
            patch.setattr(module, "facts_of", facts_of)
        yield


class Watching(Machine):
    """Notes in which rows of which values something is not finite."""

    spoilt: dict[str, np.ndarray]

    def bind(self, value: SSAValue, tile: Tile) -> None:
        super().bind(value, tile)
        self.note(value)

    def run_block(self, block: Block) -> Steps:
        for value in block.args:
            self.note(value)
        return (yield from super().run_block(block))

    def run_if(self, op: scf.IfOp) -> Steps:
        yield from super().run_if(op)
        for value in op.results:
            self.note(value)

    def run_for(self, op: scf.ForOp) -> Steps:
        yield from super().run_for(op)
        for value in op.results:
            self.note(value)

    def note(self, value: SSAValue) -> None:
        tile, name = self.env[value], value.name_hint
        if isinstance(tile, Tile) and name is not None and numerics.computes_as_float(tile.layout.dtype):
            bad = ~np.isfinite(numerics.to_f32(tile.data)) & tile.known
            rows = bad.any(axis=1) if len(bad) == ROWS else np.full(ROWS, bad.any())
            self.spoilt[name] = self.spoilt.get(name, np.zeros(ROWS, np.bool_)) | rows


def execute(
    kernel: Kernel, arrays: dict[str, np.ndarray], n: int, blocks: int
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """The arguments after the run, and the rows of values that were not finite."""
    flat = {a.index: arrays[a.name].reshape(-1).copy() for a in kernel.arguments.values() if a.pointer}
    scalars: dict[int, Any] = {a.index: n for a in kernel.arguments.values() if not a.pointer}
    names = {a.index: a.name for a in kernel.arguments.values()}
    gm, spoilt = ArrayMemory(flat, names), dict[str, np.ndarray]()

    def machine(place: Any) -> Machine:
        made = Watching(NumpyDomain(), gm, place)
        made.spoilt = spoilt
        return made

    for block in range(blocks):
        run_block(kernel, machine, scalars, block, blocks)
    return {names[i]: values.reshape(arrays[names[i]].shape) for i, values in flat.items()}, spoilt


def rewrite(module: ModuleOp, guard: Any, signed_zero: Any, whole: bool) -> Diagnostics:
    with collect() as said:
        if whole:
            RopePass(guard=guard, signed_zero=signed_zero).apply(Context(), module)
            return said
        SelectToLanesPass(guard, signed_zero).apply(Context(), module)
        ScatterFormPass(signed_zero).apply(Context(), module)
    return said


def differing_rows(a: np.ndarray, b: np.ndarray, ignore_zero: bool) -> np.ndarray:
    """Rows of a chunk in which bits differ; all NaN are one."""
    x, y = (numerics.to_f32(v) for v in (a, b))
    same = (x.view(np.uint32) == y.view(np.uint32)) | (np.isnan(x) & np.isnan(y))
    if ignore_zero:
        same |= (x == 0) & (y == 0)
    return (~same).any(axis=1).reshape(-1, ROWS).any(axis=0)


def in_memory(text: str, level: Level) -> str:
    """The kernel in buffer form, as text."""
    module = parse_text(text, "random.mlir")
    PtoLowerPass(level=level).apply(Context(), module)
    out = StringIO()
    Printer(out).print_op(module)
    return out.getvalue()


def check(seed: int, counts: dict[str, int], whole: bool = False) -> None:
    """One random kernel; `whole` sends it in buffer form through all of `dsv4-rope`."""
    random = np.random.default_rng(seed)
    maker = Maker(random, "a5" if whole else "a3")
    text = maker.kernel()
    guard, signed_zero = POLICIES[seed % len(POLICIES)]
    before = parse_text(text, "random.mlir")
    verify_module(before)
    source = in_memory(text, "level3" if seed % 3 else "level2") if whole else text
    after = parse_text(source, "random.mlir")
    with stated(maker.arguments):
        said = rewrite(after, guard, signed_zero, whole)
    verify_module(after)
    remarks = [e.message for e in said.entries if e.outcome == "rewritten"]
    counts["kernels"] = counts.get("kernels", 0) + 1
    for entry in said.entries:
        counts[entry.outcome or "-"] = counts.get(entry.outcome or "-", 0) + 1
    if not remarks or any("drops a rounding" in m for m in remarks):
        return
    conditions = {name for m in remarks for name in _FINITE.findall(m)}
    ignore_zero = any("sign of a zero" in m for m in remarks)
    old, new = (find_kernels(m)["k"] for m in (before, after))
    blocks = 3 if "%row = " in text else 1
    for run in range(3):
        n = int(random.choice([1, 8, 16]))
        arrays: dict[str, np.ndarray] = {a.name: numbers(random, a, run > 0) for a in maker.arguments}
        (want, spoilt), (got, _) = (execute(k, arrays, n, blocks) for k in (old, new))
        excused = np.zeros(ROWS, np.bool_)
        for name in conditions:
            known = f"%{name} = " in text
            assert known or whole, f"{name} of a condition is no value of the kernel"
            none = np.zeros(ROWS, np.bool_)  # where no trip and branch made it
            rows = spoilt.get(name, none) if known else ~none  # raising may take a name away
            excused |= rows.any() if f"%{name}" in maker.rights else rows
        for name in want:
            if arrays[name].dtype == np.int32:
                continue
            wrong = differing_rows(want[name], got[name], ignore_zero) & ~excused
            where = (seed, guard, signed_zero, name, np.flatnonzero(wrong), n, sorted(conditions))
            assert not wrong.any(), (*where, text)
    counts["compared"] = counts.get("compared", 0) + 1


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, 2**32))
def test_what_a_rewrite_changes_is_named(seed: int) -> None:
    check(seed, {})


@settings(max_examples=EXAMPLES // 2, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, 2**32))
def test_what_a_kernel_in_memory_becomes_is_named(seed: int) -> None:
    check(seed, {}, whole=True)


def test_kernels_are_rewritten_and_left_alone() -> None:
    """What random kernels are for: many sites of both kinds, and results that are compared."""
    counts: dict[str, int] = {}
    for seed in range(24):
        check(seed, counts)
    assert counts["rewritten"] >= 12
    assert counts["refused"] >= 12
    assert counts["compared"] >= 12
