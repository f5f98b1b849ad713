"""Copies between windows of columns and tiles: what each ptoas takes, with the same lanes."""

from io import StringIO

import numpy as np
import pytest
from xdsl.context import Context

from dsv4_passes.diagnostics import UserError
from dsv4_passes.formats.pto.reader import parse_text, verify_module
from dsv4_passes.formats.pto.target import PtoTarget
from dsv4_passes.transforms.check_target import CheckTargetPass
from tests.unit.kernels import run

ADDRESSES = {"x": 0, "d": 32768}


def tile(rows: int, cols: int, dtype: str) -> str:
    return f"!pto.tile_buf<vec, {rows}x{cols}x{dtype}>"


def window(of: str, whole: str, at: int, cols: int, dtype: str) -> str:
    part = tile(16, cols, dtype)
    return f"""    %at = arith.constant {at} : index
    %w = pto.subview %{of}[%c0, %at] sizes [16, {cols}] : {whole} -> {part}"""


def text(body: str, dtype: str, into: int, level: int, chip: str = "a3") -> str:
    """`body` copies between %x, of 16x64, and %d, of 16 rows of `into`; %d is stored."""
    addresses = {n: f" addr = %{n}_address" if level == 3 else "" for n in ADDRESSES}
    constants = [f"    %{n}_address = arith.constant {a} : i64" for n, a in ADDRESSES.items() if level == 3]
    source, dest = tile(16, 64, dtype), tile(16, into, dtype)
    view = f"!pto.tensor_view<?x?x{dtype}>"
    parts = "\n".join(
        f"""    %{n}_view = pto.make_tensor_view %{n}_ptr, shape = [%c16, %{n}_cols],
        strides = [%{n}_cols, %c1] : {view}
    %{n}_part = pto.partition_view %{n}_view, offsets = [%c0, %c0], sizes = [%c16, %{n}_cols]
        : {view} -> !pto.partition_tensor_view<16x{c}x{dtype}>
    %{n} = pto.alloc_tile{addresses[n]} : {t}"""
        for n, c, t in (("x", 64, source), ("d", into, dest))
    )
    part = f"!pto.partition_tensor_view<16x{into}x{dtype}>"
    lines = "\n".join(constants)
    return f"""module attributes {{pto.target_arch = "{chip}"}} {{
  func.func @k(%x_ptr: !pto.ptr<{dtype}>, %d_ptr: !pto.ptr<{dtype}>) {{
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c16 = arith.constant 16 : index
    %x_cols = arith.constant 64 : index
    %d_cols = arith.constant {into} : index
{lines}
{parts}
    pto.tload ins(%x_part : !pto.partition_tensor_view<16x64x{dtype}>) outs(%x : {source})
    pto.tload ins(%d_part : {part}) outs(%d : {dest})
{body}
    pto.tstore ins(%d : {dest}) outs(%d_part : {part})
    return
  }}
}}
"""


def out_of(dtype: str, at: int = 32, cols: int = 32) -> str:
    """The columns of %x from `at` on go into all of %d."""
    part = tile(16, cols, dtype)
    place = window("x", tile(16, 64, dtype), at, cols, dtype)
    return f"{place}\n    pto.tmov ins(%w : {part}) outs(%d : {part})"


def into(dtype: str, at: int = 64) -> str:
    """All of %x goes into the columns of %d from `at` on."""
    part = tile(16, 64, dtype)
    place = window("d", tile(16, 128, dtype), at, 64, dtype)
    return f"{place}\n    pto.tmov ins(%x : {part}) outs(%w : {part})"


def written(source: str, version: str = "0.60") -> str:
    module = parse_text(source, "test.pto")
    verify_module(module)
    output = StringIO()
    PtoTarget(version).emit(Context(), module, output)
    return output.getvalue()


CASES = [
    (direction, dtype, level)
    for direction in ("out", "in")
    for dtype in ("f32", "bf16", "f16", "i32", "ui32", "i16", "i8")
    for level in (2, 3)
]


@pytest.mark.parametrize(("direction", "dtype", "level"), CASES)
def test_a_box_is_copied_with_all_its_bits(direction: str, dtype: str, level: int) -> None:
    body, cols = (out_of(dtype), 32) if direction == "out" else (into(dtype), 128)
    source = text(body, dtype, cols, level)
    new = written(source)
    assert "tmov" not in new
    assert ("pto.textract" if direction == "out" else "pto.tinsert") in new
    width = {"f32": np.uint32, "i32": np.uint32, "ui32": np.uint32, "i8": np.uint8}.get(dtype, np.uint16)
    numbers = np.random.default_rng(3).integers(0, np.iinfo(width).max, (16, 64 + cols), width, True)
    numbers[0, :4] = np.array([0x7F800001, 0xFF800000, 0x80000000, 0x00000001]).astype(
        width
    )  # NaN, Inf, -0 …
    arrays = {"x_ptr": numbers[:, :64], "d_ptr": numbers[:, 64:]}
    given = {n: a.view(_numpy(dtype)).copy() for n, a in arrays.items()}
    before, after = (run(one, 1, **given)["d_ptr"] for one in (source, new))
    assert before.view(width).tolist() == after.view(width).tolist()
    expected = arrays["x_ptr"][:, 32:] if direction == "out" else arrays["x_ptr"]
    assert (after.view(width).reshape(16, cols)[:, -expected.shape[1] :] == expected).all()


def _numpy(dtype: str) -> np.dtype[np.generic]:
    import ml_dtypes

    known = {"f32": "f4", "f16": "f2", "i32": "i4", "ui32": "u4", "i16": "i2", "i8": "i1"}
    return np.dtype(ml_dtypes.bfloat16) if dtype == "bf16" else np.dtype(known[dtype])


@pytest.mark.parametrize(("chip", "version"), [("a5", "0.60"), ("a3", "0.50"), ("a3", "0.44")])
def test_what_takes_windows_keeps_the_move(chip: str, version: str) -> None:
    assert "pto.tmov" in written(text(out_of("f32"), "f32", 32, 3, chip), version)


def test_windows_of_tiles_with_equal_rows_are_moved() -> None:
    part, whole = tile(16, 32, "f32"), tile(16, 64, "f32")
    body = f"""{window("x", whole, 32, 32, "f32")}
    %v = pto.subview %d[%c0, %c0] sizes [16, 32] : {whole} -> {part}
    pto.tmov ins(%w : {part}) outs(%v : {part})"""
    assert "pto.tmov" in written(text(body, "f32", 64, 3))


def test_whole_rows_are_moved() -> None:
    part, whole = tile(8, 64, "f32"), tile(16, 64, "f32")
    body = f"""    %c8 = arith.constant 8 : index
    %w = pto.subview %x[%c8, %c0] sizes [8, 64] : {whole} -> {part}
    %v = pto.subview %d[%c0, %c0] sizes [8, 64] : {whole} -> {part}
    pto.tmov ins(%w : {part}) outs(%v : {part})"""
    assert "pto.tmov" in written(text(body, "f32", 64, 3))


def test_columns_within_a_block_are_an_error() -> None:
    source = text(out_of("f32", at=4), "f32", 32, 3)
    problem = "copies columns from 4 on, which is no multiple of 32 bytes"
    with pytest.raises(UserError, match=problem):
        written(source)
    with pytest.raises(UserError, match=problem):
        CheckTargetPass().apply(Context(), parse_text(source, "test.pto"))


def test_the_check_takes_what_is_mended() -> None:
    CheckTargetPass().apply(Context(), parse_text(text(out_of("f32"), "f32", 32, 3), "test.pto"))


@pytest.mark.parametrize("level", [2, 3])
@pytest.mark.parametrize("valid", ["", ", valid=?x?"])
def test_a_transpose_has_its_scratch_written(level: int, valid: str) -> None:
    """ptoas makes it at level2 only where the type says the extent of the source."""
    dest = f"!pto.tile_buf<vec, 64x16xf32{valid}>"
    address, extents = (" addr = %d_address" if level == 3 else ""), " valid_row = %x_cols valid_col = %c16"
    body = f"""    %t = pto.alloc_tile{address}{extents if valid else ""} : {dest}
    pto.ttrans ins(%x : {tile(16, 64, "f32")}) outs(%t : {dest})"""
    new = written(text(body, "f32", 64, level))
    assert f"pto.ttrans ins(%x, %ttrans_tmp : {tile(16, 64, 'f32')}, {tile(16, 64, 'f32')})" in new
