"""Rotations in every form: bits on numpy, the operations that are used, and what is said."""

from collections import Counter
from dataclasses import replace
from typing import Any, Literal, cast

import numpy as np
import pytest
from xdsl.context import Context
from xdsl.dialects import func
from xdsl.dialects.builtin import ModuleOp

from dialects.dsv4.lanes import LaneOp
from dialects.pto.base import TileOp
from dsv4_passes.cli.run import run_on_arrays
from dsv4_passes.diagnostics import collect, location_text
from dsv4_passes.formats.pto.reader import parse_text
from dsv4_passes.interpreter.kernels import choose_kernel, find_kernels
from dsv4_passes.targets import chip
from dsv4_passes.transforms.bind_facts import bind_arrays
from dsv4_passes.transforms.common.cost import function_cost
from dsv4_passes.transforms.common.decisions import record
from dsv4_passes.transforms.lanes.lower_lanes import LowerLanesPass
from dsv4_passes.transforms.lanes.ways import STYLES, FormName
from dsv4_passes.transforms.lowering.lower_tiles import lower_function
from dsv4_passes.transforms.rope import RopePass
from tests.unit.kernels import DATA, kernel
from tests.unit.rotations import Array, Rotation

ROTATIONS = {
    "bf16": Rotation(),
    "bf16-inverse-one-row": Rotation(one_row=True, flags="inverse"),
    "bf16-short-tables": Rotation(table="bf16"),
    "bf16-full": Rotation(full_width=True),
    "bf16-signed": Rotation(full_width=True, flags="signed"),
    "bf16-signed-one-row": Rotation(full_width=True, flags="signed", one_row=True),
    "bf16-f32": Rotation(result="f32"),
    "f32-bf16": Rotation(source="f32"),
    "f32-bf16-signed": Rotation(source="f32", full_width=True, flags="signed"),
    "f32-few-rows": Rotation(source="f32", result="f32", rows=8),
    "f32-signed": Rotation(source="f32", result="f32", full_width=True, flags="signed"),
    "bf16-partly": Rotation(valid=20),
    "bf16-dynamic": Rotation(valid=20, dynamic=True),
    "bf16-dynamic-signed": Rotation(valid=20, dynamic=True, full_width=True, flags="signed"),
    "f16": Rotation(source="f16", result="f16", cols=128, rows=16),
}


def lowered(rotation: Rotation, form: FormName = "auto") -> ModuleOp:
    module = parse_text(rotation.text(), "test.mlir")
    LowerLanesPass(form).apply(Context(), module)
    module.verify()
    assert not any(isinstance(op, LaneOp) for op in module.walk())
    return module


def run(module: ModuleOp, inputs: dict[str, Array]) -> Array:
    found = choose_kernel(find_kernels(module), None, "test.mlir")
    return run_on_arrays(found, inputs, 1, "inputs")["y"]


def bits(array: Array) -> Array:
    """Bits, with one NaN for all: their payloads are not followed."""
    if array.dtype == np.uint16:
        return np.where((array & 0x7FFF) > 0x7F80, 0x7FC0, array)
    return np.where(np.isnan(array), np.nan, array).astype(array.dtype).view(f"u{array.dtype.itemsize}")


def operations(module: ModuleOp) -> Counter[str]:
    return Counter(op.mnemonic() for op in module.walk() if isinstance(op, TileOp))


CASES = [(name, "auto", arch) for name in ROTATIONS for arch in ("a2a3", "a5")] + [
    (name, form, "a2a3") for name in ("bf16", "bf16-signed", "f32-few-rows") for form in STYLES
]


@pytest.mark.parametrize(("name", "form", "arch"), CASES)
def test_bits_stay(name: str, form: str, arch: str) -> None:
    """Every form of every rotation gives the bits of the rotation, from buffers at either level."""
    rotation = replace(ROTATIONS[name], arch=arch)
    inputs = rotation.inputs()
    expected = bits(run(parse_text(rotation.text(), "test.mlir"), inputs))
    module = lowered(rotation, cast(FormName, form))
    for level in ("level2", "level3"):
        copy = module.clone()
        function = next(op for op in copy.walk() if isinstance(op, func.FuncOp))
        lower_function(function, arch, "0.60", cast(Literal["level2", "level3"], level))
        copy.verify()
        assert np.array_equal(bits(run(copy, inputs)), expected)


@pytest.mark.parametrize("name", list(ROTATIONS))
def test_no_gather_and_no_scatter_on_a2a3(name: str) -> None:
    """Where bits or transposes do it, nothing else is chosen."""
    found = operations(lowered(ROTATIONS[name]))
    assert not {"tgather", "tscatter", "tmatmul"} & set(found)


def test_full_tables_are_rotated_by_a_swap_of_bits() -> None:
    found = operations(lowered(ROTATIONS["bf16-signed"]))
    assert (found["tshls"], found["tshrs"], found["tor"], found["tmul"], found["tadd"]) == (1, 1, 1, 2, 1)


def test_halves_are_seen_in_full_rows() -> None:
    """Halves of 32 lanes are worked on as half as many rows of 64."""
    module = lowered(ROTATIONS["bf16"])
    shapes = {
        op.destination_layout().shape
        for op in module.walk()
        if isinstance(op, TileOp) and op.mnemonic() in ("tmul", "tadd", "tsub", "tshls", "tor")
    }
    assert shapes == {(16, 64)}


@pytest.mark.parametrize(
    ("form", "operation"),
    [
        ("transpose", "ttrans"),
        ("mask-gather", "tgather"),
        ("flat-gather", "tgather"),
        ("row-gather", "tgather"),
        ("scatter-pair", "tscatter"),
        ("index-scatter", "tscatter"),
    ],
)
def test_named_forms_are_used(form: Any, operation: str) -> None:
    assert operations(lowered(ROTATIONS["f32-signed"], form))[operation]


@pytest.mark.parametrize(("name", "arch"), [("bf16", "a2a3"), ("f32-signed", "a2a3"), ("bf16-f32", "a5")])
def test_auto_costs_least(name: str, arch: str) -> None:
    """No form that can be named is cheaper than the one that is chosen."""
    rotation, target = replace(ROTATIONS[name], arch=arch), chip(arch)

    def cost(form: Any) -> int:
        (function,) = (op for op in lowered(rotation, form).walk() if isinstance(op, func.FuncOp))
        return function_cost(function, target).cycles.cycles

    assert cost("auto") <= min(cost(form) for form in STYLES)


def test_what_does_not_fit_is_chunked() -> None:
    rotation = Rotation(rows=512)
    with collect() as said:
        module = lowered(rotation)
    assert any("128 rows at a time" in entry.message for entry in said.entries)
    inputs = rotation.inputs()
    expected = run(parse_text(rotation.text(), "test.mlir"), inputs)
    assert np.array_equal(bits(run(module, inputs)), bits(expected))


@pytest.mark.parametrize(
    ("name", "arch", "form", "operation"),
    [
        ("f32-signed", "a2a3", "flat-gather", "tgather"),
        ("f16", "a2a3", "index-scatter", "tscatter"),
        ("f32-few-rows", "a5", "auto", "tscatter"),  # a mask scatter is rejected there
    ],
)
def test_an_old_assembler_gets_what_it_takes(name: str, arch: str, form: Any, operation: str) -> None:
    """What a version of ptoas gets wrong is not chosen for it: lanes are counted without tci."""
    rotation = replace(ROTATIONS[name], arch=arch)
    module = parse_text(rotation.text(), "test.mlir")
    inputs = rotation.inputs()
    expected = bits(run(module, inputs))
    LowerLanesPass(form, ptoas="0.43").apply(Context(), module)
    found = operations(module)
    assert found[operation]
    assert (found["tci"], found["ttrans"]) == (0, 1)
    function = next(op for op in module.walk() if isinstance(op, func.FuncOp))
    lower_function(function, arch, "0.43", "level3")
    assert np.array_equal(bits(run(module, inputs)), expected)


def test_an_operation_without_a_form_stays() -> None:
    """On A5 the oldest ptoas takes no mask scatter, and other forms want all rows valid."""
    module = parse_text(Rotation(source="f32", result="f32", arch="a5", valid=20).text(), "test.mlir")
    before = str(module)
    with collect() as said:
        LowerLanesPass(ptoas="0.43").apply(Context(), module)
    assert str(module) == before
    (entry,) = said.entries
    assert entry.outcome == "refused"
    assert "'dsv4.rotate_pairs' stays: it has no form on a5: " in entry.message
    assert "scatter-pair: not all of the tile is valid" in entry.message


def test_what_is_written_as_a_lane_operation_takes_a_form() -> None:
    """Also beside a move that is the best already: a function with lane operations cannot stay as it came."""
    text = Rotation(arch="a5").text()
    half = "!pto.tile<vec, 32x32xbf16>"
    gather = (
        f"    %e = pto.tgather ins(%x_short, {{maskPattern = #pto.mask_pattern<P0101>}} : "
        f"!pto.tile<vec, 32x64xbf16, valid=32x64>) -> {half}\n"
        "    %e_part = pto.partition_view %y_view, offsets = [%c0, %c0], sizes = [%c32, %c32] : "
        "!pto.tensor_view<?x?xbf16> -> !pto.partition_tensor_view<32x32xbf16>\n"
        f"    pto.tstore ins(%e : {half}) outs(%e_part : !pto.partition_tensor_view<32x32xbf16>)\n"
    )
    module = parse_text(text.replace("    return", f"{gather}    return"), "test.mlir")
    with collect() as said:
        RopePass("a5").apply(Context(), module)
    assert not [op for op in module.walk() if isinstance(op, LaneOp)]
    assert not [entry.message for entry in said.entries if "best form already" in entry.message]


def test_a_form_is_taken_where_it_goes() -> None:
    """Rows that are partly valid are not exchanged as full rows; the form asked for does none of the rest."""
    found = operations(lowered(ROTATIONS["bf16-partly"], "bit-swap"))
    assert found["tor"] == 1


@pytest.mark.parametrize(
    ("name", "direction"),
    [("bf16", "forward"), ("bf16-inverse-one-row", "inverse"), ("bf16-signed", "signed")],
)
def test_a_decision_says_which_way_pairs_are_turned(name: str, direction: str) -> None:
    with record() as decisions:
        lowered(ROTATIONS[name])
    assert {entry.direction for entry in decisions.entries} == {direction}


@pytest.mark.parametrize(
    ("dtype", "even", "form", "expected"),
    [
        ("bf16", "%t", "bit-double", {"tcvt": 1, "tshrs": 1, "tor": 1}),
        ("bf16", "%n", "bit-double", {"tmuls": 1, "tcvt": 1, "tshrs": 1, "tor": 1}),
        ("f32", "%t", "transpose", {"ttrans": 2, "tmov": 1}),
        ("f32", "%n", "transpose", {"tmuls": 1, "ttrans": 3}),
    ],
)
def test_half_a_table_is_doubled(dtype: str, even: str, form: str, expected: dict[str, int]) -> None:
    """A tile that is put together with itself is widened, or transposed, once."""
    half, whole = f"T<32x32x{dtype}>", f"T<32x64x{dtype}>"
    wide = "%f = pto.tcvt ins(%t {rmode = #pto<round_mode RINT>} : " + half + ") -> T<32x32xf32>"
    short = "%n = pto.tcvt ins(%m {rmode = #pto<round_mode RINT>} : T<32x32xf32>) -> " + half
    minus = "%m = pto.tmuls ins(%f, %minus : T<32x32xf32>, f32) -> T<32x32xf32>"
    if dtype == "f32":
        wide, short, minus = "", "", f"%n = pto.tmuls ins(%t, %minus : {half}, f32) -> {half}"
    body = f"""
        %t = load t
        %minus = arith.constant -1.0 : f32
        {wide}
        {minus}
        {short}
        %y = dsv4.interleave {even}, %t : {half}, {half} -> {whole}
        store %y to y"""
    module = parse_text(kernel(body, t=f"32x32x{dtype}", y=f"32x64x{dtype}"), "test.mlir")
    with record() as decisions:
        LowerLanesPass().apply(Context(), module)
    assert [entry.form for entry in decisions.entries] == [form]
    assert {k: n for k, n in operations(module).items() if k not in ("tload", "tstore")} == expected


def test_remarks_say_which_way_and_under_which_conditions() -> None:
    """Those of the decision, not only of the raising."""
    module = parse_text((DATA / "rope_a" / "rope_a.pto").read_text(), "rope_a.pto")
    bind_arrays(module, str(DATA / "rope_a" / "inputs.npz"))
    with record() as decisions, collect() as said:
        RopePass("a3").apply(Context(), module)
    conditions = ("FIN(%rot_even__tile)", "FIN(%rot_odd__tile)", "FIN(%x_tile__tile)")
    assert {(d.form, d.conditions, d.direction) for d in decisions.entries} == {
        ("bit-pack", conditions, "forward")
    }
    chosen = [e.message for e in said.entries if "bit-pack, " in e.message]
    assert len(chosen) == 2
    for message in chosen:
        assert "32x64xbf16 (forward rotation) -> bit-pack" in message
        assert f"every stored lane is proved equal, given {', '.join(conditions)} (" in message


def test_one_remark_for_one_missing_fact() -> None:
    """It stands at the first site and names the others."""
    path = DATA / "mixed" / "unrotate.pto"
    module = parse_text(path.read_text(), "unrotate.pto")
    with collect() as said:
        RopePass("a3").apply(Context(), module)
    refused = [entry for entry in said.entries if entry.outcome == "refused"]
    assert [(location_text(entry.location), entry.sites) for entry in refused] == [
        ("unrotate.pto:52:5", 2),
        ("unrotate.pto:45:5", 2),
    ]
    assert "'pto.tmatmul' of 32x16, 'pto.tmatmul' of 32x32 at 76:5 stay: " in refused[0].message
