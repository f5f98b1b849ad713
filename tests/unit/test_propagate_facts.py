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
from dsv4_passes.formats.pypto import parse_program
from dsv4_passes.transforms.program.propagate_facts import propagate_facts
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


def state_fact(module: ModuleOp, name: str) -> None:
    (main,) = program_functions(module, ORCHESTRATION)
    (index,) = (p.index for p in parameters(main) if p.name.startswith(name))
    set_argument_attribute(main, index, "dsv4.selector", SelectorAttr("even"))


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
