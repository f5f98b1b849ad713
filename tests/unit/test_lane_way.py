"""Fusion touches the stages on the way of a lane site, and no others unless it is asked to."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import pytest
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp

from dialects.dsv4.functions import KERNEL, program_functions
from dsv4_passes.diagnostics import Diagnostic, collect
from dsv4_passes.formats.pypto import parse_program
from dsv4_passes.formats.pypto.target import changed_functions, program_text
from dsv4_passes.transforms.bind_facts import bind_toml
from dsv4_passes.transforms.fusion.fuse_stages import FuseStagesPass, fuse_all
from tests.unit.kernels import DATA
from tests.unit.programs import Kernel, arrays, program, same_bits

TENSORS = {
    "x": "64x32xf32",
    "scaled": "64x32xf32",
    "even": "64x16xf32",
    "turned": "64x16xf32",
    "half": "64x16xbf16",
    "out": "64x16xf32",
}


def kernel(name: str, source: str, target: str, operation: str, wide: str = "16x16xf32") -> Kernel:
    """`target = operation(source)` in four blocks of 16 rows."""
    body = f'v = load({source}, [b * 16, 0], "{wide}")\n{operation}\nstore(y, [b * 16, 0], {target})\n'
    return Kernel(name, 4, [source], [target], body)


SCALE = kernel("scale", "x", "scaled", 'y = exp(v, "16x32xf32")', "16x32xf32")
SPLIT = kernel("split", "scaled", "even", 'y = gather_mask(v, "16x16xf32", mask_pattern=1)', "16x32xf32")
TURN = kernel("turn", "even", "turned", 'y = neg(v, "16x16xf32")')
ROUND = kernel("round", "turned", "half", 'y = cast(v, "16x16xbf16", target_type=pl.BF16, mode="rint")')
WIDEN = kernel(
    "widen", "half", "out", 'y = cast(v, "16x16xf32", target_type=pl.FP32, mode="round")', "16x16xbf16"
)
CHAIN = (SCALE, SPLIT, TURN, ROUND, WIDEN)


def fused(
    kernels: Sequence[Kernel], scope: Literal["lanes", "all"]
) -> tuple[list[str], ModuleOp, list[Diagnostic]]:
    tensors = {n: t for n, t in TENSORS.items() if any(n in (*k.reads, *k.writes) for k in kernels)}
    last = kernels[-1].writes[0]
    before, after = program(kernels, tensors, [last]), program(kernels, tensors, [last])
    with collect() as said:
        fuse_all(after, "a3", scope=scope)
    assert same_bits(before, after, arrays(tensors))
    return [f.sym_name.data for f in program_functions(after, KERNEL)], after, said.entries


def test_lanes_that_were_moved_as_they_are_say_nothing_to_a_rounding() -> None:
    names, module, _ = fused(CHAIN, "lanes")
    assert names == ["scale", "split", "turn", "round", "widen"]
    assert changed_functions(module) == []


def test_all_is_all() -> None:
    assert len(fused(CHAIN, "all")[0]) == 1


def test_a_program_without_lane_sites_is_left_alone_in_silence() -> None:
    kernels = (kernel("turn", "x", "turned", 'y = neg(v, "16x16xf32")'), ROUND)
    tensors = {"x": "64x16xf32", "turned": "64x16xf32", "half": "64x16xbf16"}
    module = program(kernels, tensors, ["half"])
    before = program_text(module)
    with collect() as said:
        assert fuse_all(module, "a3", scope="lanes") == 0
    assert (program_text(module), said.entries) == (before, [])
    assert fuse_all(module, "a3", scope="all") == 1


def test_a_rounded_stage_between_two_sites_is_on_the_way() -> None:
    join = kernel(
        "join",
        "half",
        "out",
        'w = cast(v, "16x16xf32", target_type=pl.FP32, mode="round")\n'
        'y = gather_mask(w, "16x8xf32", mask_pattern=2)',
        "16x16xbf16",
    )
    tensors = {**TENSORS, "out": "64x8xf32"}
    module = program((*CHAIN[:-1], join), tensors, ["out"])
    fuse_all(module, "a3", scope="lanes")
    assert [f.sym_name.data for f in program_functions(module, KERNEL)] == ["scale", "split_turn_round_join"]


def test_a_product_is_a_site_if_a_fact_is_about_its_matrix(tmp_path: Path) -> None:
    text = (DATA / "staged/program.py").read_text(encoding="utf-8")
    facts = tmp_path / "facts.toml"
    facts.write_text('"even_select*" = "even"\n"odd_select*" = "odd"\n')
    plain = parse_program(text)
    fuse_all(plain, "a3", scope="lanes")
    names = {f.sym_name.data for f in program_functions(plain, KERNEL)}
    assert {"reassemble", "write_back"} <= names
    known = parse_program(text)
    bind_toml(known, str(facts))
    fuse_all(known, "a3", scope="lanes")
    assert not {"reassemble", "write_back"} & {f.sym_name.data for f in program_functions(known, KERNEL)}


@pytest.mark.parametrize(("scope", "count"), [("lanes", 5), ("all", 1)])
def test_the_pass_takes_the_scope(scope: Literal["lanes", "all"], count: int) -> None:
    module = program(CHAIN, TENSORS, ["out"])
    FuseStagesPass("a3", scope=scope).apply(Context(), module)
    assert len(program_functions(module, KERNEL)) == count
    assert FuseStagesPass().scope == "lanes"
