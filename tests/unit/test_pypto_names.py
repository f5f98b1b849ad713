"""Every operation that 61 compiled programs use: what it becomes, and that its line comes back."""

import re
from functools import cache

import pytest
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation

from dialects.dsv4.opaque import TextCallOp
from dsv4_passes.diagnostics import collect
from dsv4_passes.formats.pto.reader import verify_module
from dsv4_passes.formats.pypto import parse_program
from dsv4_passes.formats.pypto.target import program_text
from tests.unit.programs import KERNEL, MAIN
from tests.unit.test_pypto_import import function, named

LOADED = {
    "a": ("[8, 64]", "FP32", "Vec"),
    "b": ("[8, 64]", "FP32", "Vec"),
    "half": ("[8, 32]", "FP32", "Vec"),
    "row": ("[1, 64]", "FP32", "Vec"),
    "col": ("[8, 1]", "FP32", "Vec"),
    "slots": ("[8, 32]", "INT32", "Vec"),
    "order": ("[1, 64]", "INT32", "Vec"),
    "keys": ("[1, 64]", "FP32", "Vec"),
    "numbers": ("[1, 64]", "UINT32", "Vec"),
    "left": ("[16, 32]", "BF16", "Mat"),
    "right": ("[32, 16]", "BF16", "Mat"),
    "boxes": ("[2, 16, 32]", "BF16", "Mat"),
    "more": ("[2, 32, 16]", "BF16", "Mat"),
}
"""Tensors, each of which the kernel loads as a tile of that name."""

TILE = "[8, 64], pl.FP32, pl.Mem.Vec"
ROW = "[1, 64], pl.FP32, pl.Mem.Vec"
COLUMN = "[8, 1], pl.FP32, pl.Mem.Vec"
PAIRS = "[1, 128], pl.FP32, pl.Mem.Vec"
PRODUCT = "[16, 16], pl.FP32, pl.Mem.Acc"
PRODUCTS = "[2, 16, 16], pl.FP32, pl.Mem.Acc"


def create(shape: str, dtype: str) -> str:
    return f"create({shape}, dtype=pl.{dtype}, target_memory=pl.Mem.Vec)"


LINES = [
    ("full", TILE, "full([8, 64], dtype=pl.FP32, value=0.5)", "pto.texpands"),
    ("number", "[1, 64], pl.INT32, pl.Mem.Vec",
     "ci(pl.const(0, pl.INT32), [1, 64], dtype=pl.INT32, descending=False)", "pto.tci"),
    ("narrow", "[8, 64], pl.BF16, pl.Mem.Vec", "cast(a, target_type=pl.BF16, mode='rint')", "pto.tcvt"),
    ("flat", "[4, 128], pl.FP32, pl.Mem.Vec", "reshape(a, [4, 128])", "pto.reshape"),
    ("sum", TILE, "add(a, b)", "pto.tadd"),
    ("less", TILE, "sub(a, b)", "pto.tsub"),
    ("times", TILE, "mul(a, b)", "pto.tmul"),
    ("part", TILE, "div(a, b)", "pto.tdiv"),
    ("most", TILE, "maximum(a, b)", "pto.tmax"),
    ("plus", TILE, "adds(a, 2.0)", "pto.tadds"),
    ("minus", TILE, "subs(a, 2.0)", "pto.tsubs"),
    ("twice", TILE, "muls(a, 2.0)", "pto.tmuls"),
    ("above", TILE, "maximums(a, 2.0)", "pto.tmaxs"),
    ("below", TILE, "minimums(a, 2.0)", "pto.tmins"),
    ("power", TILE, "exp(a)", "pto.texp"),
    ("inverse", TILE, "recip(a)", "pto.trecip"),
    ("root", TILE, "sqrt(a)", "pto.tsqrt"),
    ("inverse_root", TILE, "rsqrt(a)", "pto.trsqrt"),
    ("opposite", TILE, "neg(a)", "pto.tneg"),
    ("scaled", TILE, "row_expand_mul(a, col)", "pto.trowexpandmul"),
    ("divided", TILE, "row_expand_div(a, col)", "pto.trowexpanddiv"),
    ("lowered", TILE, "row_expand_sub(a, col)", "pto.trowexpandsub"),
    ("raised", TILE, "row_expand_add(a, col)", "pto.trowexpandadd"),
    ("weighted", TILE, "col_expand_mul(a, row)", "pto.tcolexpandmul"),
    ("place", TILE, create("[8, 64]", "FP32"), "pto.undef"),
    ("spread", TILE, "col_expand(place, row)", "pto.tcolexpand"),
    ("scratch", TILE, create("[8, 64]", "FP32"), "pto.undef"),
    ("total", COLUMN, "row_sum(a, scratch)", "pto.trowsum"),
    ("other_scratch", TILE, create("[8, 64]", "FP32"), "pto.undef"),
    ("peak", COLUMN, "row_max(a, other_scratch)", "pto.trowmax"),
    ("piece", "[2, 64], pl.FP32, pl.Mem.Vec", "slice(a, [2, 64], [3, 0], [2, 64])", "pto.subview"),
    ("whole", TILE, "assemble(full, piece, [3, 0])", "pto.insert"),
    ("beside", TILE, "concat(half, half)", "pto.tconcat"),
    ("turned", "[64, 8], pl.FP32, pl.Mem.Vec", "transpose(a, 0, 1)", "pto.ttrans"),
    ("evens", "[8, 32], pl.FP32, pl.Mem.Vec", "gather_mask(a, mask_pattern=1)", "pto.tgather"),
    ("room", TILE, create("[8, 64]", "FP32"), "pto.undef"),
    ("odds", TILE, "scatter_mask(room, half, mask_pattern=2)", "pto.tscatter"),
    ("more_room", TILE, create("[8, 64]", "FP32"), "pto.undef"),
    ("put", TILE, "scatter(more_room, half, slots)", "pto.tscatter"),
    ("index_scratch", "[1, 64], pl.INT32, pl.Mem.Vec", create("[1, 64]", "INT32"), "pto.undef"),
    ("taken", ROW, "gather(row, order, index_scratch)", "pto.tgather"),
    ("bits", "[8, 32], pl.UINT8, pl.Mem.Vec, pl.TileView(valid_shape=[8, 8])",
     "cmps(a, 0.0, cmp_type=1)", "pto.tcmps"),
    ("bit_scratch", "[1, 32], pl.UINT8, pl.Mem.Vec", create("[1, 32]", "UINT8"), "pto.undef"),
    ("chosen", TILE, "sel(bits, a, b, bit_scratch)", "pto.tsel"),
    ("valid", f"{TILE}, pl.TileView(valid_shape=[5, 64])", "set_validshape(a, 5, 64)", "pto.set_validshape"),
    ("padded", f"{TILE}, pl.TileView(pad=pl.PadValue.zero)",
     "fillpad(valid, pad_value=pl.PadValue.zero)", "pto.tfillpad"),
    ("pattern", "[8, 64], pl.UINT32, pl.Mem.Vec", "reinterpret_view(a, dtype=pl.UINT32)", "pto.bitcast"),
    ("up", "[8, 64], pl.UINT32, pl.Mem.Vec", "shls(pattern, pl.const(16, pl.INT32))", "pto.tshls"),
    ("down", "[8, 64], pl.UINT32, pl.Mem.Vec", "shrs(pattern, pl.const(16, pl.INT32))", "pto.tshrs"),
    ("swapped", "[8, 64], pl.UINT32, pl.Mem.Vec", "or_(up, down)", "pto.tor"),
    ("halves", "[8, 128], pl.UINT16, pl.Mem.Vec", "reinterpret_view(swapped, dtype=pl.UINT16)",
     "pto.reinterpret"),
    ("folded", "[16, 64], pl.BF16, pl.Mem.Vec", "reinterpret_view(a, dtype=pl.BF16, shape=[16, 64])",
     "pto.reinterpret"),
    ("joined", "[4, 128], pl.FP32, pl.Mem.Vec",
     "reinterpret_view(folded, dtype=pl.FP32, shape=[4, 128])", "pto.reinterpret"),
    ("pairs", PAIRS, "sort32(keys, numbers)", "pto.tsort32"),
    ("merged", PAIRS, "mrgsort_format1(pairs, pl.const(64, pl.INT32))", "pto.tmrgsort"),
    ("product", PRODUCT, "matmul(left, right)", "pto.tmatmul"),
    ("products", PRODUCT, "matmul_acc(product, left, right)", "pto.tmatmul.acc"),
    ("batch", PRODUCTS, "batch_matmul(boxes, more)", "dsv4.opaque"),
    ("batches", PRODUCTS, "batch_matmul_acc(batch, boxes, more)", "dsv4.opaque"),
]  # fmt: skip
"""Lines of a kernel: a name, the type of the tile, a call `pl.tile.…`, and the operation that it becomes."""

ORCHESTRATION = [
    (
        "made",
        "pl.Tensor[[8, 64], pl.FP32]",
        "create([8, 64], dtype=pl.FP32, layout=pl.TensorLayout.ND)",
        "create",
    ),
    ("shaped", "pl.Tensor[[4, 128], pl.FP32]", "reshape(a, [4, 128])", "reshape"),
    ("cut", "pl.Tensor[[2, 64], pl.FP32]", "slice(a, [2, 64], [1, 0])", "slice"),
    ("put_in", "pl.Tensor[[8, 64], pl.FP32]", "assemble(made, cut, [0, 0])", "assemble"),
    ("entry", "pl.Scalar[pl.FP32]", "read(a, [0, 1])", "read"),
    ("extent", "pl.Scalar[pl.INDEX]", "dim(a, 0)", "dim"),
]


def text() -> str:
    kinds = {name: f"pl.Tensor[{shape}, pl.{dtype}]" for name, (shape, dtype, _) in LOADED.items()}
    given = ", ".join(f"{name}_gm: {kind}" for name, kind in kinds.items())
    out = "pl.Tensor[[8, 64], pl.FP32]"
    lines = [
        "import pypto.language as pl",
        "",
        "@pl.program",
        "class names:",
        f"    {KERNEL}",
        f"    def words(out__ssa_v0: pl.Out[{out}], {given}) -> {out}:",
        "        block: pl.Scalar[pl.INDEX] = pl.tile.get_block_idx()",
    ]
    for name, (shape, dtype, memory) in LOADED.items():
        zeros = f"[{', '.join(['0'] * (shape.count(',') + 1))}]"
        lines.append(
            f"        {name}: pl.Tile[{shape}, pl.{dtype}, pl.Mem.{memory}] = pl.tile.load({name}_gm, "
            f"{zeros}, {shape}, {shape}, target_memory=pl.Mem.{memory}, transpose=False)"
        )
    lines += [f"        {name}: pl.Tile[{kind}] = pl.tile.{call}" for name, kind, call, _ in LINES]
    lines += [
        f"        out__ssa_v1: {out} = pl.tile.store(sum, [block * 8, 0], out__ssa_v0)",
        "        return out__ssa_v1",
        f"    {MAIN}",
        f"    def main(self, a: pl.InOut[{out}]) -> {out}:",
    ]
    lines += [f"        {name}: {kind} = pl.tensor.{call}" for name, kind, call, _ in ORCHESTRATION]
    lines += ["        pl.tensor.write(a, [0, 0], entry)", "        return a"]
    return "\n".join(lines) + "\n"


@cache
def imported() -> ModuleOp:
    with collect() as said:
        module = parse_program(text(), "names.py")
    verify_module(module)
    assert [e.message.split("'")[1] for e in said.entries] == [
        "pl.tile.batch_matmul",
        "pl.tile.batch_matmul_acc",
    ]
    return module


def test_all_names_of_the_compiled_programs_are_here() -> None:
    names = set(re.findall(r"pl\.(?:tile|tensor)\.\w+", text()))
    assert len(names) == 60


@pytest.mark.parametrize(("name", "call", "op"), [(name, call, op) for name, _, call, op in LINES])
def test_a_call_becomes_an_operation(name: str, call: str, op: str) -> None:
    found = named(function(imported(), "words"), name)
    assert found.name == op
    if isinstance(found, TextCallOp):
        assert found.text.data.startswith(f"pl.tile.{call.partition('(')[0]}(")


@pytest.mark.parametrize(("name", "op"), [(name, op) for name, _, _, op in ORCHESTRATION])
def test_a_call_of_an_orchestration_becomes_an_operation(name: str, op: str) -> None:
    assert named(function(imported(), "main"), name).name == f"dsv4.{op}"


def test_loads_stores_and_element_writes_are_operations_too() -> None:
    def count(root: Operation, name: str) -> int:
        return sum(op.name == name for op in root.walk())

    words = function(imported(), "words")
    assert (count(words, "pto.tload"), count(words, "pto.tstore")) == (len(LOADED), 1)
    assert count(function(imported(), "main"), "dsv4.write") == 1


def test_every_line_comes_back() -> None:
    """Also as it is printed from the operations; but what is transposed in place and read again is copied."""
    assert program_text(imported()) == text()
    printed = program_text(imported(), verbatim=False).splitlines()
    lost = [line for line in text().splitlines()[2:] if line not in printed]
    assert [line.partition(" = ")[2] for line in lost] == ["pl.tile.transpose(a, 0, 1)"]
    assert lost[0].replace("(a,", "(copy__tile,") in printed
