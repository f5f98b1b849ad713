"""Rows that are used for all rows of a tile are repeated until they fill a vector, where that costs less."""

from dataclasses import replace

import numpy as np
import pytest
from xdsl.dialects import func
from xdsl.dialects.builtin import ModuleOp

from dialects.pto.base import TileOp, layout_of
from dsv4_passes.formats.pto.reader import parse_text
from dsv4_passes.targets import chip, ptoas
from dsv4_passes.transforms.common.cost import function_cost
from dsv4_passes.transforms.lanes.forms.form import Target
from dsv4_passes.transforms.lanes.full_broadcasts import use_full_broadcasts
from tests.unit.kernels import kernel
from tests.unit.rotations import Rotation
from tests.unit.test_lower_lanes import bits, lowered, operations, run

TARGET = Target(chip("a3"), ptoas("0.60"))
NARROW = Rotation(rows=32, cols=32, one_row=True)


def shapes(module: ModuleOp, mnemonic: str) -> set[tuple[int, int]]:
    ops = (op for op in module.walk() if isinstance(op, TileOp) and op.mnemonic() == mnemonic)
    return {op.destination_layout().shape for op in ops}


@pytest.mark.parametrize("rotation", [NARROW, replace(NARROW, table="bf16"), replace(NARROW, source="f32")])
def test_rows_fill_vectors_and_bits_stay(rotation: Rotation) -> None:
    module = lowered(rotation)
    assert shapes(module, "tcolexpand") == {(4, 16)}
    assert shapes(module, "tcolexpandmul") == {(8, 64)}
    inputs = rotation.inputs()
    expected = run(parse_text(rotation.text(), "test.mlir"), inputs)
    assert np.array_equal(bits(run(module, inputs)), bits(expected))


def text(shape: str, row: str, op: str = "tcolexpandmul") -> str:
    body = f"%x = load x\n%r = load r\n%y = pto.{op} ins(%x, %r : T<{shape}>, T<{row}>) -> T<{shape}>\n"
    return kernel(body + "store %y to y", x=shape, r=row, y=shape)


@pytest.mark.parametrize("kind", ["mul", "add", "sub", "div", "max", "min", "expdif"])
def test_any_operation_with_a_row(kind: str) -> None:
    module = parse_text(text("32x16xf32", "1x16xf32", f"tcolexpand{kind}"), "test.mlir")
    function = next(op for op in module.walk() if isinstance(op, func.FuncOp))
    rng = np.random.default_rng(0)
    values = rng.integers(0, 1 << 32, (33, 16), np.uint64).astype(np.uint32).view(np.float32)
    inputs = {"x": values[:32], "r": values[32:]}
    expected, before = run(module, inputs), function_cost(function, TARGET.chip).cycles.cycles
    assert use_full_broadcasts(function, TARGET.builder)
    module.verify()
    assert shapes(module, f"tcolexpand{kind}") == {(8, 64)}
    assert np.array_equal(bits(run(module, inputs)), bits(expected))
    if kind != "expdif":  # what that costs goes by bytes alone
        assert function_cost(function, TARGET.chip).cycles.cycles < before


@pytest.mark.parametrize(
    ("shape", "row"),
    [
        ("32x64xf32", "1x64xf32"),
        ("32x24xf32", "1x24xf32"),
        ("6x16xf32", "1x16xf32"),
        ("32x128xf32", "1x128xf32"),
    ],
)
def test_rows_that_fill_vectors_or_never_will(shape: str, row: str) -> None:
    module = parse_text(text(shape, row), "test.mlir")
    function = next(op for op in module.walk() if isinstance(op, func.FuncOp))
    assert not use_full_broadcasts(function, TARGET.builder)


def test_a_row_is_repeated_in_front_of_the_loop_that_uses_it() -> None:
    body = """%x = load x
        %r = load r
        %y = scf.for %i = %c0 to %c4 step %c1 iter_args(%z = %x) -> (T<32x16xf32>) {
          %w = pto.tcolexpandmul ins(%z, %r : T<32x16xf32>, T<1x16xf32>) -> T<32x16xf32>
          scf.yield %w : T<32x16xf32>
        }
        store %y to y"""
    module = parse_text(kernel(body, x="32x16xf32", r="1x16xf32", y="32x16xf32"), "test.mlir")
    function = next(op for op in module.walk() if isinstance(op, func.FuncOp))
    assert use_full_broadcasts(function, TARGET.builder)
    (repeated,) = (op for op in module.walk() if op.name == "pto.tcolexpand")
    assert repeated.parent is function.body.block
    assert layout_of(repeated.results[0]).shape == (4, 16)
    assert operations(module)["tcolexpand"] == 1
