"""Each form of a lane operation moves the bits it should, on numpy, whatever they are."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from xdsl.dialects import func
from xdsl.dialects.builtin import ModuleOp, StringAttr
from xdsl.ir import Operation, SSAValue
from xdsl.rewriter import InsertPoint, Rewriter

from dialects.dsv4.lanes import DeinterleaveOp, InterleaveOp, SwapPairsOp
from dialects.pto.broadcast import TCiOp
from dialects.pto.memory import TLoadOp, TStoreOp
from dsv4_passes.cli.run import run_on_arrays
from dsv4_passes.formats.pto.reader import parse_text
from dsv4_passes.interpreter.kernels import choose_kernel, find_kernels
from dsv4_passes.targets import chip, ptoas, pypto
from dsv4_passes.transforms.lanes.form_choice import lower, whole_layout
from dsv4_passes.transforms.lanes.forms import LANE_FORMS
from dsv4_passes.transforms.lanes.forms.bit_pack import build_double
from dsv4_passes.transforms.lanes.forms.form import Form, Target
from dsv4_passes.transforms.lanes.forms.transposes import doubled
from dsv4_passes.transforms.lanes.narrow import LANE_OPERATIONS
from dsv4_passes.transforms.lowering.lower_tiles import lower_function
from tests.unit.kernels import kernel

Array = NDArray[Any]
SHAPES = ((32, 64), (8, 128), (1, 512), (48, 96))
DTYPES = {"bf16": np.uint16, "f16": np.uint16, "f32": np.uint32}
LANE_OPS: dict[str, Callable[..., Operation]] = {
    "deinterleave": DeinterleaveOp,
    "interleave": InterleaveOp,
    "swap_pairs": SwapPairsOp,
}
TARGETS = [Target(chip(name), ptoas("0.60")) for name in ("a3", "a5")]
COUNTS = ("flat-gather", "row-gather", "index-scatter")
JUNE = Target(chip("a3"), ptoas("0.60"), pypto("2026-06-15"))
"""Lanes are not counted by tci here."""


def cases() -> Iterator[Any]:
    for target in TARGETS:
        for number, form in enumerate(LANE_FORMS):
            for dtype in DTYPES:
                name = f"{target.chip.name}-{form.name}-{number}-{form.operation}-{dtype}"
                yield pytest.param(target, form, dtype, id=name)
    for number, form in enumerate(LANE_FORMS):
        if form.name in COUNTS:
            yield from (
                pytest.param(JUNE, form, dtype, id=f"june-{form.name}-{number}-{form.operation}-{dtype}")
                for dtype in DTYPES
            )


def module(arch: str, operation: str, rows: int, cols: int, dtype: str, doubles: bool = False) -> ModuleOp:
    """A kernel that does one lane operation on what it loads, twice the first of it if it `doubles`, and
    stores what comes out.
    """
    half, whole = f"{rows}x{cols // 2}x{dtype}", f"{rows}x{cols}x{dtype}"
    shapes = {
        "deinterleave": ([whole], [half, half]),
        "interleave": ([half, half], [whole]),
        "swap_pairs": ([whole], [whole]),
    }
    ins, outs = shapes[operation]
    loads = "\n".join(f"%i{n} = load x{n}" for n in range(len(ins)))
    stores = "\n".join(f"store %i0 to y{n}" for n in range(len(outs)))
    if operation != "swap_pairs":  # stores of the right type, replaced below
        stores = "\n".join(f"%u{n} = load y{n}\nstore %u{n} to y{n}" for n in range(len(outs)))
    arguments = {f"x{n}": s for n, s in enumerate(ins)} | {f"y{n}": s for n, s in enumerate(outs)}
    parsed = parse_text(kernel(f"{loads}\n{stores}", **arguments), "test.mlir")
    parsed.attributes["pto.target_arch"] = StringAttr(arch)
    loaded = [op.res[0] for op in parsed.walk() if isinstance(op, TLoadOp)][: len(ins)]
    wrote = [op for op in parsed.walk() if isinstance(op, TStoreOp)]
    op = LANE_OPS[operation](loaded[:1] * 2 if doubles else loaded)
    op.location = wrote[0].location
    Rewriter.insert_op(op, InsertPoint.after(_owner(loaded[-1])))
    for store, result in zip(wrote, op.results, strict=True):
        store.operands[0] = result
    return parsed


def _owner(value: SSAValue) -> Operation:
    assert isinstance(value.owner, Operation)
    return value.owner


def bits(rng: np.random.Generator, rows: int, cols: int, dtype: str) -> Array:
    """Random bits with zeros of both signs, infinities, subnormals and NaN among them."""
    kind = DTYPES[dtype]
    values = rng.integers(0, 1 << 32, (rows, cols), np.uint64).astype(kind)
    if dtype != "f32":
        quiet = {"bf16": 0x0040, "f16": 0x0200}[dtype]
        exponent = {"bf16": 0x7F80, "f16": 0x7C00}[dtype]
        nan = ((values & exponent) == exponent) & ((values & (quiet * 2 - 1)) != 0)
        values = np.where(nan, values | quiet, values).astype(kind)
    values.flat[:4] = [0, 1 << (8 * values.itemsize - 1), 1, np.iinfo(kind).max >> 1]
    return values


def moved(operation: str, ins: list[Array]) -> list[Array]:
    if operation == "deinterleave":
        return [ins[0][:, 0::2], ins[0][:, 1::2]]
    rows, cols = ins[0].shape
    if operation == "interleave":
        return [np.stack(ins, axis=2).reshape(rows, 2 * cols)]
    return [ins[0].reshape(rows, cols // 2, 2)[:, :, ::-1].reshape(rows, cols)]


def run(parsed: ModuleOp, ins: list[Array], dtype: str) -> list[Array]:
    found = choose_kernel(find_kernels(parsed), None, "test.mlir")
    given = {
        f"x{n}": a.view({"f32": np.float32, "f16": np.float16}.get(dtype, a.dtype)) for n, a in enumerate(ins)
    }
    made = run_on_arrays(found, given, 1, "inputs")
    return [made[name].view(DTYPES[dtype]) for name in sorted(made) if name.startswith("y")]


@pytest.mark.parametrize(("target", "form", "dtype"), list(cases()))
@pytest.mark.parametrize("level", ["level2", "level3"])
def test_form_moves_bits(target: Target, form: Form, dtype: str, level: Any) -> None:
    """Where a form is not refused it gives the bits that its operation says."""
    rng = np.random.default_rng(0)
    doubles = form.build in (build_double, doubled)
    for rows, cols in SHAPES:
        parsed = module(target.chip.name, form.operation, rows, cols, dtype, doubles)
        function = next(op for op in parsed.walk() if isinstance(op, func.FuncOp))
        (site,) = [op for op in parsed.walk() if isinstance(op, LANE_OPERATIONS)]
        if form.refuse(target, whole_layout(site)) is not None:
            continue
        lower(function, target, "halves", True, (), [form])
        assert target is not JUNE or not any(isinstance(op, TCiOp) for op in function.walk())
        parsed.verify()
        lower_function(function, target.chip.name, "0.60", level)
        parsed.verify()
        halves = 2 if form.operation == "interleave" else 1
        ins = [bits(rng, rows, cols // halves, dtype) for _ in range(halves)]
        given = ins[:1] * 2 if doubles else ins
        for got, expected in zip(run(parsed, ins, dtype), moved(form.operation, given), strict=True):
            assert np.array_equal(got, expected), (rows, cols)
