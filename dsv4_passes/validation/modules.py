"""Two modules of kernels: which kernels belong together, and how each pair compares."""

from collections.abc import Mapping, Sequence

from xdsl.dialects import func
from xdsl.dialects.builtin import ModuleOp

from dsv4_passes.diagnostics import UserError
from dsv4_passes.equivalence.alike import alike
from dsv4_passes.interpreter.kernels import Kernel, find_kernels

from .compare import compare_kernels
from .kernels import Comparable, comparables, pair_arguments
from .verdict import Allowed, Verdict


def compare_modules(
    before: ModuleOp, after: ModuleOp, allowed: Allowed = Allowed(), same: Sequence[str] = ()
) -> list[Verdict]:
    """A verdict for each kernel of two modules, which are raised in place; kernels go by their names.

    Kernels named in `same` are known to be unchanged.
    """
    ours, theirs = comparables(before, same), comparables(after, same)
    _carry_facts(ours, theirs)
    verdicts: list[Verdict] = []
    for name in dict.fromkeys([*ours, *theirs]):
        if name in same:
            verdicts.append(Verdict(name, "unchanged"))
        elif name not in ours or name not in theirs:
            which = "after" if name not in theirs else "before"
            verdicts.append(Verdict(name, "different", reason=f"there is no such kernel {which}"))
        else:
            verdicts.append(compare_kernels(ours[name], theirs[name], allowed))
    return verdicts


def unchanged_kernels(before: ModuleOp, after: ModuleOp) -> list[str]:
    """Kernels whose functions are, operation by operation, what they were; and so all that they call."""
    ours, theirs = find_kernels(before), find_kernels(after)
    calls = any(isinstance(op, func.CallOp) for op in before.walk())
    found = [name for name in ours if name in theirs and _alike(ours[name], theirs[name])]
    return [] if calls and len(found) < len(ours) else found


def _alike(a: Kernel, b: Kernel) -> bool:
    if [f.sym_name.data for f in a.functions] != [f.sym_name.data for f in b.functions]:
        return False
    return all(alike(x, y) for x, y in zip(a.functions, b.functions, strict=True))


def _carry_facts(before: Mapping[str, Comparable], after: Mapping[str, Comparable]) -> None:
    """Facts are not part of the text: facts before hold after."""
    for name, ours in before.items():
        if (theirs := after.get(name)) is not None and ours.facts:
            try:
                numbers = pair_arguments(ours.kernel, theirs.kernel)
            except UserError:
                continue  # the comparison says so
            theirs.facts = {b: ours.facts[a] for b, a in numbers.items() if a in ours.facts}
