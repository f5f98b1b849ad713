"""`dsv4-propagate-facts`: facts go from the parameters of an orchestration to the kernels it launches.

A fact speaks of a tensor as it comes in. A kernel's parameter has the fact if every launch of the kernel
passes a tensor that has it and that nothing has written, the kernel itself included; or one that a kernel
built from tensors that are known (built_facts.py). Legal because the kernel then finds in it what the fact
says, in every block of every launch. What is stated of a parameter that gets a tensor that the program made,
or another one than the tensor of that name that comes in, is not used: whether it holds there is not known.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects import func
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.passes import ModulePass

from dialects.dsv4.attributes import SelectorAttr, TableAttr
from dialects.dsv4.functions import (
    ORCHESTRATION,
    Parameter,
    argument_attributes,
    find_function,
    program_functions,
    set_argument_attribute,
    visible,
)
from dialects.dsv4.launch import LaunchOp
from dsv4_passes.diagnostics import refused
from dsv4_passes.equivalence.facts import Fact, make_fact
from dsv4_passes.source_names import base_name

from .built_facts import built_facts
from .orchestration import VIEWS

MADE_INSIDE = (
    "the program makes that tensor, and facts speak of what comes in; state it of what the tensor is made of"
)
PASSES_ANOTHER = (
    "this launch passes another tensor than the one of that name that comes in; state it of what is passed"
)
NAMES = ("dsv4.selector", "dsv4.table", "dsv4.given")


def propagate_facts(module: ModuleOp) -> None:
    """Propagate facts about tensors to the kernel parameters that they are passed to."""
    stated: dict[tuple[str, int], set[tuple[tuple[str, Attribute], ...]]] = defaultdict(set)
    for orchestration in program_functions(module, ORCHESTRATION):
        facts = _stated(orchestration)
        named = {base_name(p.name) for p in visible(orchestration)}
        built = _built(module, orchestration)
        facts |= {v: {f"dsv4.{f.kind}": f.attribute()} for v, f in built.items()}
        for launch in orchestration.walk():
            if not isinstance(launch, LaunchOp):
                continue
            for parameter, value in zip(visible(launch.function()), launch.args, strict=True):
                given = {} if parameter.written else facts.get(value, {})
                known = tuple((name, given[name]) for name in NAMES if name in given)
                stated[launch.callee, parameter.index].add(known)
                if not parameter.is_tensor:
                    continue
                if (tensor := _seen_through_views(value)) not in facts:
                    _take_back(launch, parameter, MADE_INSIDE)
                elif (own := _facts_in(facts[tensor])) != _facts_in(
                    argument_attributes(launch.function(), parameter.index)
                ) and (own or base_name(parameter.name) in named):
                    _take_back(launch, parameter, PASSES_ANOTHER)
    for (name, index), variants in stated.items():
        if len(variants) == 1 and (function := find_function(module, name)) is not None:
            for fact, attribute in next(iter(variants)):
                set_argument_attribute(function, index, fact, attribute)


def _seen_through_views(value: SSAValue) -> SSAValue:
    while isinstance(op := value.owner, Operation) and op.name in VIEWS:
        value = op.operands[0]
    return value


def _facts_in(attributes: Mapping[str, Attribute]) -> dict[str, Attribute]:
    return {name: attributes[name] for name in ("dsv4.selector", "dsv4.table") if name in attributes}


def _take_back(launch: LaunchOp, parameter: Parameter, why: str) -> None:
    """Drop what is stated of a parameter that gets a tensor of which it was not stated."""
    kernel = launch.function()
    given = argument_attributes(kernel, parameter.index)
    if not any(name in given for name in ("dsv4.selector", "dsv4.table")):
        return
    for name in NAMES:
        set_argument_attribute(kernel, parameter.index, name, None)
    refused(
        launch,
        f"what is stated of '{parameter.name}' of '{launch.callee}' is not used: {why}",
        "a fact about what is made inside",
    )


def _stated(orchestration: func.FuncOp) -> dict[SSAValue, dict[str, Attribute]]:
    """Facts about tensors at the entry."""
    arguments = orchestration.body.block.args
    return {argument: argument_attributes(orchestration, argument.index) for argument in arguments}


def _built(module: ModuleOp, orchestration: func.FuncOp) -> dict[SSAValue, Fact]:
    known: dict[SSAValue, Fact] = {}
    for parameter in visible(orchestration):
        given = argument_attributes(orchestration, parameter.index)
        extents = [d for d in parameter.dims if isinstance(d, int)]
        for kind in ("selector", "table"):
            stated = given.get(f"dsv4.{kind}")
            if isinstance(stated, SelectorAttr | TableAttr) and len(extents) == len(parameter.dims):
                fact = make_fact(kind, stated.data, tuple(extents))
                known[orchestration.body.block.args[parameter.index]] = fact
    return built_facts(module, orchestration, known)


@dataclass(frozen=True)
class PropagateFactsPass(ModulePass):
    """State facts on kernel parameters that hold for the tensors of every launch."""

    name = "dsv4-propagate-facts"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        propagate_facts(op)
