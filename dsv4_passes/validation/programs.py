"""Two whole programs: what their tensors hold in the end.

Where both launch the same kernels on the same tensors, the kernels are compared one by one, which holds for
any number of blocks and any extents. Else both programs are run on terms with all their blocks, and the
tensors that can be seen outside are compared element by element.
"""

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Protocol

import numpy as np
from xdsl.dialects import func
from xdsl.dialects.builtin import ModuleOp

from dialects.dsv4.functions import ORCHESTRATION, program_functions
from dsv4_passes.diagnostics import UserError, collect
from dsv4_passes.equivalence.alike import alike
from dsv4_passes.equivalence.lanes import LaneContext
from dsv4_passes.equivalence.symbolic_memory import Ids
from dsv4_passes.equivalence.term_text import describe
from dsv4_passes.transforms.program.propagate_facts import propagate_facts

from .compare import broken, unknown_in_both, without_formula
from .kernels import comparables
from .launches import same_launches
from .modular import Held, run_modular
from .modules import compare_modules, unchanged_kernels
from .program_terms import RunBudget, TermBlocks, run_program_on_terms
from .proved_alone import ProvedAlone, proved_alone
from .rounding import DroppedRoundings
from .verdict import ROUNDING, ZERO_SIGN, Allowed, Lane, Verdict


class Program(Protocol):
    """Something that can be run on terms: a module, or a folder of texts."""

    @property
    def name(self) -> str: ...

    def run(self, blocks: TermBlocks) -> Mapping[str, Ids | Held]:
        """What the outputs hold in the end. UserError where that cannot be told."""
        ...


class ModuleProgram:
    """A program as a module; kernels in buffer form are raised, in place.

    Those named in `same`, and those of `alone`, are not run: they are functions of their arguments
    (modular.py).
    """

    def __init__(
        self, module: ModuleOp, same: Collection[str] = (), alone: Mapping[str, ProvedAlone] | None = None
    ):
        self.module, self.same, self.alone = module, same, alone or {}
        name = module.attributes.get("sym_name")
        self.name: str = getattr(name, "data", "the program")

    def run(self, blocks: TermBlocks) -> Mapping[str, Ids | Held]:
        with collect():
            propagate_facts(self.module)  # and drop those that a launch does not keep
        others = [*(f.sym_name.data for f in self.orchestrations()), *self.same]
        found = comparables(self.module, others)
        refusals = [c.refusal for c in found.values() if c.refusal is not None]
        if refusals:
            raise refusals[0]
        kernels = {name: each.kernel for name, each in found.items()}
        if self.same:
            return run_modular(self.module, kernels, blocks, self.same, self.alone)
        return run_program_on_terms(self.module, kernels, blocks)

    def orchestrations(self) -> list[func.FuncOp]:
        return list(program_functions(self.module, ORCHESTRATION))


def unchanged_program(before: ModuleOp, after: ModuleOp) -> bool:
    """Every function is unchanged, operation by operation."""
    ours, theirs = (
        {op.sym_name.data: op for op in module.ops if isinstance(op, func.FuncOp)}
        for module in (before, after)
    )
    return ours.keys() == theirs.keys() and all(
        alike(function, theirs[name]) for name, function in ours.items()
    )


def compare_program_modules(
    before: ModuleOp, after: ModuleOp, allowed: Allowed, seconds: float
) -> list[Verdict]:
    """Verdicts about two programs that are modules, which are raised in place."""
    if same_launches(before, after):
        orchestrations = [f.sym_name.data for f in program_functions(before, ORCHESTRATION)]
        same = [*unchanged_kernels(before, after), *orchestrations]
        with collect():
            propagate_facts(before)
        kernels = [v for v in compare_modules(before, after, allowed, same) if v.name not in orchestrations]
        if all(v.outcome in ("unchanged", "proved") for v in kernels):
            return kernels
    started = time.process_time()
    if same := unchanged_kernels(before, after):
        orchestrations = [f.sym_name.data for f in program_functions(before, ORCHESTRATION)]
        alone = proved_alone(before, after, [*same, *orchestrations])
        programs = ModuleProgram(before, same, alone), ModuleProgram(after, same, alone)
        if (verdict := compare_programs(*programs, allowed, seconds)).outcome == "proved":
            return [verdict]
    left = max(0.0, seconds - (time.process_time() - started))
    return [compare_programs(ModuleProgram(before), ModuleProgram(after), allowed, left)]


def compare_programs(before: Program, after: Program, allowed: Allowed, seconds: float) -> Verdict:
    """Whether `after` leaves in every tensor that can be seen outside what `before` does."""
    context, budget = LaneContext(), RunBudget(seconds)
    runs = TermBlocks(context, budget), TermBlocks(context, budget)
    try:
        ours = dict(before.run(runs[0]))
    except UserError as error:
        return Verdict(before.name, "undecided", reason=error.message)
    try:
        theirs = dict(after.run(runs[1]))
    except UserError as error:
        return Verdict(before.name, *broken(error))
    outputs, lanes = tuple(ours), sum(ids.size for ids in ours.values())
    try:
        ours, theirs = _looked_at(ours, theirs, runs)
    except UserError as error:
        return Verdict(before.name, "undecided", reason=error.message)
    conditions = runs[0].conditions | runs[1].conditions
    wrong = _first_difference(ours, theirs)
    for more, equal in _allowances(allowed, context):
        if wrong is not None and _first_difference(ours, theirs, equal) is None:
            conditions, wrong = conditions | {more}, None
    if wrong is None and (name := _undefined(ours, context)) is not None:
        reason = f"it is not known what all of '{name}' holds: a store goes beyond the rows that its tile has"
        return Verdict(before.name, "undecided", reason=reason, outputs=outputs, without_formula=True)
    if wrong is None:
        return Verdict(before.name, "proved", tuple(sorted(conditions)), outputs=outputs, lanes=lanes)
    name, element = wrong
    if element is None:
        reason = f"only one of the programs writes '{name}', or they write it in another size"
        return Verdict(before.name, "different", reason=reason, outputs=outputs)
    if runs[0].disturbed or runs[1].disturbed:
        reason = f"element {element} of '{name}' depends on stores at addresses that are not known"
        return Verdict(before.name, "undecided", reason=reason, outputs=outputs)
    terms = int(ours[name].reshape(-1)[element]), int(theirs[name].reshape(-1)[element])
    if unknown_in_both(context.domain.table, terms):
        reason = f"element {element} of '{name}' differs, and rests on {without_formula(context, terms)}"
        return Verdict(before.name, "undecided", reason=reason, outputs=outputs, without_formula=True)
    texts = [describe(context.domain.table, term) for term in terms]
    lane = Lane(name, element, texts[0], texts[1], terms)
    reason = f"element {element} of '{name}' differs"
    return Verdict(before.name, "different", (), reason, lane, outputs, lanes)


def _looked_at(
    ours: Mapping[str, Ids | Held], theirs: Mapping[str, Ids | Held], runs: Sequence[TermBlocks]
) -> tuple[dict[str, Ids], dict[str, Ids]]:
    """The terms of outputs, as far as they have to be compared. UserError where one is not known so far."""
    found: tuple[dict[str, Ids], dict[str, Ids]] = {}, {}
    for terms, mine, others in zip(found, (ours, theirs), (theirs, ours), strict=True):
        for name, value in mine.items():
            if not isinstance(value, Held):
                terms[name] = value
            elif not isinstance(other := others.get(name), Held) or value != other:
                raise UserError(f"'{name}' comes from other operations, or from other tensors")
    for name in found[0].keys() & found[1].keys():
        a, b = (terms[name] for terms in found)
        if a.shape == b.shape and not np.array_equal(a, b):
            for run, terms in zip(runs, found, strict=True):
                terms[name] = terms[name].copy()
                if run.resolve is not None:  # an element may be named here, and be a term there
                    terms[name][a != b] = run.resolve(terms[name][a != b])
    return found


def _undefined(outputs: Mapping[str, Ids], context: LaneContext) -> str | None:
    """An output with elements that rest on lanes which no tile had."""
    among, table = context.undefined.among, context.domain.table
    return next((name for name, ids in outputs.items() if among(table, ids).any()), None)


def _allowances(allowed: Allowed, context: LaneContext) -> list[tuple[str, Callable[[Ids, Ids], bool]]]:
    """What may differ, and whether nothing else does between two tensors."""
    domain, found = context.domain, list[tuple[str, Callable[[Ids, Ids], bool]]]()
    if allowed.zero_sign:
        found.append((ZERO_SIGN, lambda a, b: np.array_equal(domain.strip_zero(a), domain.strip_zero(b))))
    if allowed.rounding:
        restored = DroppedRoundings(context).restored
        found.append((ROUNDING, lambda a, b: np.array_equal(a, restored(a, b))))
    return found


def _first_difference(
    ours: Mapping[str, Ids], theirs: Mapping[str, Ids], equal: Callable[[Ids, Ids], bool] = np.array_equal
) -> tuple[str, int | None] | None:
    """The first output that differs and its first element that does; no element where sizes differ."""
    for name in dict.fromkeys([*ours, *theirs]):
        if name not in ours or name not in theirs or ours[name].size != theirs[name].size:
            return name, None
        a, b = (tensors[name].reshape(-1) for tensors in (ours, theirs))
        if not equal(a, b):
            return name, int(np.argmax(a != b))
    return None


def is_program_module(module: ModuleOp) -> bool:
    """Whether a module has an orchestration, and not only kernels."""
    return any(True for _ in program_functions(module, ORCHESTRATION))
