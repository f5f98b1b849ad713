"""Shapes of rotary-embedding code as whole programs: what each becomes, and that it still computes the same.

Every program is rewritten and run on numpy before and after, bit by bit: on finite numbers all that comes out
is equal; where Inf and NaN go in, a difference is allowed only where a rewrite named a value that has to be
finite, and there only in lanes that were NaN before.
"""

import random
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass

from dialects.dsv4.functions import KERNEL, parameters, program_functions
from dialects.dsv4.tensors import CreateOp
from dialects.pto.base import TileOp, layout_of
from dialects.pto.convert import TCvtOp
from dialects.pto.memory import TStoreOp
from dialects.pto.types import TileType
from dsv4_passes.diagnostics import Diagnostics, UserError, collect
from dsv4_passes.equivalence.facts import argument_attribute, make_fact
from dsv4_passes.formats.pto.reader import verify_module
from dsv4_passes.formats.pypto import parse_program
from dsv4_passes.formats.pypto.grammar.names import base_name
from dsv4_passes.formats.pypto.target import program_text
from dsv4_passes.interpreter.numerics import numpy_dtype
from dsv4_passes.interpreter.program import choose_orchestration, run_program
from dsv4_passes.npz import Array
from dsv4_passes.transforms.bind_facts import BindFactsPass
from dsv4_passes.transforms.fusion import fuse_stages
from dsv4_passes.transforms.fusion.forward_copies import forward_copies
from dsv4_passes.transforms.lanes.checked_rewrite import Guard
from dsv4_passes.transforms.lanes.fold_lanes import FoldLanesPass
from dsv4_passes.transforms.lanes.lower_lanes import LowerLanesPass
from dsv4_passes.transforms.lanes.raise_lanes import RaiseLanesPass
from dsv4_passes.transforms.lanes.ways import FormName
from dsv4_passes.transforms.memory.hoist_fills import hoist_function, moves_lanes
from dsv4_passes.transforms.program import drop_dead_args, drop_dead_stores
from dsv4_passes.transforms.program.propagate_facts import propagate_facts
from dsv4_passes.transforms.rope import RopePass
from tests.unit.kernels import DATA

SELECTORS = {"even_select*": "even", "odd_select*": "odd"}
TABLES = {"even_idx": "table:even", "odd_idx": "table:odd"}

GATHER, SCATTER = "tgather mask", "tscatter mask"
COUNTED = ("tmatmul", "tmatmul.acc", "tgather", "tscatter", "tsel", "tor")


@dataclass(frozen=True)
class Shape:
    """What is known of a program's arguments, and what it ends as."""

    facts: Mapping[str, str] = field(default_factory=lambda: SELECTORS)
    kernels: int = 1
    ops: Mapping[str, int] = field(default_factory=dict[str, int])
    """How many there are of the operations in `COUNTED`, in all kernels together."""
    refused: Sequence[str] = ()
    """Reasons why sites stay, each once."""


BOTH_WAYS = {GATHER: 2, SCATTER: 2}

SHAPES = {
    "accumulator_slices": Shape(kernels=2, ops=BOTH_WAYS | {"tmatmul": 1}),
    "batched_products": Shape(kernels=2, ops=BOTH_WAYS | {"tmatmul": 1, "tmatmul.acc": 1}),
    "built_selectors": Shape({"even_local": "even", "odd_local": "odd"}, ops=BOTH_WAYS),
    "chunked_select": Shape(ops=BOTH_WAYS),
    "column_chunks": Shape(ops=BOTH_WAYS),
    "compressor_chain": Shape(kernels=2, ops=BOTH_WAYS),
    "full_width_select": Shape(ops=BOTH_WAYS),
    "half_rewritten": Shape(kernels=2, ops=BOTH_WAYS | {"tmatmul": 1}),
    "head_groups": Shape(ops=BOTH_WAYS),
    "index_scatter": Shape(TABLES, ops=BOTH_WAYS | {"tor": 1}),
    "other_grid": Shape(ops={GATHER: 4, SCATTER: 4}),
    "preserve_blend": Shape({}, ops=BOTH_WAYS | {"tor": 1}),
    "selector_copy": Shape(ops=BOTH_WAYS),
    "loops_in_place": Shape({}, kernels=2),
    "sibling_loops": Shape(kernels=2, ops=BOTH_WAYS | {"tmatmul": 1}),
    "two_roundings": Shape(ops=BOTH_WAYS),
    "written_in_place": Shape(kernels=2, ops=BOTH_WAYS),
}

CORPUS = {
    "staged": Shape(ops=BOTH_WAYS),
    "mixed": Shape(ops={GATHER: 4, SCATTER: 4}),  # two sites, one for each chunk of columns
    "rope_a": Shape(ops=BOTH_WAYS),
    "rope_b": Shape({}, ops=BOTH_WAYS | {"tor": 1}),
    "rope_c": Shape({}, ops=BOTH_WAYS | {"tor": 1}),
    "rope_d": Shape({}, ops=BOTH_WAYS | {"tor": 1}),
}

# -- programs and their inputs ----------------------------------------------------------------------


def path_of(name: str) -> Path:
    return DATA / name / "program.py" if name in CORPUS else DATA / "programs" / f"{name}.py"


def program(name: str) -> ModuleOp:
    return parse_program(path_of(name).read_text(), f"{name}.py")


def bind(module: ModuleOp, facts: Mapping[str, str], folder: Path) -> None:
    file = folder / "facts.toml"
    file.write_text("".join(f'"{name}" = "{word}"\n' for name, word in facts.items()))
    BindFactsPass(str(file)).apply(Context(), module)


FINITE = [
    0.0,
    -0.0,
    2.0**-149,
    -(2.0**-149),
    2.0**-133,
    -(2.0**-130),
    1.0,
    -1.0,
    257 / 256,
    -259 / 256,
    65536.0,
]
"""Zeros, subnormals of f32 and bf16, and the ends of ties between two bf16 numbers."""
WILD = [*FINITE, np.inf, -np.inf, np.nan]


def numbers(rng: np.random.Generator, shape: Sequence[int], special: Sequence[float]) -> Array:
    """Numbers of many sizes, one in twenty a special one, and some products of which are ties."""
    values = rng.standard_normal(shape) * np.exp2(rng.integers(-6, 6, shape))
    values = np.where(rng.random(shape) < 0.2, np.round(values * 16) / 16, values)
    return np.where(rng.random(shape) < 0.05, rng.choice(np.array(special), shape), values)


def inputs(module: ModuleOp, seed: int, special: Sequence[float]) -> dict[str, Array]:
    """Arrays for all parameters of a program; those with a fact are what it says."""
    rng = np.random.default_rng(seed)
    arrays: dict[str, Array] = {}
    main = choose_orchestration(module)
    for parameter in parameters(main):
        shape = [d for d in parameter.dims if isinstance(d, int)]
        dtype = numpy_dtype(str(parameter.type.get_element_type()))  # pyright: ignore[reportAttributeAccessIssue]
        values = numbers(rng, shape, special)
        for kind in ("selector", "table"):
            if (stated := argument_attribute(main, parameter.index, f"dsv4.{kind}")) is not None:
                values = make_fact(kind, stated.data, tuple(shape)).matrix  # pyright: ignore[reportAttributeAccessIssue]
        array = values.astype(np.float32).astype(dtype)
        arrays[base_name(parameter.name)] = array.view(np.uint16) if dtype.name == "bfloat16" else array
    return arrays


# -- comparing --------------------------------------------------------------------------------------


def is_nan(array: Array) -> Array:
    """Which elements are NaN; bf16 is its bits."""
    return (array & 0x7FFF) > 0x7F80 if array.dtype == np.uint16 else np.isnan(array)


def bits(array: Array) -> Array:
    """The bits, all NaN alike."""
    return np.where(is_nan(array), -1, array.view(f"u{array.dtype.itemsize}").astype(np.int64))


@dataclass
class Reference:
    """What a program computes from some inputs before anything is done to it."""

    arrays: dict[str, Array]
    results: dict[str, Array]

    @staticmethod
    def of(module: ModuleOp, seed: int, special: Sequence[float]) -> "Reference":
        arrays = inputs(module, seed, special)
        return Reference(arrays, run_program(module, arrays))

    def differences(self, module: ModuleOp) -> dict[str, Array]:
        """By output, which elements have other bits now."""
        after = run_program(module, self.arrays)
        assert after.keys() == self.results.keys()
        return {name: bits(array) != bits(after[name]) for name, array in self.results.items()}

    def check(self, module: ModuleOp, refine: bool = False) -> None:
        """The module computes the same bits; with `refine`, what was NaN may be something else."""
        for name, differs in self.differences(module).items():
            wrong = differs & ~is_nan(self.results[name]) if refine else differs
            assert not wrong.any(), f"{name}{np.argwhere(wrong)[0].tolist()} of {wrong.sum()}"


def references(module: ModuleOp) -> tuple[Reference, Reference]:
    """On finite numbers, and on all."""
    return Reference.of(module, 1, FINITE), Reference.of(module, 2, WILD)


def check_both(before: tuple[Reference, Reference], after: ModuleOp, said: Diagnostics) -> None:
    finite, wild = before
    finite.check(after)
    wild.check(after, refine=any("FIN(" in entry.message for entry in said.entries))


# -- what each shape ends as ------------------------------------------------------------------------


Facts = tuple[tuple[str, str], ...]


def with_facts(name: str, facts: Facts) -> ModuleOp:
    module = program(name)
    with TemporaryDirectory() as folder:
        bind(module, dict(facts), Path(folder))
    return module


@cache
def _original(name: str, facts: Facts) -> tuple[Reference, Reference]:
    return references(with_facts(name, facts))


def original(name: str, facts: Mapping[str, str]) -> tuple[Reference, Reference]:
    """What a program computes; several tests ask for it."""
    return _original(name, tuple(facts.items()))


@cache
def _rewritten(name: str, facts: Facts, guard: Guard, form: FormName) -> tuple[ModuleOp, Diagnostics]:
    module = with_facts(name, facts)
    with collect() as said:
        RopePass(chip="a3", guard=guard, form=form).apply(Context(), module)
    verify_module(module)
    return module, said


def rewritten(
    name: str, facts: Mapping[str, str], guard: Guard = "exact", form: FormName = "scatter-pair"
) -> tuple[ModuleOp, Diagnostics]:
    """What the pipeline makes of a program; in the form of the first hand-written kernels unless asked.

    It is made once; nobody changes it.
    """
    return _rewritten(name, tuple(facts.items()), guard, form)


def counted(module: ModuleOp) -> Counter[str]:
    found: Counter[str] = Counter()
    for op in module.walk():
        if isinstance(op, TileOp) and op.mnemonic() in COUNTED:
            found[f"{op.mnemonic()} {op.form()}".strip()] += 1
    return found


@pytest.mark.parametrize("name", SHAPES)
def test_a_shape_becomes_what_it_should_and_computes_the_same(name: str) -> None:
    shape = SHAPES[name]
    after, said = rewritten(name, shape.facts)
    assert counted(after) == shape.ops
    assert len(program_functions(after, KERNEL)) == shape.kernels
    assert {e.reason for e in said.entries if e.outcome == "refused"} == set(shape.refused)
    expected = original(name, shape.facts)
    check_both(expected, after, said)
    check_text(name, after, expected[1].arrays)


@pytest.mark.parametrize("name", [*SHAPES, *CORPUS])
def test_the_best_form_has_no_gather_and_no_scatter(name: str) -> None:
    """Bits and transposes do on A2/A3 what gathers and scatters did."""
    shape = {**SHAPES, **CORPUS}[name]
    after, said = rewritten(name, shape.facts, form="auto")
    found = counted(after)
    few_lanes = {"tgather index"} if name == "other_grid" else set[str]()  # fewer than a block to transpose
    assert not {GATHER, SCATTER, "tgather index", "tscatter index"} & set(found) - few_lanes
    assert found["tmatmul"] == shape.ops.get("tmatmul", 0)
    expected = original(name, shape.facts)
    check_both(expected, after, said)
    check_text(name, after, expected[1].arrays)


def check_text(name: str, after: ModuleOp, wild: dict[str, Array]) -> None:
    """The program text of a module is one that comes back as the same text and computes the same."""
    again = parse_program(program_text(after), f"{name}.py")
    verify_module(again)
    assert program_text(again, verbatim=False) == program_text(after, verbatim=False)
    Reference(wild, run_program(after, wild)).check(again)


@pytest.mark.parametrize("name", ["two_roundings"])
def test_the_inputs_show_a_rounding_that_is_dropped(name: str) -> None:
    """Ties where the two modes differ, and small numbers that round to a zero with a sign."""
    after, _ = rewritten(name, SHAPES[name].facts, "contract-rounding")
    differences = original(name, SHAPES[name].facts)[0].differences(after)
    assert any(differs.any() for differs in differences.values())


@pytest.mark.parametrize(
    ("name", "reason", "gathers"),
    [
        ("two_roundings", "no fact about a selector", True),
        ("full_width_select", "no fact about a selector", False),
        ("chunked_select", "no fact about a selector", False),
        ("index_scatter", "no fact about an index", True),
    ],
)
def test_without_facts_a_program_comes_back_to_the_letter(name: str, reason: str, gathers: bool) -> None:
    """Except for mask gathers, which need no fact to become something better."""
    module = program(name)
    with collect() as said:
        RopePass(chip="a3").apply(Context(), module)
    assert {entry.reason for entry in said.entries if entry.outcome == "refused"} == {reason}
    assert (program_text(module) != path_of(name).read_text()) == gathers
    assert not (gathers and counted(module)[GATHER])


@pytest.mark.parametrize(
    ("name", "products"),
    [("two_roundings", {"tmatmul": 1, "tmatmul.acc": 1}), ("full_width_select", {"tmatmul": 2})],
)
def test_the_conservative_guard_keeps_what_re_interleaves(name: str, products: dict[str, int]) -> None:
    after, said = rewritten(name, SELECTORS, "bf16-fallback")
    assert counted(after) == {GATHER: 2} | products
    assert {e.reason for e in said.entries if e.outcome == "refused"} == {"guard bf16-fallback"}
    check_both(original(name, SELECTORS), after, said)


# -- the compiled programs, and the passes one by one ---------------------------------------------------


@pytest.mark.parametrize("name", CORPUS)
def test_a_compiled_program_becomes_one_vector_kernel(name: str) -> None:
    """With one bf16 store, without selectors, and with nothing handed through GM."""
    shape = CORPUS[name]
    after, said = rewritten(name, shape.facts)
    (kernel,) = program_functions(after, KERNEL)
    assert counted(after) == shape.ops
    assert [e for e in said.entries if e.outcome == "refused"] == []
    tiles = [r for op in kernel.walk() for r in op.results if isinstance(r.type, TileType)]
    assert {layout_of(v).loc for v in tiles} == {"vec"}
    (store,) = (op for op in kernel.walk() if isinstance(op, TStoreOp))
    assert layout_of(store.ins[0]).dtype == "bf16"
    assert not any(isinstance(op, CreateOp) for op in after.walk())
    assert not [p.name for p in parameters(kernel) if "select" in p.name]
    kept = [p.name for p in parameters(choose_orchestration(after)) if "select" in p.name]
    assert len(kept) == len(shape.facts)
    text = "".join(e.message for e in said.entries if e.outcome == "note")
    assert all(f"'{name}'" in text for name in kept)


@pytest.mark.parametrize(("name", "lanes"), [("staged", 64 * 64), ("mixed", 32 * 64), ("rope_a", 32 * 64)])
def test_the_guard_says_what_becomes_of_the_early_rounding(name: str, lanes: int) -> None:
    """Exactly: as a conversion to bf16 and back, half by half or both at once. A small negative number must
    not come out as -0.
    """

    def conversions(guard: Guard) -> Counter[str]:
        module, _ = rewritten(name, SELECTORS, guard)
        pairs = ((op.ins[0], op.res[0]) for op in module.walk() if isinstance(op, TCvtOp))
        found = Counter[str]()
        for a, b in pairs:
            found[f"{layout_of(a).dtype} {layout_of(b).dtype}"] += layout_of(a).rows * layout_of(a).cols
        return found

    assert conversions("exact") - conversions("contract-rounding") == {"f32 bf16": lanes, "bf16 f32": lanes}


def passes(*each: ModulePass) -> Callable[[ModuleOp], bool]:
    """Runs passes and says whether the module is another one then."""

    def run(module: ModuleOp) -> bool:
        before = str(module)
        for one in each:
            one.apply(Context(), module)
        return str(module) != before

    return run


def hoist_fills(module: ModuleOp) -> int:
    kernels = [k for k in program_functions(module, KERNEL) if moves_lanes(k)]
    return sum(hoist_function(kernel, "a3")[1] for kernel in kernels)


STEPS: dict[str, Callable[[ModuleOp], object]] = {
    "forward-copies": forward_copies,
    "propagate-facts": propagate_facts,
    "raise-lanes": passes(RaiseLanesPass(chip="a3")),
    "fuse-stages": lambda module: fuse_stages.fuse_all(module, "a3"),
    "fold-lanes": passes(FoldLanesPass(chip="a3")),
    "lower-lanes": passes(LowerLanesPass("scatter-pair", "a3")),
    "hoist-fills": hoist_fills,
    "drop-dead-stores": drop_dead_stores.drop_dead_stores,
    "drop-dead-args": drop_dead_args.drop_all,
}

CHANGES = {
    "staged": ["raise-lanes", "fuse-stages", "fold-lanes", "lower-lanes", "drop-dead-args"],
    "mixed": ["raise-lanes", "fuse-stages", "fold-lanes", "lower-lanes", "drop-dead-args"],
    "rope_a": ["raise-lanes", "fold-lanes", "lower-lanes", "drop-dead-args"],
    "rope_b": ["raise-lanes", "fold-lanes", "lower-lanes"],
    "rope_c": ["raise-lanes", "fold-lanes", "lower-lanes"],
    "rope_d": ["raise-lanes", "fold-lanes", "lower-lanes"],
}


def simulated(name: str) -> Reference | None:
    """What the toolchain computed, on a simulator of the chip, for the programs for which that is known."""
    if not (path := DATA / name / "cpu_sim.npz").exists():
        return None
    with np.load(path) as archive:
        known = dict(archive)
    if (given := DATA / name / "inputs.npz").exists():
        with np.load(given) as archive:
            return Reference(dict(archive), {"out": known["out"]})
    stages = ("pair_stage", "joined", "out")
    return Reference({k: v for k, v in known.items() if k not in stages}, {"out": known["out"]})


@pytest.mark.parametrize("name", CORPUS)
def test_a_compiled_program_computes_the_same_after_each_pass(name: str, tmp_path: Path) -> None:
    module = program(name)
    bind(module, CORPUS[name].facts, tmp_path)
    expected, known = original(name, CORPUS[name].facts), simulated(name)
    assert (known is not None) == (name in ("staged", "rope_c"))
    changes: list[str] = []
    with collect() as said:
        for step, run in STEPS.items():
            if run(module):
                changes.append(step)
                verify_module(module)
                check_both(expected, module, said)
                if known is not None:
                    known.check(module)
    assert changes == CHANGES[name]
    whole, _ = rewritten(name, CORPUS[name].facts)
    assert program_text(module) == program_text(whole)


def test_the_numbers_go_where_programs_may_differ() -> None:
    """Subnormals and both zeros, and in some rows Inf and NaN, which spread from their lanes to others."""
    finite, wild = references(program("staged"))
    proj = finite.arrays["proj"]
    assert ((proj != 0) & (np.abs(proj) < 2.0**-126)).any()
    assert np.signbit(proj[proj == 0]).any()
    assert not any(is_nan(array).any() for array in finite.results.values())
    spoilt = is_nan(wild.results["out"])
    assert is_nan(wild.arrays["proj"]).sum() < spoilt.sum() < spoilt.size


# -- programs that nobody would write ----------------------------------------------------------------

NUMBER = re.compile(r"(?<![\w.\]])\d+(?![\w.])")


def changed(text: str, rng: random.Random) -> str:
    """The text with one number in the body of a function changed: an offset, a step, a bound, a pattern."""
    lines = text.splitlines()
    places = [i for i, line in enumerate(lines) if line.startswith("        ") and NUMBER.search(line)]
    line = lines[number := rng.choice(places)]
    start = line.rindex("= ") if "= " in line else 0
    found = list(NUMBER.finditer(line, start))
    if found:
        match = rng.choice(found)
        value = int(match[0])
        other = rng.choice([0, 1, 2, value // 2, value * 2, value + 16, abs(value - 16)])
        lines[number] = f"{line[: match.start()]}{other}{line[match.end() :]}"
    return "\n".join(lines)


def runs(
    text: str, folder: Path, facts: Mapping[str, str]
) -> tuple[ModuleOp, tuple[Reference, Reference]] | None:
    """The program and what it computes, if it still is one that can be run."""
    try:
        module = parse_program(text)
        bind(module, facts, folder)
        verify_module(module)
        return module, references(module)
    except UserError:
        return None


@pytest.mark.parametrize("name", [name for name in SHAPES if name != "other_grid"])
def test_a_changed_program_computes_the_same(name: str, tmp_path: Path) -> None:
    rng, facts = random.Random(name), SHAPES[name].facts
    text = path_of(name).read_text()
    programs = (runs(changed(text, rng), tmp_path, facts) for _ in range(40))
    for module, expected in islice((p for p in programs if p is not None), 2):
        with collect() as said:
            RopePass(chip="a3").apply(Context(), module)
        verify_module(module)
        check_both(expected, module, said)
