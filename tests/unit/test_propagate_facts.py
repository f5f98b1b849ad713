"""Facts go from the entry to the kernels, through wrappers, as far as they still hold there."""

import pytest
from xdsl.dialects.builtin import ModuleOp

from dialects.dsv4.attributes import SelectorAttr
from dialects.dsv4.functions import (
    KERNEL,
    ORCHESTRATION,
    argument_attributes,
    parameters,
    program_functions,
    set_argument_attribute,
)
from dialects.dsv4.launch import LaunchOp
from dsv4_passes.diagnostics import UserError, collect
from dsv4_passes.formats.pypto import parse_program
from dsv4_passes.transforms.program.propagate_facts import propagate_facts
from tests.unit.kernels import DATA
from tests.unit.programs import Kernel, program
from tests.unit.test_pypto_import import path_of

TENSORS = {"x": "64x16xf32", "select": "32x16xf32", "first": "64x16xf32", "second": "64x16xf32"}


def uses(name: str, output: str) -> Kernel:
    body = f"""
v = load(x, [b * 16, 0], "16x16xf32")
s = load(select, [0, 0], "16x16xf32")
y = mul(v, s, "16x16xf32")
store(y, [b * 16, 0], {output})
"""
    return Kernel(name, 4, ["x", "select"], [output], body)


def state_fact(module: ModuleOp, name: str, word: str = "even") -> None:
    (main,) = program_functions(module, ORCHESTRATION)
    (index,) = (p.index for p in parameters(main) if p.name.startswith(name))
    set_argument_attribute(main, index, "dsv4.selector", SelectorAttr(word))


def known(module: ModuleOp) -> list[str]:
    """The kernels that know of a selector, by parameter."""
    return [
        f"{f.sym_name.data} {p.name}"
        for f in program_functions(module, KERNEL)
        for p in parameters(f)
        if "dsv4.selector" in argument_attributes(f, p.index)
    ]


def test_a_fact_reaches_all_kernels_through_their_wrappers() -> None:
    module = program([uses("one", "first"), uses("two", "second")], TENSORS, ["first", "second"])
    assert all(op.via is not None for op in module.walk() if isinstance(op, LaunchOp))
    state_fact(module, "select")
    propagate_facts(module)
    assert known(module) == ["one select", "two select"]


def test_a_fact_speaks_of_what_comes_in() -> None:
    """Not of what a kernel has written, nor of what one is about to write: its blocks may see each other."""
    body = 'v = load(x, [0, 0], "16x16xf32")\nstore(v, [0, 0], select)'
    changes = Kernel("change", 1, ["x"], ["select"], body, ["select"])
    module = program(
        [uses("one", "first"), changes, uses("two", "second")], TENSORS, ["first", "select", "second"]
    )
    state_fact(module, "select")
    propagate_facts(module)
    assert known(module) == ["one select"]


@pytest.mark.parametrize(("argument", "found"), [("even_select__ssa_v0", 1), ("odd_select__ssa_v0", 0)])
def test_a_kernel_knows_what_holds_in_all_its_launches(argument: str, found: int) -> None:
    lines = path_of("selector_copy").read_text().splitlines(keepends=True)
    at = next(i for i, line in enumerate(lines) if "= self.apply_spmd(" in line)
    call = lines[at].replace("even_select__ssa_v0", argument).replace("out__ssa_v1:", "out__ssa_v2:", 1)
    module = parse_program("".join([*lines[: at + 1], call, *lines[at + 1 :]]))
    assert sum(isinstance(op, LaunchOp) and op.callee == "apply" for op in module.walk()) == 2
    state_fact(module, "even_select")
    propagate_facts(module)
    assert sum(entry.startswith("apply even_select") for entry in known(module)) == found


@pytest.mark.parametrize("other", ["", "odd"])
@pytest.mark.parametrize(("passed", "kept"), [("even_select__ssa_v0", True), ("odd_select__ssa_v0", False)])
def test_a_fact_by_name_is_not_about_another_tensor_that_is_passed(
    passed: str, kept: bool, other: str
) -> None:
    """By name a fact is about the tensor and the parameter; a launch may pass another tensor."""
    lines = path_of("selector_copy").read_text().splitlines(keepends=True)
    at = next(i for i, line in enumerate(lines) if "= self.apply_spmd(" in line)
    lines[at] = lines[at].replace("even_select__ssa_v0", passed)
    module = parse_program("".join(lines))
    state_fact(module, "even_select")
    if other:
        state_fact(module, "odd_select", other)
    for kernel in program_functions(module, KERNEL):
        for parameter in parameters(kernel):
            if kernel.sym_name.data == "apply" and parameter.name.startswith("even_select"):
                set_argument_attribute(kernel, parameter.index, "dsv4.selector", SelectorAttr("even"))
    with collect() as said:
        propagate_facts(module)
    (apply,) = (k for k in program_functions(module, KERNEL) if k.sym_name.data == "apply")
    (index,) = (p.index for p in parameters(apply) if p.name.startswith("even_select"))
    words = {"" if kept else other, "even" if kept else ""} - {""}
    found = argument_attributes(apply, index).get("dsv4.selector")
    assert {getattr(found, "data", "")} - {""} == words
    assert any("this launch passes another tensor" in e.message for e in said.entries) != kept


BUILT = (DATA / "programs" / "built_selectors.py").read_text()


def found_by_running(text: str) -> list[str]:
    """The selectors that are found among what the kernel builds from those of one chunk."""
    module = parse_program(text)
    for name in ("even", "odd"):
        state_fact(module, f"{name}_local", name)
    with collect() as said:
        propagate_facts(module)
    built = [e.message for e in said.entries if e.outcome == "fact"]
    assert len(built) == sum(name.startswith("unrotate ") for name in known(module))
    return built


def changed(old: str, new: str) -> str:
    assert old in BUILT
    return BUILT.replace(old, new)


def test_what_a_kernel_builds_from_facts_is_a_fact() -> None:
    assert found_by_running(BUILT) == [
        "'block_diagonal' builds 'even_select__ssa_v1', the even selector: found by running it",
        "'block_diagonal' builds 'odd_select__ssa_v1', the odd selector: found by running it",
    ]


LAST = "pl.tile.store(even__tile, [32, 16], even_select__ssa_v2)"
ZEROS = "pl.tile.store(even_zero_bf16__tile, [0, 0], even_select__ssa_v0)"
LOADS = "pl.tile.load(even_local__ssa_v0, [0, 0], [32, 16], [32, 16]"
CALL = "self.block_diagonal(even_select__ssa_v0, odd_select__ssa_v0, even_local__ssa_v0,"


@pytest.mark.parametrize(
    ("old", "new", "count"),
    [
        pytest.param(LAST, LAST.replace("[32, 16]", "[32, 0]"), 1, id="in another place"),
        pytest.param(ZEROS, "pl.tile.store(even_zero_bf16__tile, [32, 0], even_select__ssa_v0)", 0, id="out"),
        pytest.param(ZEROS, ZEROS.replace("even_zero", "odd_zero"), 0, id="zeros that are made later"),
        pytest.param("value=0.0)", "value=-0.0)", 0, id="negative zeros"),
        pytest.param("value=0.0)", "value=0.5)", 0, id="no zeros"),
        pytest.param(LOADS, LOADS.replace("even_local", "even_select"), 0, id="reads what was there"),
        pytest.param(CALL, CALL.replace("even_local", "odd_local"), 2, id="both odd"),
        pytest.param(CALL, CALL.replace("even_local", "even_select"), 0, id="from what nobody wrote"),
    ],
)
def test_what_a_kernel_builds_is_looked_at_element_by_element(old: str, new: str, count: int) -> None:
    try:
        found = found_by_running(changed(old, new))
    except UserError:
        found = []
    assert len(found) == count


def test_a_kernel_that_leaves_elements_as_they_are_builds_nothing() -> None:
    """Zeros that are not stored: elsewhere is what was there before."""
    text = changed(ZEROS, "even_select__ssa_v0")
    assert [message.split("'")[3] for message in found_by_running(text)] == ["odd_select__ssa_v1"]


def test_a_kernel_of_several_blocks_is_not_run() -> None:
    spmd = '    @pl.function(type=pl.FunctionType.Spmd, attrs={"core_num": 2})\n'
    kernel = BUILT[BUILT.index("    def block_diagonal(") : BUILT.index("        even_zero__tile")]
    head = kernel.replace("def block_diagonal(", "def block_diagonal_spmd(self, ")
    pair = head[head.rindex("tuple[") : head.rindex(":")].replace("tuple[", "pl.Tuple[")
    body = (
        f"        ret: {pair} = self.block_diagonal(even_select__ssa_v0, odd_select__ssa_v0, "
        "even_local__ssa_v0, odd_local__ssa_v0)\n"
        "        one: pl.Tensor[[64, 32], pl.BF16] = ret[0]\n"
        "        other: pl.Tensor[[64, 32], pl.BF16] = ret[1]\n"
        "        return one, other\n"
    )
    main = BUILT.rindex("    @pl.function")
    text = (
        BUILT[:main]
        + spmd
        + head
        + body
        + BUILT[main:].replace("self.block_diagonal", "self.block_diagonal_spmd")
    )
    assert found_by_running(text) == []


def test_what_is_stated_of_a_tensor_that_the_program_makes_is_not_used() -> None:
    """By its name in a kernel: what it holds there is up to the program, and nobody looks."""
    module = parse_program(BUILT)
    for kernel in program_functions(module, KERNEL):
        for parameter in parameters(kernel):
            if parameter.name.startswith("even_select"):
                set_argument_attribute(kernel, parameter.index, "dsv4.selector", SelectorAttr("even"))
    with collect() as said:
        propagate_facts(module)
    assert known(module) == []
    assert {e.reason for e in said.entries if e.outcome == "refused"} == {"a fact about what is made inside"}
    assert "state it of what the tensor is made of" in said.entries[-1].message
