"""`dsv4-propagate-facts`: facts go from the parameters of an orchestration to the kernels it launches.

A fact speaks of a tensor as it comes in. A kernel's parameter has the fact if every launch of the kernel
passes a tensor that has it and that nothing has written, the kernel itself included. Legal because the
kernel then finds in it what the fact says, in every block of every launch.
"""

from collections import defaultdict
from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Attribute, BlockArgument
from xdsl.passes import ModulePass

from dialects.dsv4.functions import (
    ORCHESTRATION,
    argument_attributes,
    find_function,
    program_functions,
    set_argument_attribute,
    visible,
)
from dialects.dsv4.launch import LaunchOp

NAMES = ("dsv4.selector", "dsv4.table", "dsv4.given")


def propagate_facts(module: ModuleOp) -> None:
    """State on kernel parameters what is stated on the tensors passed to them."""
    stated: dict[tuple[str, int], set[tuple[tuple[str, Attribute], ...]]] = defaultdict(set)
    for orchestration in program_functions(module, ORCHESTRATION):
        entry = orchestration.body.block
        for launch in orchestration.walk():
            if not isinstance(launch, LaunchOp):
                continue
            for parameter, value in zip(visible(launch.function()), launch.args, strict=True):
                facts: dict[str, Attribute] = {}
                if not parameter.written and isinstance(value, BlockArgument) and value.owner is entry:
                    facts = argument_attributes(orchestration, value.index)
                known = tuple((name, facts[name]) for name in NAMES if name in facts)
                stated[launch.callee, parameter.index].add(known)
    for (name, index), variants in stated.items():
        if len(variants) == 1 and (function := find_function(module, name)) is not None:
            for fact, attribute in next(iter(variants)):
                set_argument_attribute(function, index, fact, attribute)


@dataclass(frozen=True)
class PropagateFactsPass(ModulePass):
    """State on kernel parameters what is known of the tensors that every launch passes to them."""

    name = "dsv4-propagate-facts"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        propagate_facts(op)
