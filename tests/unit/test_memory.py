"""On-chip memory: physical offsets of every layout, aliasing by address, windows, and who wrote what."""

import numpy as np
import pytest

from dialects.pto.types import TileLayout, parse_layout
from dsv4_passes.interpreter.memory import TileMemory, element_offsets

NZ = "blayout=col_major, slayout=row_major"
ZN = "blayout=row_major, slayout=col_major"
ZZ = "blayout=row_major, slayout=row_major"


def offset_by_the_book(layout: TileLayout, r: int, c: int) -> int:
    """The formulas of pto-isa include/pto/cpu/tile_offsets.hpp, for tiles of whole boxes."""
    rows, cols = layout.shape
    if layout.slayout == "none_box":
        return r * cols + c if layout.blayout == "row_major" else c * rows + r
    size = {"f32": 4, "bf16": 2, "i8": 1}[layout.dtype]
    if layout.fractal == 1024:
        ir, ic = 16, 16
    else:
        ir, ic = (16, 32 // size) if layout.slayout == "row_major" else (32 // size, 16)
    if layout.blayout == "col_major":
        return (c // ic) * rows * ic + (r // ir) * ir * ic + (r % ir) * ic + c % ic
    base = (r // ir) * cols * ir + (c // ic) * ir * ic
    inside = (c % ic) * ir + r % ir if layout.slayout == "col_major" else (r % ir) * ic + c % ic
    return base + inside


@pytest.mark.parametrize(
    "text",
    [
        "vec, 4x16xf32",
        "vec, 32x1xf32, blayout=col_major",
        f"mat, 32x64xbf16, {NZ}",
        f"mat, 32x64xf32, {NZ}",
        f"right, 32x64xbf16, {ZN}",
        f"left, 32x64xbf16, {ZZ}",
        f"left, 32x64xi8, {ZZ}",
        f"acc, 32x48xf32, {NZ}, fractal=1024",
    ],
)
def test_offsets_follow_the_formulas(text: str) -> None:
    layout = parse_layout(text)
    offsets = element_offsets(layout)
    for r in range(layout.rows):
        for c in range(layout.cols):
            assert offsets[r, c] == offset_by_the_book(layout, r, c)
    assert sorted(offsets.reshape(-1)) == list(range(layout.rows * layout.cols))


def test_a_transposed_box_layout_is_the_same_bytes() -> None:
    """A mat tile in NZ and its transpose in ZN have every element in the same place."""
    nz = element_offsets(parse_layout(f"mat, 32x64xbf16, {NZ}"))
    zn = element_offsets(parse_layout(f"mat, 64x32xbf16, {ZN}"))
    np.testing.assert_array_equal(nz, zn.T)


def test_one_address_is_the_same_bytes_under_every_type() -> None:
    memory = TileMemory()
    floats = memory.handle(parse_layout("vec, 4x16xf32"), 64, (4, 16))
    ints = memory.handle(parse_layout("vec, 1x64xi32"), 64, (1, 64))
    elsewhere = memory.handle(parse_layout("mat, 4x16xf32"), 64, (4, 16))
    values = np.arange(64, dtype=np.float32).reshape(4, 16)
    floats.write(values)
    np.testing.assert_array_equal(ints.read().data.view(np.float32).reshape(4, 16), values)
    assert ints.read().known.all()
    assert not elsewhere.read().known.any()


def test_half_overwritten_elements_are_unknown_only_where_nobody_wrote() -> None:
    memory = TileMemory()
    halves = memory.handle(parse_layout("vec, 1x16xi16"), 0, (1, 16))
    words = memory.handle(parse_layout("vec, 1x8xi32"), 0, (1, 8))
    halves.write(np.ones((1, 15), np.int16))
    assert words.read().known.tolist() == [[True] * 7 + [False]]


def test_what_a_write_does_not_cover_is_what_it_was() -> None:
    """As raising and lowering have it; `tscatter`, which fills all of its destination, covers that."""
    memory = TileMemory()
    handle = memory.handle(parse_layout("vec, 4x16xf32"), 0, (4, 16))
    handle.write(np.zeros((2, 8), np.float32))
    assert handle.read().known.sum() == 16
    handle.write(np.ones((4, 16), np.float32))
    handle.write(np.zeros((2, 8), np.float32))
    assert handle.read().known.all()
    assert handle.read().data.sum() == 4 * 16 - 2 * 8
    handle.forget()
    assert not handle.read().known.any()


def test_a_window_keeps_its_parents_strides() -> None:
    memory = TileMemory()
    whole = memory.handle(parse_layout("vec, 4x16xf32"), 0, (4, 16))
    whole.write(np.arange(64, dtype=np.float32).reshape(4, 16))
    window = whole.window(1, 8, parse_layout("vec, 2x8xf32"), (2, 8))
    np.testing.assert_array_equal(window.read().data, whole.read().data[1:3, 8:16])
    window.write(np.full((2, 8), -1, np.float32))
    assert (whole.read().data[1:3, 8:16] == -1).all()
    assert whole.read().data[1, 7] == 23


def test_tiles_without_addresses_share_nothing() -> None:
    memory = TileMemory()
    layout = parse_layout("vec, 1x8xf32")
    a, b = (memory.handle(layout, None, (1, 8)) for _ in range(2))
    a.write(np.ones((1, 8), np.float32))
    assert not b.read().known.any()
    shape = a.recast(parse_layout("vec, 8x1xf32, blayout=col_major"), (8, 1))
    assert (shape.read().data == 1).all()
