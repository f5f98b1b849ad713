"""A kernel and its rewritten form on the same numbers: every bit is the same.

The kernels are those of the lit tests of the passes and the compiled ones of tests/data; the numbers are the
ones that rounding, selecting and adding could trip over.
"""

from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from numpy.typing import NDArray
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import BlockArgument
from xdsl.passes import ModulePass

from dsv4_passes.cli.run import run_on_arrays
from dsv4_passes.diagnostics import Diagnostics, collect
from dsv4_passes.equivalence.facts import facts_of
from dsv4_passes.formats.pto.reader import parse_file, parse_text, verify_module
from dsv4_passes.formats.pto.target import PtoTarget
from dsv4_passes.formats.pypto import parse_program
from dsv4_passes.formats.pypto.target import PyptoTarget
from dsv4_passes.interpreter.kernels import Kernel, find_kernels
from dsv4_passes.interpreter.program import run_program
from dsv4_passes.npz import read_npz
from dsv4_passes.transforms.bind_facts import bind_arrays
from dsv4_passes.transforms.lanes.scatter_form import ScatterFormPass
from dsv4_passes.transforms.lanes.select_to_lanes import SelectToLanesPass
from dsv4_passes.transforms.rope import RopePass

Array = NDArray[Any]

DATA = Path(__file__).parents[1] / "data"
KERNELS = Path(__file__).parents[1] / "filecheck" / "transforms"

SELECT = ("select_to_lanes.mlir", "select_to_lanes_refused.mlir", "select_to_lanes_guard.mlir")
SCATTER = ("scatter_form.mlir", "scatter_form_refused.mlir")

BF16 = np.dtype(ml_dtypes.bfloat16)
# Between two bf16 numbers, above an even and an odd one; subnormal, or the smallest that is not.
TIES = [1 + 2**-8, 1 + 3 * 2**-8, 2**-134, 3 * 2**-134]
SMALL = [2**-149, 2**-135, 2**-133, 2**-126, 2**-126 - 2**-149]
PLAIN = [0.0, 1.0, 1.5, 3.0e-5, 1 / 3, 65504.0, 2.0**127]
FINITE = np.array([sign * x for x in (*PLAIN, *TIES, *SMALL) for sign in (1, -1)], np.float32)
SPECIAL = np.array([np.inf, -np.inf, np.nan, np.finfo(np.float32).max], np.float32)  # the last rounds to Inf


def numbers(shape: tuple[int, ...], dtype: str, seed: int) -> Array:
    """Awkward numbers in any order; every fourth row has an Inf, a NaN, or what rounds to Inf."""
    random = np.random.default_rng(seed)
    if dtype in ("i8", "i32"):
        return random.integers(-128, 128, shape).astype({"i8": np.int8, "i32": np.int32}[dtype])
    lanes = random.choice(FINITE, shape)
    noise = random.standard_normal(shape).astype(np.float32)
    lanes = np.where(random.random(shape) < 0.3, noise, lanes)
    for row in range(3, shape[0], 4):
        lanes[row, random.integers(shape[1])] = SPECIAL[row // 4 % len(SPECIAL)]
    return lanes.astype(BF16).view(np.uint16) if dtype == "bf16" else lanes


def inputs_for(kernel: Kernel, seed: int) -> dict[str, Array]:
    """Arrays for all arguments: what a fact says, else awkward numbers; outputs start as such numbers too."""
    stated = [item for function in kernel.functions for item in facts_of(function).items()]
    facts = {argument.index: fact for argument, fact in stated if isinstance(argument, BlockArgument)}
    given: dict[str, Array] = {}
    for index, argument in kernel.arguments.items():
        if not argument.pointer:
            given[argument.name] = np.array(3)
        elif index in facts:
            given[argument.name] = as_type(facts[index].matrix, argument.dtype)
        elif argument.dtype == "i32" and not argument.stored:  # an index: any that stays inside
            given[argument.name] = np.arange(argument.size, dtype=np.int32).reshape(argument.shape or (-1,))
        else:
            assert argument.shape is not None
            given[argument.name] = numbers(argument.shape, argument.dtype, seed + index)
    return given


def as_type(matrix: Array, dtype: str) -> Array:
    if dtype == "bf16":
        return matrix.astype(BF16).view(np.uint16)
    return matrix.astype({"i8": np.int8, "i32": np.int32, "f16": np.float16, "f32": np.float32}[dtype])


def apply(module: ModuleOp, rewriting: ModulePass) -> Diagnostics:
    with collect() as diagnostics:
        rewriting.apply(Context(), module)
    verify_module(module)
    return diagnostics


def floats(array: Array) -> NDArray[np.float32]:
    """The numbers of an output; bf16 comes as its bits."""
    return (array.view(BF16) if array.dtype == np.uint16 else array).astype(np.float32)


def same_bits(a: Array, b: Array) -> Array:
    """Lane by lane; all NaN are one, as which of them arithmetic makes is not said."""
    nan = np.isnan(floats(a)) & np.isnan(floats(b))
    return (a.view(f"u{a.itemsize}") == b.view(f"u{b.itemsize}")) | nan


def pairs(file: str, rewriting: ModulePass) -> Iterator[tuple[str, Kernel, Kernel]]:
    """The kernels of a lit test before and after a pass."""
    before, after = (parse_file(KERNELS / file) for _ in range(2))
    apply(after, rewriting)
    rewritten = find_kernels(after)
    for name, kernel in find_kernels(before).items():
        yield name, kernel, rewritten[name]


def runs(kernel: Kernel, rewritten: Kernel) -> Iterator[tuple[dict[str, Array], Array, Array]]:
    """Inputs and the output `y` of both, several times."""
    for seed in range(0, 60, 20):
        given = inputs_for(kernel, seed)
        before, after = (run_on_arrays(k, given, 1, "the test")["y"] for k in (kernel, rewritten))
        yield given, before, after


def finite_rows(given: dict[str, Array], count: int) -> NDArray[np.bool_]:
    """Rows in which nothing becomes Inf or NaN by rounding to bf16, as the condition FIN has it."""
    finite = np.ones(count, np.bool_)
    for name, array in given.items():
        if name in ("x", "e", "o") and array.dtype in (np.uint16, np.float32):
            with np.errstate(over="ignore"):
                rounded = floats(array).astype(BF16).astype(np.float32)
            finite &= np.isfinite(rounded).all(axis=1)
    return finite


# -- one pass ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("file", "guard"), [*((file, "exact") for file in SELECT), (SELECT[-1], "bf16-fallback")]
)
def test_products_become_lane_moves_without_changing_a_bit(file: str, guard: Any) -> None:
    for name, kernel, rewritten in pairs(file, SelectToLanesPass(guard)):
        for given, before, after in runs(kernel, rewritten):
            excused = ~finite_rows(given, len(before))
            assert not excused.all()
            assert (same_bits(before, after).all(axis=1) | excused).all(), name


def test_a_row_that_the_cube_spoils_is_not_spoilt_by_lane_moves() -> None:
    """What FIN excuses: 0 * Inf is NaN in a product, and a move never looks at the other lanes."""
    found = {name: (k, r) for name, k, r in pairs("select_to_lanes.mlir", SelectToLanesPass())}
    given, before, after = next(runs(*found["deinterleave"]))
    spoilt = ~finite_rows(given, len(before))
    assert not np.isfinite(before[spoilt]).any()
    np.testing.assert_array_equal(after, floats(given["x"])[:, 0::2] + np.float32(0))


@pytest.mark.parametrize("file", SCATTER)
def test_blends_become_scatter_pairs_without_changing_a_bit(file: str) -> None:
    for name, kernel, rewritten in pairs(file, ScatterFormPass()):
        for _, before, after in runs(kernel, rewritten):
            assert same_bits(before, after).all(), name


@pytest.mark.parametrize(
    ("file", "rewriting"),
    [
        *((file, SelectToLanesPass(signed_zero="ignore")) for file in SELECT),
        *((file, ScatterFormPass("ignore")) for file in SCATTER),
    ],
)
def test_ignoring_the_sign_of_zeros_changes_nothing_else(file: str, rewriting: ModulePass) -> None:
    for name, kernel, rewritten in pairs(file, rewriting):
        for given, before, after in runs(kernel, rewritten):
            zero = (floats(before) == 0) & (floats(after) == 0)
            equal = (same_bits(before, after) | zero).all(axis=1)
            if isinstance(rewriting, SelectToLanesPass):
                equal |= ~finite_rows(given, len(before))
            assert equal.all(), name


def test_contract_rounding_keeps_the_bound_that_it_states() -> None:
    """The relative error of a normal number is at most 2^-8; elsewhere half a step of bf16's subnormals."""
    pass_ = SelectToLanesPass("contract-rounding")
    found = {name: (k, r) for name, k, r in pairs("select_to_lanes_guard.mlir", pass_)}
    changed = 0
    for given, before, after in runs(*found["seen"]):
        fine = finite_rows(given, len(before))
        exact, rounded = after[fine].astype(np.float64), before[fine].astype(np.float64)
        changed += np.count_nonzero(exact != rounded)
        assert (np.abs(exact - rounded) <= np.maximum(np.abs(exact) * 2.0**-8, 2.0**-134)).all()
    assert changed


@pytest.mark.parametrize(("old", "new"), [("bf16", "f16"), ("RINT", "TRUNC")], ids=["f16", "towards zero"])
def test_contract_rounding_keeps_roundings_of_which_the_bound_does_not_hold(old: str, new: str) -> None:
    text = (KERNELS / "select_to_lanes_guard.mlir").read_text(encoding="utf-8").replace(old, new)
    before, after = (parse_text(text, "guard.mlir") for _ in range(2))
    diagnostics = apply(after, SelectToLanesPass("contract-rounding"))
    assert not any("contract-rounding" in entry.message for entry in diagnostics.entries)
    kernel, rewritten = (find_kernels(module)["seen"] for module in (before, after))
    for given, x, y in runs(kernel, rewritten):
        with np.errstate(over="ignore"):
            finite = np.isfinite(np.hstack([given["e"], given["o"]]).astype(np.float16)).all(axis=1)
        assert finite.any()
        assert same_bits(x, y)[finite].all()


# -- compiled kernels --------------------------------------------------------------------------------


def compiled(path: Path, facts: Path | None, rewriting: ModulePass) -> tuple[Kernel, Kernel, Diagnostics]:
    """A kernel, and what becomes of it by way of its text."""
    module = parse_file(path)
    before = next(iter(find_kernels(parse_file(path)).values()))
    if facts is not None:
        bind_arrays(module, str(facts))
    diagnostics = apply(module, rewriting)
    text = StringIO()
    PtoTarget("0.60").emit(Context(), module, text)
    return before, next(iter(find_kernels(parse_text(text.getvalue(), path.name)).values())), diagnostics


def rewritten_sites(diagnostics: Diagnostics) -> int:
    return sum(entry.outcome == "rewritten" for entry in diagnostics.entries)


@pytest.mark.parametrize("form", ["scatter-pair", "bit-pack", "transpose"])
@pytest.mark.parametrize("level", ["level2", "level3"])
def test_the_staged_kernel_computes_what_the_toolchain_computed(level: Any, form: Any) -> None:
    stored = read_npz(str(DATA / "staged" / "cpu_sim.npz"))
    path = DATA / "staged" / "reassemble.pto"
    _, after, diagnostics = compiled(
        path, DATA / "staged" / "cpu_sim.npz", RopePass("a3", level=level, form=form)
    )
    given = {name: array for name, array in stored.items() if name != "joined"}
    assert rewritten_sites(diagnostics) > 0
    assert run_on_arrays(after, given, 4, "staged")["joined"].tobytes() == stored["joined"].tobytes()


@pytest.mark.parametrize("form", ["auto", "scatter-pair"])
@pytest.mark.parametrize("name", ["rope_a", "rope_b", "rope_c", "rope_d"])
def test_rotations_compute_what_the_toolchain_computed(name: str, form: Any) -> None:
    """rope_c is what was computed; the others agree with it up to the sign of a zero."""
    expected = read_npz(str(DATA / "rope_c" / "cpu_sim.npz"))["out"]
    facts = DATA / name / "inputs.npz"
    before, after, diagnostics = compiled(DATA / name / f"{name}.pto", facts, RopePass("a3", form=form))
    given = read_npz(str(facts))
    old, new = (run_on_arrays(k, given, 4, name)["out"] for k in (before, after))
    assert rewritten_sites(diagnostics) > 0
    used = {op.name for f in after.functions for op in f.walk()}
    assert not {"pto.tmatmul", "pto.tmatmul.acc"} & used
    assert ("pto.tscatter" in used) == (form == "scatter-pair")
    assert form != "auto" or "pto.tgather" not in used
    assert old.tobytes() == new.tobytes()
    np.testing.assert_array_equal(floats(new), floats(expected))


@pytest.mark.parametrize("name", ["rope_a", "rope_b", "rope_c", "rope_d"])
def test_rotations_of_awkward_numbers(name: str) -> None:
    facts = DATA / name / "inputs.npz"
    before, after, diagnostics = compiled(DATA / name / f"{name}.pto", facts, RopePass("a3"))
    given = read_npz(str(facts))
    given |= {n: numbers(given[n].shape, "bf16", seed) for seed, n in enumerate(("x", "cos", "sin"))}
    old, new = (run_on_arrays(k, given, 4, name)["out"] for k in (before, after))
    excused = np.zeros(len(old), np.bool_)
    if any("FIN" in entry.message for entry in diagnostics.entries):  # what goes into the cube is not finite
        excused = ~np.isfinite(floats(old)).all(axis=1)
    assert not excused.all()
    assert (same_bits(old, new).all(axis=1) | excused).all()


def test_a_mixed_kernel_becomes_a_vector_kernel() -> None:
    facts = DATA / "mixed" / "inputs.npz"
    before, after, diagnostics = compiled(DATA / "mixed" / "unrotate.pto", facts, RopePass("a3"))
    assert before.mixed
    assert not after.mixed
    assert rewritten_sites(diagnostics) > 0
    old, new = (run_on_arrays(k, read_npz(str(facts)), 16, "mixed") for k in (before, after))
    assert old.keys() == new.keys() != set()
    assert all(old[name].tobytes() == new[name].tobytes() for name in old)


def test_a_kernel_that_has_the_best_form_is_left_alone() -> None:
    """Text of a form that nothing beats comes back to the letter."""
    path = DATA / "handwritten" / "bitswap_rope.pto"
    module = parse_file(path)
    before = str(module)
    diagnostics = apply(module, RopePass("a3"))
    assert rewritten_sites(diagnostics) == 0
    assert str(module) == before


@pytest.mark.parametrize(("level", "addressed"), [("auto", True), ("level2", False)])
def test_the_level_that_is_asked_for_holds_for_the_best_form_too(level: Any, addressed: bool) -> None:
    module = parse_file(DATA / "handwritten" / "bitswap_rope.pto")
    RopePass("a3", "0.60", level=level).apply(Context(), module)
    assert (" addr = " in str(module)) == addressed


@pytest.mark.parametrize("name", ["rope_a", "rope_b", "rope_c"])
def test_a_second_run_changes_nothing(name: str) -> None:
    facts = DATA / name / "inputs.npz"
    module = parse_file(DATA / name / f"{name}.pto")
    bind_arrays(module, str(facts))
    apply(module, RopePass("a3"))
    text = StringIO()
    PtoTarget("0.60").emit(Context(), module, text)
    again = parse_text(text.getvalue(), f"{name}.pto")
    apply(again, RopePass("a3"))
    second = StringIO()
    PtoTarget("0.60").emit(Context(), again, second)
    assert second.getvalue() == text.getvalue()


# -- whole programs ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["staged", "mixed", "rope_a", "rope_b", "rope_c"])
def test_programs_compute_the_same_after_all_passes(name: str) -> None:
    """Through the text that pypto goes on with; on the stored inputs and on awkward numbers."""
    path = DATA / name / "program.py"
    arrays = DATA / name / ("cpu_sim.npz" if name == "staged" else "inputs.npz")
    before, module = (parse_program(path.read_text(encoding="utf-8"), path.name) for _ in range(2))
    bind_arrays(module, str(arrays))
    assert rewritten_sites(apply(module, RopePass("a3"))) > 0
    text = StringIO()
    PyptoTarget().emit(Context(), module, text)
    assert "pl.tile.matmul" not in text.getvalue()
    after = parse_program(text.getvalue(), path.name)
    stored = read_npz(str(arrays))
    outputs = {n: np.zeros_like(stored.pop(n)) for n in ("pair_stage", "joined", "out") if n in stored}
    for given in (stored, stored | awkward(stored)):
        old, new = (run_program(m, given | outputs, None, name) for m in (before, after))
        assert old.keys() == new.keys() != set()
        for output in old:
            spoilt = ~np.isfinite(floats(old[output]))  # FIN: what a product has met
            assert not spoilt.all()
            assert (same_bits(old[output], new[output]) | spoilt).all()


def awkward(stored: dict[str, Array]) -> dict[str, Array]:
    """Awkward numbers in place of data; selectors stay."""
    data = {n: array for n, array in stored.items() if "select" not in n}
    kinds = {n: "bf16" if array.dtype == np.uint16 else "f32" for n, array in data.items()}
    return {n: numbers(array.shape, kinds[n], seed) for seed, (n, array) in enumerate(data.items())}


@pytest.mark.parametrize("form", ["bit-pack", "scatter-pair"])
def test_a_kernel_that_would_not_fit_works_on_fewer_rows(form: Any) -> None:
    """512 rows fit into the accumulator of the cube, but their halves not into vec memory."""
    text = (DATA / "staged" / "reassemble.pto").read_text()
    for old, new in [
        ("constant 4096 : i64", "constant 32768 : i64"),
        ("constant 8192 : i64", "constant 65536 : i64"),
        ("  %c1_index", "  %c512_index = arith.constant 512 : index\n  %c1_index"),
        ("rows=64, cols=", "rows=512, cols="),
        ("valid_row = %c64_index", "valid_row = %c512_index"),
        ("sizes = [%c64_index,", "sizes = [%c512_index,"),
        ("view<64x", "view<512x"),
    ]:
        assert old in text
        text = text.replace(old, new)
    module = parse_text(text)
    bind_arrays(module, str(DATA / "staged" / "cpu_sim.npz"))
    with collect() as said:
        RopePass(form=form).apply(Context(), module)
    assert any("rows at a time, which fit into vector memory" in d.message for d in said.entries)
    assert not any(op.name.startswith("pto.tmatmul") for op in module.walk())
    assert any(op.name == "scf.for" for op in module.walk())
