"""Kernels of two programs, launched otherwise, that are proved one by one.

    @rope(%x, %even, %odd, %out)      |     @rope(%x, %out)       without the two selectors, by gathers

Such a kernel is one function of the arguments that both take: whatever it is launched on, it leaves the same.
So its launches need not be run to compare the programs (modular.py). Nothing may differ between the two, not
even the sign of a zero, and no launch may pass one tensor twice.
"""

from collections.abc import Collection
from dataclasses import dataclass

from xdsl.dialects.builtin import ModuleOp

from dialects.dsv4.functions import find_function, is_kernel, visible, written
from dsv4_passes.diagnostics import UserError, collect
from dsv4_passes.transforms.program.alias_check import aliased_launch
from dsv4_passes.transforms.program.propagate_facts import propagate_facts

from .compare import compare_kernels
from .kernels import Comparable, comparables, pair_arguments


@dataclass(frozen=True)
class ProvedAlone:
    """What a kernel depends on, by names of parameters, and under which conditions it is what it was."""

    parameters: frozenset[str]
    conditions: tuple[str, ...]


def proved_alone(before: ModuleOp, after: ModuleOp, but: Collection[str]) -> dict[str, ProvedAlone]:
    """The kernels that both modules, raised in place, have by one name, if proved; none of those in `but`."""
    with collect():
        for module in (before, after):
            propagate_facts(module)
    ours, theirs = comparables(before, but), comparables(after, but)
    found: dict[str, ProvedAlone] = {}
    for name in ours.keys() & theirs.keys() - set(but):
        if (shared := _shared(before, after, ours[name], theirs[name])) is None:
            continue
        verdict = compare_kernels(ours[name], theirs[name])
        if verdict.outcome == "proved":
            found[name] = ProvedAlone(shared, verdict.conditions)
    return found


def _shared(before: ModuleOp, after: ModuleOp, ours: Comparable, theirs: Comparable) -> frozenset[str] | None:
    """The parameters that both kernels have; None where they cannot be taken for one function of those."""
    functions = [find_function(module, ours.name) for module in (before, after)]
    if not all(f is not None and is_kernel(f) and aliased_launch(f) is None for f in functions):
        return None
    old, new = (f for f in functions if f is not None)
    if old.function_type.outputs.data or new.function_type.outputs.data:
        return None
    parameters = [{p.name: p for p in visible(f)} for f in (old, new)]
    shared = frozenset(parameters[0].keys() & parameters[1].keys())
    for name in shared:
        a, b = (side[name] for side in parameters)
        if (a.type, a.direction, a.dims) != (b.type, b.direction, b.dims):
            return None
    outputs = [[p.name for p in written(f)] for f in (old, new)]
    if outputs[0] != outputs[1] or not shared.issuperset(outputs[0]) or not shared.issuperset(parameters[1]):
        return None
    try:
        pairs = pair_arguments(ours.kernel, theirs.kernel)
    except UserError:
        return None
    names = [{p.index: p.name for p in side.values()} for side in parameters]
    return shared if all(names[0].get(a) == names[1].get(b) for b, a in pairs.items()) else None
