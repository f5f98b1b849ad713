"""Whole programs: lane moves are found before kernels are fused or after, and what is left is a rotation."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass

from dsv4_passes.diagnostics import Diagnostics, collect
from dsv4_passes.formats.pto.reader import verify_module
from dsv4_passes.transforms.fusion.fuse_stages import FuseStagesPass
from dsv4_passes.transforms.lanes.fold_lanes import FoldLanesPass
from dsv4_passes.transforms.lanes.raise_lanes import RaiseLanesPass
from dsv4_passes.transforms.program.propagate_facts import PropagateFactsPass
from tests.unit.test_programs import SELECTORS, TABLES, bind, check_both, program, references

MOVES = ("pto.tgather", "pto.tscatter", "pto.tsel", "pto.tmatmul", "dsv4.de", "dsv4.in", "dsv4.sw", "dsv4.ro")
ONE = {"dsv4.rotate_pairs": 1}
TWO = {"dsv4.rotate_pairs": 2}


@dataclass(frozen=True)
class Form:
    """How a program moves lanes, and what of it is left."""

    how: str
    left: Mapping[str, int] = field(default_factory=lambda: ONE)
    facts: Mapping[str, str] = field(default_factory=lambda: SELECTORS)


FORMS = {
    "mixed": Form("products at both ends, two GM buffers that are added; two chunks", TWO),
    "staged": Form("mask gathers, a product and one that accumulates, in three kernels"),
    "rope_a": Form("products at both ends in a mixed kernel"),
    "rope_b": Form("mask gathers, index scatters, blends", facts={}),
    "rope_c": Form("mask gathers, mask scatters, blends", facts={}),
    "rope_d": Form("pairs exchanged by gathers row by row, tables made in the kernel", facts={}),
    "chunked_select": Form("products in chunks of K"),
    "column_chunks": Form("re-interleaved in chunks of columns"),
    "compressor_chain": Form("products at both ends, five kernels"),
    "full_width_select": Form("one product with a block-diagonal selector for each half"),
    "half_rewritten": Form("mask gathers and scatters in front of a product", ONE | {"pto.tmatmul": 1}),
    "head_groups": Form("groups of heads in three kernels"),
    "index_scatter": Form("index scatters by tables that are arguments", facts=TABLES),
    "preserve_blend": Form("scatters that preserve", facts={}),
    "selector_copy": Form("selectors that are copied first"),
    "two_roundings": Form("rounded twice, in two modes"),
    "other_grid": Form("stages on other grids", TWO),
    "sibling_loops": Form("loops side by side, a product between", TWO | {"pto.tmatmul": 1}),
}

Order = Callable[[], list[ModulePass]]
ORDERS: dict[str, Order] = {
    "fused first": lambda: [
        FuseStagesPass(scope="all"),
        PropagateFactsPass(),
        RaiseLanesPass(),
        FoldLanesPass(),
    ],
    "raised first": lambda: [
        *(PropagateFactsPass(), RaiseLanesPass(), FuseStagesPass(scope="all")),
        *(PropagateFactsPass(), RaiseLanesPass(), FoldLanesPass()),
    ],
}


def raised(name: str, order: str, folder: Path) -> tuple[ModuleOp, Diagnostics]:
    module = program(name)
    bind(module, FORMS[name].facts, folder)
    with collect() as said:
        for each in ORDERS[order]():
            each.apply(Context(), module)
    verify_module(module)
    return module, said


def left(module: ModuleOp) -> Counter[str]:
    return Counter(op.name for op in module.walk() if op.name.startswith(MOVES))


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("name", FORMS)
def test_a_rotation_is_left(name: str, order: str, tmp_path: Path) -> None:
    before = program(name)
    bind(before, FORMS[name].facts, tmp_path)
    after, said = raised(name, order, tmp_path)
    assert left(after) == FORMS[name].left, FORMS[name].how
    check_both(references(before), after, said)
