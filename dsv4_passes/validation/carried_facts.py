"""What the first of two texts states of its arguments holds for the second, which may not be able to say it.

    before  func.func @k(%even: !pto.ptr<bf16> {dsv4.selector = #dsv4.selector<even>}, …)
    after   func.func @k(%even: !pto.ptr<bf16>, …)

Both are passed the same tensors, so a fact about one is a fact about the other.
"""

from collections.abc import Mapping

from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Attribute

from dialects.dsv4.attributes import SelectorAttr, TableAttr
from dialects.dsv4.functions import argument_attributes, parameters, set_argument_attribute
from dsv4_passes.diagnostics import UserError
from dsv4_passes.interpreter.program import choose_orchestration
from dsv4_passes.source_names import base_name

from .kernels import Comparable

FACTS = ("dsv4.selector", "dsv4.table")


def carry_to_kernel(before: Comparable, after: Comparable, numbers: Mapping[int, int]) -> list[str]:
    """State on `after` what `before` states and it does not; how that is said in a file of facts.

    `numbers` says which argument of `after` is which of `before`. UserError where they contradict each other.
    """
    facts, carried = dict(after.facts), list[str]()
    for theirs, ours in numbers.items():
        if (fact := before.facts.get(ours)) is None or not _uses(after, theirs):
            continue
        name = before.kernel.arguments[ours].name
        if (own := facts.get(theirs)) is None:
            facts[theirs] = fact
            carried.append(_said(name, fact.attribute()))
        elif own.attribute() != fact.attribute():
            raise _contradiction(name, fact.attribute(), own.attribute())
    after.facts = facts
    return carried


def _uses(kernel: Comparable, argument: int) -> bool:
    return any(list(function.body.block.args[argument].uses) for function in kernel.kernel.functions)


def carry_to_program(before: ModuleOp, after: ModuleOp) -> list[str]:
    """The same of the tensors that come into two programs, by name."""
    stated = {name: (kind, attr) for name, kind, attr in _stated(before)}
    own = {name: attr for name, _, attr in _stated(after)}
    function, carried = choose_orchestration(after), list[str]()
    for parameter in parameters(function):
        name = base_name(parameter.name)
        if name not in stated:
            continue
        kind, attr = stated[name]
        if name not in own:
            set_argument_attribute(function, parameter.index, kind, attr)
            carried.append(_said(name, attr))
        elif own[name] != attr:
            raise _contradiction(name, attr, own[name])
    return carried


def _stated(module: ModuleOp) -> list[tuple[str, str, Attribute]]:
    """Name, attribute name and fact of the tensors that come into the program of a module."""
    function = choose_orchestration(module)
    return [
        (base_name(parameter.name), kind, given[kind])
        for parameter in parameters(function)
        for given in [argument_attributes(function, parameter.index)]
        for kind in FACTS
        if kind in given
    ]


def _said(name: str, fact: Attribute) -> str:
    kind = "table:" if isinstance(fact, TableAttr) else ""
    return f'{name} = "{kind}{fact.data}"' if isinstance(fact, SelectorAttr | TableAttr) else name


def _contradiction(name: str, before: Attribute, after: Attribute) -> UserError:
    said = f"before, {_said(name, before)}; after, {_said(name, after)}"
    return UserError(f"the texts contradict each other: {said}")
