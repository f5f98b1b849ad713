"""Products with select matrices as lane operations: of any form, with signs, and what is said of others."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from xdsl.dialects import func
from xdsl.dialects.builtin import ModuleOp

from dsv4_passes.diagnostics import Diagnostics, collect
from dsv4_passes.equivalence.facts import WrongFact, make_fact, recognise
from dsv4_passes.equivalence.lanes import lane_difference
from dsv4_passes.formats.pto.reader import parse_text
from dsv4_passes.transforms.bind_facts import bind_arrays
from dsv4_passes.transforms.lanes.checked_rewrite import Guard, Policy
from dsv4_passes.transforms.lanes.raise_lanes import RaiseLanesPass, raise_lane_moves
from tests.unit.kernels import Array
from tests.unit.test_raise_lanes import found
from tests.unit.test_rewrites import SCATTER, SELECT, finite_rows, pairs, runs, same_bits

KERNELS = Path(__file__).parents[1] / "filecheck" / "transforms"


def functions_of(file: str) -> dict[str, func.FuncOp]:
    parts = (KERNELS / file).read_text().split("// -----")
    modules = [parse_text(part, file) for part in parts]
    return {op.sym_name.data: op for m in modules for op in m.walk() if isinstance(op, func.FuncOp)}


@pytest.mark.parametrize("file", [*SELECT, *SCATTER])
@pytest.mark.parametrize("guard", ["exact", "bf16-fallback"])
def test_not_a_bit_changes(file: str, guard: Guard) -> None:
    for name, kernel, rewritten in pairs(file, RaiseLanesPass(guard)):
        for given, before, after in runs(kernel, rewritten):
            excused = ~finite_rows(given, len(before)) if file in SELECT else np.zeros(len(before), bool)
            assert not excused.all()
            assert (same_bits(before, after).all(axis=1) | excused).all(), name


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("deinterleave", {"dsv4.deinterleave": 1}),
        ("deinterleave_transposed", {"dsv4.deinterleave": 1}),
        ("deinterleave_in_chunks", {"dsv4.deinterleave": 1}),
        ("in_a_loop", {"dsv4.deinterleave": 1, "scf.for": 1}),
        ("interleave", {"dsv4.interleave": 1}),
        ("interleave_by_sum", {"dsv4.interleave": 1}),
        ("one_half", {"dsv4.interleave": 1}),
    ],
)
def test_products_of_every_form(name: str, expected: dict[str, int]) -> None:
    counts, said = found(functions_of("select_to_lanes.mlir")[name])
    assert counts == expected
    assert any("is a vector kernel now" in entry.message for entry in said.entries)


def test_the_guard_keeps_what_is_rounded_to_bf16() -> None:
    function = functions_of("select_to_lanes_guard.mlir")["absorbed"]
    counts, said = found(function, "bf16-fallback")
    assert counts == {"tmatmul": 1, "tmatmul.acc": 1}
    assert any("guard bf16-fallback keeps the matmul re-interleave" in e.message for e in said.entries)
    assert found(function)[0] == {"dsv4.interleave": 1}


# -- any matrix ------------------------------------------------------------------------------------------

CUBE = "blayout=col_major, slayout=row_major"


def product(rows: int, k: int, n: int) -> ModuleOp:
    """`y = x @ w` on the cube, of bf16 to f32."""
    return parse_text(
        f"""
func.func @k(%x: !pto.ptr<bf16>, %w: !pto.ptr<bf16>, %y: !pto.ptr<f32>)
    attributes {{pto.kernel_kind = #pto.kernel_kind<cube>}} {{
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %rows = arith.constant {rows} : index
  %k = arith.constant {k} : index
  %n = arith.constant {n} : index
  %x_view = pto.make_tensor_view %x, shape = [%rows, %k], strides = [%k, %c1] : !pto.tensor_view<?x?xbf16>
  %w_view = pto.make_tensor_view %w, shape = [%k, %n], strides = [%n, %c1] : !pto.tensor_view<?x?xbf16>
  %y_view = pto.make_tensor_view %y, shape = [%rows, %n], strides = [%n, %c1] : !pto.tensor_view<?x?xf32>
  %xp = pto.partition_view %x_view, offsets = [%c0, %c0], sizes = [%rows, %k]
    : !pto.tensor_view<?x?xbf16> -> !pto.partition_tensor_view<{rows}x{k}xbf16>
  %wp = pto.partition_view %w_view, offsets = [%c0, %c0], sizes = [%k, %n]
    : !pto.tensor_view<?x?xbf16> -> !pto.partition_tensor_view<{k}x{n}xbf16>
  %yp = pto.partition_view %y_view, offsets = [%c0, %c0], sizes = [%rows, %n]
    : !pto.tensor_view<?x?xf32> -> !pto.partition_tensor_view<{rows}x{n}xf32>
  %xm = pto.tload ins(%xp : !pto.partition_tensor_view<{rows}x{k}xbf16>)
    -> !pto.tile<mat, {rows}x{k}xbf16, {CUBE}>
  %wm = pto.tload ins(%wp : !pto.partition_tensor_view<{k}x{n}xbf16>)
    -> !pto.tile<mat, {k}x{n}xbf16, {CUBE}>
  %xl = pto.tmov ins(%xm : !pto.tile<mat, {rows}x{k}xbf16, {CUBE}>)
    -> !pto.tile<left, {rows}x{k}xbf16, {CUBE}>
  %wr = pto.tmov ins(%wm : !pto.tile<mat, {k}x{n}xbf16, {CUBE}>)
    -> !pto.tile<right, {k}x{n}xbf16, slayout=col_major>
  %a = pto.tmatmul
    ins(%xl, %wr : !pto.tile<left, {rows}x{k}xbf16, {CUBE}>,
                   !pto.tile<right, {k}x{n}xbf16, slayout=col_major>)
    -> !pto.tile<acc, {rows}x{n}xf32, {CUBE}, fractal=1024>
  pto.tstore ins(%a : !pto.tile<acc, {rows}x{n}xf32, {CUBE}, fractal=1024>)
    outs(%yp : !pto.partition_tensor_view<{rows}x{n}xf32>)
  return
}}
""",
        "product.pto",
    )


def raised(matrix: Array, tmp_path: Path, module: ModuleOp | None = None) -> tuple[Counter[str], Diagnostics]:
    """What becomes of a product with a given matrix."""
    module = module or product(16, *matrix.shape)
    np.savez(path := tmp_path / "facts.npz", w=bf16(matrix))
    with collect() as said:
        bind_arrays(module, str(path))
        function = next(op for op in module.walk() if isinstance(op, func.FuncOp))
        before = function.clone()
        raise_lane_moves(function, Policy())
    assert lane_difference(before, function) is None
    names = Counter(op.name for op in function.walk())
    return Counter({n: c for n, c in names.items() if n.startswith("dsv4.") or "matmul" in n}), said


def bf16(numbers: Array) -> Array:
    """Bits of numbers that are bf16."""
    return (numbers.astype(np.float32).view(np.uint32) >> 16).astype(np.uint16)


LANES = np.arange(64)


def one_hot(places: Array, of: int = 64) -> Array:
    matrix = np.zeros((of, len(places)), np.float32)
    matrix[places, np.arange(len(places))] = 1
    return matrix


def turned(parity: int) -> Array:
    """Pairs exchanged, with the sign of the even (0) or odd (1) lanes turned."""
    matrix = one_hot(LANES ^ 1)
    matrix[:, parity::2] *= -1
    return matrix + 0.0


@pytest.mark.parametrize(
    ("matrix", "expected"),
    [
        (one_hot(LANES[0::2]), {"dsv4.deinterleave": 1}),
        (one_hot(LANES[1::2]), {"dsv4.deinterleave": 1}),
        (one_hot(LANES ^ 1), {"dsv4.swap_pairs": 1}),
        (turned(0), {"dsv4.deinterleave": 1, "dsv4.interleave": 1}),
        (turned(1), {"dsv4.deinterleave": 1, "dsv4.interleave": 1}),
    ],
    ids=["even", "odd", "swap", "rotate", "unrotate"],
)
def test_given_selectors(matrix: Array, expected: dict[str, int], tmp_path: Path) -> None:
    assert raised(matrix, tmp_path)[0] == expected


@pytest.mark.parametrize(
    ("matrix", "text"),
    [
        (one_hot(LANES[:32]), "'w' was given and picks lanes 0-31 of 64: a half split, not even/odd"),
        (one_hot(LANES[0::4]), "'w' was given and picks every fourth lane from 0 on, of 64, not even/odd"),
        (one_hot((LANES + 32) % 64), "'w' was given and swaps the halves, not even/odd"),
        (
            one_hot(LANES ^ 1) * np.where(LANES % 2, 1, -1),
            "'w' was given and is the rotate selector but for the sign of its zeros: [0, 0] is -0",
        ),
    ],
    ids=["half split", "stride 4", "halves exchanged", "zeros that are -0"],
)
def test_other_given_matrices_are_named(matrix: Array, text: str, tmp_path: Path) -> None:
    counts, said = raised(matrix, tmp_path)
    assert counts == {"pto.tmatmul": 1}
    assert [e.message for e in said.entries if e.outcome == "refused"] == [
        f"'pto.tmatmul' of 16x{matrix.shape[1]} stays: {text}"
    ]


def test_ordinary_products_are_only_counted(tmp_path: Path) -> None:
    weights = bf16(np.random.default_rng(0).standard_normal((64, 64)).astype(np.float32))
    counts, said = raised((weights.astype(np.uint32) << 16).view(np.float32), tmp_path)
    assert counts == {"pto.tmatmul": 1}
    assert [(e.outcome, e.message) for e in said.entries] == [
        ("note", "1 product selects no lanes of known values")
    ]


# -- the facts -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("word", "matrix"), [("rotate", turned(0)), ("unrotate", turned(1))])
def test_selectors_with_signs_are_recognised_exactly(word: str, matrix: Array) -> None:
    fact = recognise(matrix, (64, 64), "w")
    assert fact is not None
    assert fact.word == word
    x = np.arange(1, 65, dtype=np.float32)[None]
    even, odd = (x @ fact.matrix)[0, 0::2], (x @ fact.matrix)[0, 1::2]
    signs = (-1, 1) if word == "rotate" else (1, -1)
    np.testing.assert_array_equal(even, signs[0] * x[0, 1::2])
    np.testing.assert_array_equal(odd, signs[1] * x[0, 0::2])
    near = matrix.copy()
    near[0, 5] = -0.0
    assert recognise(near, (64, 64), "w") is None
    assert recognise(-matrix, (64, 64), "w") is None  # its zeros are -0


def test_a_selector_has_the_shape_of_its_word() -> None:
    with pytest.raises(WrongFact, match="expected as many rows as columns"):
        make_fact("selector", "rotate", (64, 32))
    with pytest.raises(WrongFact, match="twice as many rows as columns"):
        make_fact("selector", "even", (64, 64))


@pytest.mark.parametrize("parity", [0, 1])
def test_a_signed_selector_in_chunks(parity: int, tmp_path: Path) -> None:
    """Lanes of several loads side by side, with the sign turned."""
    text = """
func.func @k(%x: !pto.ptr<bf16>, %w: !pto.ptr<bf16>, %y: !pto.ptr<f32>)
    attributes {pto.kernel_kind = #pto.kernel_kind<cube>} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c16 = arith.constant 16 : index
  %c32 = arith.constant 32 : index
  %c64 = arith.constant 64 : index
  %x_view = pto.make_tensor_view %x, shape = [%c16, %c64], strides = [%c64, %c1] : !pto.tensor_view<?x?xbf16>
  %w_view = pto.make_tensor_view %w, shape = [%c64, %c64], strides = [%c64, %c1] : !pto.tensor_view<?x?xbf16>
  %y_view = pto.make_tensor_view %y, shape = [%c16, %c64], strides = [%c64, %c1] : !pto.tensor_view<?x?xf32>
  %yp = pto.partition_view %y_view, offsets = [%c0, %c0], sizes = [%c16, %c64]
    : !pto.tensor_view<?x?xf32> -> !pto.partition_tensor_view<16x64xf32>
CHUNK0
CHUNK1
  %a = pto.tmatmul ins(%xl0, %wr0 : LEFT, RIGHT) -> ACC
  %b = pto.tmatmul.acc ins(%a, %xl1, %wr1 : ACC, LEFT, RIGHT) -> ACC
  pto.tstore ins(%b : ACC) outs(%yp : !pto.partition_tensor_view<16x64xf32>)
  return
}
"""
    chunk = """
  %xpN = pto.partition_view %x_view, offsets = [%c0, %cAT], sizes = [%c16, %c32]
    : !pto.tensor_view<?x?xbf16> -> !pto.partition_tensor_view<16x32xbf16>
  %wpN = pto.partition_view %w_view, offsets = [%cAT, %c0], sizes = [%c32, %c64]
    : !pto.tensor_view<?x?xbf16> -> !pto.partition_tensor_view<32x64xbf16>
  %xmN = pto.tload ins(%xpN : !pto.partition_tensor_view<16x32xbf16>) -> !pto.tile<mat, 16x32xbf16, CUBE>
  %wmN = pto.tload ins(%wpN : !pto.partition_tensor_view<32x64xbf16>) -> !pto.tile<mat, 32x64xbf16, CUBE>
  %xlN = pto.tmov ins(%xmN : !pto.tile<mat, 16x32xbf16, CUBE>) -> LEFT
  %wrN = pto.tmov ins(%wmN : !pto.tile<mat, 32x64xbf16, CUBE>) -> RIGHT
"""
    for number, at in ((0, "0"), (1, "32")):
        text = text.replace(f"CHUNK{number}", chunk.replace("N", str(number)).replace("AT", at))
    for name, type_ in (
        ("LEFT", "!pto.tile<left, 16x32xbf16, CUBE>"),
        ("RIGHT", "!pto.tile<right, 32x64xbf16, slayout=col_major>"),
        ("ACC", "!pto.tile<acc, 16x64xf32, CUBE, fractal=1024>"),
        ("CUBE", CUBE),
    ):
        text = text.replace(name, type_)
    assert raised(turned(parity), tmp_path, parse_text(text, "chunks.pto"))[0] == {
        "dsv4.deinterleave": 2,
        "dsv4.interleave": 1,
    }
