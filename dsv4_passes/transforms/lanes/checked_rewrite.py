"""Replace a value by another one that holds the same lanes, and keep it only if that is proved.

This is the engine under the rewriting passes. A pass names the sites it cares about; for each, from the
last to the first, forms are tried, cheapest first: build it, put it in place, run the function on terms
again, and compare everything it does to memory with what it did before. What is not equal is taken out
again. What a guard may accept besides equality is said in `Policy`.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal

import numpy as np
from xdsl.dialects import func
from xdsl.ir import Operation, SSAValue

from dialects.dsv4.opaque import CoreMoveOp
from dialects.pto.base import layout_of
from dialects.pto.memory import TStoreOp
from dialects.pto.moves import TMovOp
from dialects.pto.types import PartitionTensorViewType, TileType
from dsv4_passes.diagnostics import UserError
from dsv4_passes.equivalence.comparison import Difference, compare_effects
from dsv4_passes.equivalence.effects import Effect, Store
from dsv4_passes.equivalence.facts import facts_of
from dsv4_passes.equivalence.lanes import LaneContext, LaneRun, run_lanes
from dsv4_passes.targets import LATEST, chip_for
from dsv4_passes.targets import ptoas as find_ptoas
from dsv4_passes.transforms.common.cleanup import eliminate_dead_code
from dsv4_passes.transforms.common.lane_index import Ids, LaneIndex

from .builder import Builder, CannotBuild

Guard = Literal["exact", "bf16-fallback", "contract-rounding"]
SignedZero = Literal["exact", "ignore"]


@dataclass(frozen=True)
class Policy:
    """How much a rewrite may change (by default nothing, not even the sign of a zero), and the target."""

    guard: Guard = "exact"
    signed_zero: SignedZero = "exact"
    chip: str | None = None
    """The module's own unless given."""
    ptoas: str | float = LATEST


@dataclass(frozen=True)
class Candidate:
    """A form to try: what it is called in remarks, how it is built, and which roundings it drops."""

    what: str
    build: Callable[[Builder], SSAValue]
    drops_rounding: bool = False


@dataclass(frozen=True)
class Rewritten:
    """A site that was replaced: by what, and what the equality rests on."""

    candidate: Candidate
    value: SSAValue
    conditions: frozenset[str]
    inexact: bool = False
    zero_sign: bool = False

    @property
    def given(self) -> frozenset[str]:
        """The conditions, and what the policy let change."""
        changed = (("SZ", self.zero_sign), ("rounding", self.inexact))
        return self.conditions.union(name for name, was in changed if was)


@dataclass
class CheckedRewrite:
    """One function under rewriting, with its current lanes."""

    function: func.FuncOp
    policy: Policy = field(default_factory=Policy)
    partly: bool = False
    """Whether tiles with fewer valid rows are looked at, too."""

    def __post_init__(self) -> None:
        self.context = LaneContext()
        self.chip = chip_for(self.function, self.policy.chip)
        try:
            self.ptoas = find_ptoas(self.policy.ptoas)
        except ValueError as error:
            raise UserError(str(error)) from None
        self.index  # a function that cannot be run is refused before anything is tried

    @cached_property
    def run(self) -> LaneRun:
        """The function as it is now."""
        return self.lanes()

    @cached_property
    def index(self) -> LaneIndex:
        return LaneIndex(self.function, self.run, self.partly)

    def forget(self) -> None:
        """Discard results after a change; they are recomputed on demand."""
        for name in ("run", "index"):
            self.__dict__.pop(name, None)

    def adopt(self, run: LaneRun) -> None:
        """Go on with a run of the function as it is but for operations that were erased since."""
        self.forget()
        ops = set(self.function.walk())
        values = {
            v for op in ops for v in (*op.results, *(a for r in op.regions for b in r.blocks for a in b.args))
        }
        if all(v in run.instances for v in values if isinstance(v.type, TileType)):
            tiles = {value: found for value, found in run.instances.items() if value in values}
            loads = [(op, box) for op, box in run.loads if op in ops]
            self.__dict__["run"] = replace(run, instances=tiles, loads=loads)

    def builder(self, site: Operation, instead_of: Operation | None = None) -> Builder:
        """Builds in front of `site` what takes the place of an operation, whose location it gets."""
        return Builder(site, self.chip, self.ptoas, instead_of)

    def lanes(self) -> LaneRun:
        return run_lanes(self.function, selectors=facts_of(self.function), context=self.context)

    # -- lanes -------------------------------------------------------------------------------------

    def unrounded(self, ids: Ids) -> Ids | None:
        """What was rounded to bf16, if every lane is the result of one rounding; else None."""
        plain = self.index.strip(ids)
        unique, inverse = np.unique(plain, return_inverse=True)
        under = [self.under_rounding(int(term)) for term in unique]
        if None in under or under == unique.tolist():
            return None
        return np.array(under, np.int64)[inverse].reshape(ids.shape)

    def under_rounding(self, term: int) -> int | None:
        """The term without the rounding to the nearest bf16 at its root; a constant is what it was.

        Of other roundings the bound that `contract-rounding` states does not hold.
        """
        table = self.context.domain.table
        head = table.head(term)
        if head in (("round", "bf16", "RINT"), ("round", "bf16", "ROUND")):
            return table.args(term)[0]
        if head == ("neg",) and (inner := self.under_rounding(table.args(term)[0])) is not None:
            return table.neg(inner)
        return term if table.number(term) is not None else None

    def is_zero(self, ids: Ids) -> bool:
        """Every lane is exactly +0, or the integer 0: its bits are all 0."""
        table = self.context.domain.table
        return bool(np.isin(ids, (table.zero, table.int_constant(0))).all())

    # -- replacing ---------------------------------------------------------------------------------

    def try_all(self, value: SSAValue, candidates: Iterable[Candidate]) -> Rewritten | list[str]:
        """Replace `value` by the first candidate that is proved equal, or say why each failed."""
        reasons: list[str] = []
        for candidate in candidates:
            owner = value.owner if isinstance(value.owner, Operation) else None
            builder = self.builder(_anchor(value), owner)
            try:
                new = candidate.build(builder)
                undo = self.put_in_place(builder, value, new)
            except CannotBuild as stuck:
                builder.undo()
                reasons.append(str(stuck))
                continue
            try:
                after = self.lanes()
            except UserError as error:
                undo()
                builder.undo()
                reasons.append(f"{candidate.what}: {error.message}")
                continue
            difference = compare_effects(self.run, after)
            if (accepted := self.accept(difference, candidate, after, value, new)) is not None:
                eliminate_dead_code(self.function)
                self.adopt(after)
                return accepted
            undo()
            builder.undo()
            reasons.append(f"{candidate.what} is not equal: {difference}")
        return list(dict.fromkeys(reasons))

    def accept(
        self,
        difference: Difference | None,
        candidate: Candidate,
        after: LaneRun,
        old: SSAValue,
        new: SSAValue,
    ) -> Rewritten | None:
        """Whether the policy lets a candidate stay, and what its equality rests on."""
        conditions = self.run.conditions(old) | after.conditions(new)
        if difference is None:
            return Rewritten(candidate, new, conditions)
        if self.policy.signed_zero == "ignore" and self.differs_in_zeros_only(after):
            return Rewritten(candidate, new, conditions, zero_sign=True)
        if (
            self.policy.guard == "contract-rounding"
            and candidate.drops_rounding
            and self.only_rounding_dropped(after, old, new)
        ):
            return Rewritten(candidate, new, conditions, inexact=True)
        return None

    def only_rounding_dropped(self, after: LaneRun, old: SSAValue, new: SSAValue) -> bool:
        """`new` holds what was rounded in `old`, the sign of zeros aside; nothing else was changed."""
        before = self.index.ids(old)
        wanted = None if before is None else self.unrounded(before)
        found = LaneIndex(self.function, after, self.partly).ids(new)
        if wanted is None or found is None or wanted.shape != found.shape:
            return False
        return np.array_equal(self.index.strip(wanted), self.index.strip(found))

    def differs_in_zeros_only(self, after: LaneRun) -> bool:
        """What is stored differs in nothing but the sign of zeros."""
        before, now = (replace(run, effects=self.without_zero_signs(run)) for run in (self.run, after))
        return compare_effects(before, now) is None

    def without_zero_signs(self, run: LaneRun) -> list[Effect]:
        strip = self.context.domain.strip_zero
        return [
            replace(effect, ids=strip(effect.ids)) if isinstance(effect, Store) else effect
            for effect in run.effects
        ]

    def put_in_place(self, builder: Builder, old: SSAValue, new: SSAValue) -> Callable[[], None]:
        """Make all uses of `old` use `new`; returns how to take that back.

        A store from an accumulator may convert; one from vector memory cannot, so the conversion
        becomes an operation.
        """
        changed: list[tuple[Operation, int]] = []
        inside = set(builder.made)

        def undo() -> None:
            for op, index in changed:
                op.operands[index] = old

        try:
            for use in list(old.uses):
                if use.operation in inside:
                    continue
                value = self.as_wanted(builder, use.operation, old, new)
                use.operation.operands[use.index] = value
                changed.append((use.operation, use.index))
        except CannotBuild:
            undo()
            raise
        return undo

    def as_wanted(self, builder: Builder, user: Operation, old: SSAValue, new: SSAValue) -> SSAValue:
        """The replacement as one user takes it."""
        have, want = layout_of(new), layout_of(old)
        if (have.loc, have.dtype) == (want.loc, want.dtype) and have.shape == want.shape:
            return new
        if isinstance(user, TStoreOp) and isinstance(view := user.outs[0].type, PartitionTensorViewType):
            if view.data.dtype == have.dtype:
                return new
            at_user = self.builder(user)
            value = at_user.convert(new, view.data.dtype, "RINT")
            builder.made += at_user.made
            return value
        if isinstance(user, (TMovOp, CoreMoveOp)) and layout_of(user.results[0]).loc == have.loc:
            return new
        if have.loc != want.loc:
            raise CannotBuild(f"its result goes to '{user.name}', which takes it from {want.loc} memory only")
        sizes = (f"{layout.rows}x{layout.cols}x{layout.dtype}" for layout in (want, have))
        raise CannotBuild("its result goes to '{}', which takes {}, not {}".format(user.name, *sizes))

    # -- walking -----------------------------------------------------------------------------------

    def from_the_last(self, wanted: Callable[[SSAValue], bool]) -> Iterator[SSAValue]:
        """Sites in reverse order, each once, as they are while rewriting goes on."""
        seen: set[SSAValue] = set()
        while True:
            sites = [
                value
                for op in self.function.walk()
                for value in op.results
                if isinstance(value.type, TileType) and value not in seen and wanted(value)
            ]
            if not sites:
                return
            seen.add(sites[-1])
            yield sites[-1]


def _anchor(value: SSAValue) -> Operation:
    """New operations go right behind the one that defines the value."""
    owner = value.owner
    assert isinstance(owner, Operation)
    following = owner.next_op
    assert following is not None
    return following
