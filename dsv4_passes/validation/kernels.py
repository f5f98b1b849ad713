"""Kernels as they are compared: in value form, with their facts, and which argument is which.

The cube and the vector function of a mixed kernel are not joined: they run together, through their channels,
so that an error in joining or splitting them cannot be on both sides.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import SSAValue

from dialects.pto.forms import is_buffer_form
from dialects.pto.types import PtrType
from dsv4_passes.diagnostics import UserError, collect
from dsv4_passes.equivalence.effects import Push
from dsv4_passes.equivalence.facts import Fact, check_sides, facts_of
from dsv4_passes.equivalence.lanes import LaneContext, LaneRun, run_lanes
from dsv4_passes.interpreter.kernels import Kernel, find_kernels
from dsv4_passes.interpreter.machine import SPMD_PARAMETERS
from dsv4_passes.transforms.raising.inline_calls import drop_inlined, inlined_helpers
from dsv4_passes.transforms.raising.raise_tiles import raise_function
from dsv4_passes.xdsl_extras.functions import functions_in

NEW_ARGUMENT = 1 << 16
"""Numbers from here on denote arguments that the other kernel lacks."""


@dataclass
class Comparable:
    """A kernel in value form: `kernel.functions` are those that run, `facts` by argument index."""

    kernel: Kernel
    facts: Mapping[int, Fact] = field(default_factory=dict[int, Fact])
    refusal: UserError | None = None
    """Why it cannot be run on terms."""

    @property
    def name(self) -> str:
        return self.kernel.name

    def run(self, context: LaneContext, numbers: Mapping[int, int] | None = None) -> LaneRun:
        """The kernel on terms, its arguments numbered as `numbers` says. UserError where that cannot be."""
        if self.refusal is not None:
            raise self.refusal
        facts = {(numbers or {}).get(i, i): fact for i, fact in self.facts.items()}
        back = {number: i for i, number in (numbers or {}).items()}
        selectors = {back.get(number, number): fact for number, fact in facts.items()}
        run = run_lanes(self.kernel.functions, selectors=selectors, context=context, arguments=numbers)
        if not self.kernel.mixed:
            return run
        return replace(run, effects=[effect for effect in run.effects if not isinstance(effect, Push)])


def comparables(module: ModuleOp, but: Collection[str] = ()) -> dict[str, Comparable]:
    """All kernels of a module by name. Raises the functions of the module, in place.

    The kernels named in `but` will not be run: they are left as they are.
    """
    found: dict[str, Comparable] = {}
    spared = {f for name, kernel in find_kernels(module).items() if name in but for f in kernel.functions}
    helpers = inlined_helpers(module)
    spared |= helpers
    with collect() as said:
        for function in [f for f in functions_in(module) if f not in spared]:
            raise_function(function)
    drop_inlined(module, helpers)
    for name, kernel in find_kernels(module).items():
        if name in but:
            found[name] = Comparable(kernel)
            continue
        facts: dict[int, Fact] = {}
        refusal: UserError | None = None
        try:
            facts = facts_by_index(kernel)
        except UserError as error:
            refusal = error
        for function in kernel.functions:
            if is_buffer_form(function):
                why = [e.message for e in said.entries if f"'{function.sym_name.data}'" in e.message]
                refusal = UserError(why[0] if why else "it is in buffer form", function.location)
        found[name] = Comparable(kernel, facts, refusal)
    return found


def facts_by_index(kernel: Kernel) -> dict[int, Fact]:
    """What is stated of the arguments of a kernel. UserError where that contradicts itself or a shape."""
    check_sides(kernel.functions)
    stated = [item for function in kernel.functions for item in facts_of(function).items()]
    return {_index(value): fact for value, fact in stated}


def _index(value: SSAValue) -> int:
    index = getattr(value, "index", None)
    assert isinstance(index, int)
    return index


# -- arguments ----------------------------------------------------------------------------------------


def _passed(kernel: Kernel) -> list[tuple[int, str, str]]:
    """Index, type and name of every argument that is no block number."""
    function = kernel.functions[-1]
    found: list[tuple[int, str, str]] = []
    for i, argument in enumerate(function.body.block.args):
        if argument.name_hint not in SPMD_PARAMETERS:
            kind = "pointer to " if isinstance(argument.type, PtrType) else ""
            known = kernel.arguments[i]
            found.append((i, f"{kind}{known.dtype}", known.name))
    return found


def pair_arguments(before: Kernel, after: Kernel, *, in_order: bool = True) -> dict[int, int]:
    """For each argument of `after` the one of `before` that is passed for it.

    By position where both take the same types, which is how they are called; else by name, as after an
    argument was dropped; else in order, by type. Arguments that `before` has not get numbers of their own.
    UserError where arguments that have to be `in_order` are not.
    """
    ours, theirs = _passed(before), _passed(after)
    if [t for _, t, _ in ours] == [t for _, t, _ in theirs]:
        return {b: a for (a, _, _), (b, _, _) in zip(ours, theirs, strict=True)}
    known = {name: (index, kind) for index, kind, name in ours}
    pairs: dict[int, int] = {}
    names = [name for _, _, name in theirs]
    unique = len(known) == len(ours) and len(set(names)) == len(names)
    for b, kind, name in theirs if unique else ():
        if name in known and known[name][1] == kind:
            pairs[b] = known[name][0]
    if not pairs:
        pairs = _in_order(ours, theirs)
    if in_order and list(pairs.values()) != sorted(pairs.values()):
        raise UserError(f"'{after.name}' takes its arguments in another order", after.functions[0].location)
    return {b: pairs.get(b, NEW_ARGUMENT + b) for b, _, _ in theirs}


def _in_order(ours: list[tuple[int, str, str]], theirs: list[tuple[int, str, str]]) -> dict[int, int]:
    pairs: dict[int, int] = {}
    rest = iter(ours)
    for b, kind, _ in theirs:
        for a, wanted, _ in rest:
            if wanted == kind:
                pairs[b] = a
                break
    return pairs
