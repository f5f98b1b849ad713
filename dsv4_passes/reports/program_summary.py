"""What became of a whole program, in a line and as numbers: kernels, GM between them, work, lane sites.

    13 kernels -> 9; 21.8 -> 18.7 MB of GM between them; 30.5 -> 27.3 MB loaded and stored; 205 -> 197 tile
    operations (54890 -> 54679 by trips and blocks); 4 -> 0 selector products; lane sites: 12 rewritten,
    2 the best already, 1 refused (no fact about a selector); 14 ordinary products

A megabyte are 10^6 bytes. A selector product is a matrix product one factor of which a fact is about.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from math import prod
from typing import Any

from xdsl.dialects.builtin import DYNAMIC_INDEX, ModuleOp

from dialects.dsv4.functions import KERNEL, ORCHESTRATION, program_functions
from dialects.dsv4.launch import LaunchOp
from dialects.dsv4.tensors import CreateOp
from dialects.pto.matmul import MatmulOp
from dialects.pto.types import TileType, element_name
from dsv4_passes.diagnostics import Diagnostic
from dsv4_passes.targets.elements import element_bytes
from dsv4_passes.transforms.fusion.lane_way import LaneWay
from dsv4_passes.transforms.lanes.products import loaded_by
from dsv4_passes.transforms.program.work import Work, is_tile_work, program_work

UNITS = ((10**6, "MB"), (1000, "kB"), (1, "bytes"))
ALREADY_BEST = "already the best form"


@dataclass(frozen=True)
class Counts:
    """A program at one time. `stages` are the tensors that its orchestrations make, `stage_bytes` their size
    (those of symbolic extents aside); `work` is that of all launches, `operations` are those in the text.
    """

    kernels: int
    launches: int
    stages: int
    stage_bytes: int
    operations: int
    selector_products: int
    work: Work


@dataclass(frozen=True)
class ProgramSummary:
    """A program before and after passes, and what they said of its lanes."""

    before: Counts
    after: Counts
    rewritten: int
    already_best: int
    refused: Counter[str]
    fused: int
    not_fused: Counter[str]
    ordinary: int

    def __str__(self) -> str:
        a, b = self.before, self.after
        sites = [f"{self.rewritten} rewritten", f"{self.already_best} the best already"]
        sites.append(f"{self.refused.total()} refused{_reasons(self.refused)}")
        parts = [
            f"{a.kernels} kernels -> {b.kernels}",
            f"{_sizes(a.stage_bytes, b.stage_bytes)} of GM between them",
            f"{_sizes(a.work.moved, b.work.moved)} loaded and stored",
            f"{a.operations} -> {b.operations} tile operations "
            f"({a.work.operations} -> {b.work.operations} by trips and blocks)",
            f"{a.selector_products} -> {b.selector_products} selector products",
            f"lane sites: {', '.join(sites)}",
        ]
        if self.not_fused:
            parts.append(f"{self.not_fused.total()} pairs of kernels not fused{_reasons(self.not_fused)}")
        if self.ordinary:
            parts.append(f"{self.ordinary} ordinary product{'s' if self.ordinary > 1 else ''}")
        return "; ".join(parts)

    def as_object(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "before": _counts(self.before),
            "after": _counts(self.after),
            "lane sites": {
                "rewritten": self.rewritten,
                "already the best form": self.already_best,
                "refused": dict(self.refused),
            },
            "pairs of kernels": {"fused": self.fused, "not fused": dict(self.not_fused)},
            "ordinary products": self.ordinary,
        }


def is_program(module: ModuleOp) -> bool:
    """Whether there is an orchestration, and not only kernels."""
    return bool(program_functions(module, ORCHESTRATION))


def count(module: ModuleOp) -> Counts:
    """What a program is made of."""
    orchestrations = program_functions(module, ORCHESTRATION)
    kernels = program_functions(module, KERNEL)
    inside = [op for orchestration in orchestrations for op in orchestration.walk()]
    created = [op for op in inside if isinstance(op, CreateOp)]
    known = LaneWay(module).known
    products = 0
    for kernel in kernels:
        given = {kernel.body.block.args[i] for i in known.get(kernel.sym_name.data, ())}
        for op in kernel.walk():
            if isinstance(op, MatmulOp):
                factors = (loaded_by(v) for v in op.inputs() if isinstance(v.type, TileType))
                products += not given.isdisjoint(factors)
    return Counts(
        len(kernels),
        sum(isinstance(op, LaunchOp) for op in inside),
        len(created),
        sum(map(_bytes, created)),
        sum(is_tile_work(op) for kernel in kernels for op in kernel.walk()),
        products,
        program_work(module),
    )


def summarise(before: Counts, after: Counts, said: Iterable[Diagnostic]) -> ProgramSummary:
    """Assemble the counts before and after, and the remarks in between."""
    entries = list(said)
    refused = [e for e in entries if e.outcome == "refused"]
    sites = [e for e in refused if e.sites]
    best = [e for e in entries if e.reason == ALREADY_BEST]
    ordinary = {e.function: e.sites for e in entries if e.outcome == "silent"}
    return ProgramSummary(
        before,
        after,
        sum(e.sites for e in entries if e.outcome == "rewritten"),
        sum(e.sites for e in best),
        Counter(e.reason for e in sites if e.reason != ALREADY_BEST),
        sum(e.outcome == "rewritten" and e.reason == "fused" for e in entries),
        Counter(e.reason for e in refused if e.message.startswith("not fused")),
        sum(ordinary.values()),
    )


def _bytes(op: CreateOp) -> int:
    extents = op.res.type.get_shape()
    return (
        0
        if DYNAMIC_INDEX in extents
        else prod(extents) * element_bytes(element_name(op.res.type.element_type))
    )


def _sizes(before: int, after: int) -> str:
    unit, name = next((u, n) for u, n in UNITS if max(before, after) >= u or u == 1)
    numbers = (before / unit, after / unit)
    texts = [f"{number:.0f}" if number >= 100 else f"{number:.3g}" for number in numbers]
    return f"{' -> '.join(texts)} {name}"


def _reasons(counted: Counter[str]) -> str:
    if not counted:
        return ""
    texts = [f"{reason} {number}" if number > 1 else reason for reason, number in counted.most_common()]
    return f" ({', '.join(texts)})"


def _counts(counts: Counts) -> dict[str, Any]:
    return {
        "kernels": counts.kernels,
        "launches": counts.launches,
        "tensors between kernels": counts.stages,
        "bytes between kernels": counts.stage_bytes,
        "bytes loaded and stored": counts.work.moved,
        "tile operations": counts.operations,
        "tile operations by trips and blocks": counts.work.operations,
        "selector products": counts.selector_products,
    }
