"""The ways to lower the lane operations of a function: which forms, rotations how wide, lanes how narrow."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from xdsl.dialects import func
from xdsl.ir import SSAValue

from dialects.dsv4.lanes import RotatePairsOp
from dsv4_passes.source_names import carry_names
from dsv4_passes.targets import Cost
from dsv4_passes.transforms.common.cleanup import eliminate_dead_code
from dsv4_passes.transforms.common.cost import function_cost
from dsv4_passes.transforms.memory.fit_ub import chunkings, too_large

from .adjacent_tiles import convert_adjacent_tiles
from .form_choice import Choice, lower
from .forms import LANE_FORMS
from .forms.form import Form, Target
from .forms.scatter_pair import SCATTER_PAIR, SCATTER_PAIR_ADD
from .full_broadcasts import use_full_broadcasts
from .rotation import Width

FormName = Literal[
    "auto",
    "bit-swap",
    "bit-pack",
    "transpose",
    "mask-gather",
    "flat-gather",
    "row-gather",
    "scatter-pair",
    "index-scatter",
]


@dataclass(frozen=True)
class Style:
    """How a form that is asked for by name is used."""

    forms: tuple[str, ...] = ()
    """The form requested where it applies; other operations take the cheapest."""
    widths: tuple[Width, ...] = ("halves", "full")
    """How rotations are taken."""
    narrow: tuple[bool, ...] = (True, False)
    """Whether lanes are moved in the narrowest type, or as f32 where they end as such."""
    table: tuple[Form, ...] = LANE_FORMS
    order: int = 0
    """Of several styles of one name, the first whose result is proved equal stays."""
    fallback: bool = False
    """Only for functions that the name's own styles cannot do as a whole."""


OTHERS = tuple(form for form in LANE_FORMS if form is not SCATTER_PAIR)
STYLES: dict[FormName, tuple[Style, ...]] = {
    "auto": (Style(),),
    "bit-swap": (Style(("bit-swap", "bit-double"), ("full",), (True,)),),
    "bit-pack": (Style(("bit-pack", "bit-double"), ("halves",), (True,)),),
    "transpose": (Style(("transpose",), narrow=(False,)),),
    "mask-gather": (Style(("mask-gather",), ("halves",)),),
    "flat-gather": (Style(("flat-gather",), narrow=(False,)),),
    "row-gather": (Style(("row-gather",), ("full",), (False,)),),
    "scatter-pair": tuple(
        Style(("scatter-pair", "mask-gather"), ("halves",), (False,), (form, *OTHERS), order)
        for order, form in enumerate((SCATTER_PAIR_ADD, SCATTER_PAIR))
    ),
    "index-scatter": (Style(("index-scatter", "mask-gather"), ("halves",)),),
}


def where_it_goes(wanted: FormName) -> Style:
    """The forms of that name where they are legal, whatever way leads there."""
    return Style(STYLES[wanted][0].forms, fallback=True)


@dataclass(frozen=True)
class Lowered:
    """A function with its lane operations lowered in one way."""

    function: func.FuncOp
    choices: Sequence[Choice]
    way: "Way"
    cost: Cost
    rows: int | None
    """It works on so many rows at a time, because all of them did not fit into memory."""
    directions: frozenset[str] = frozenset()
    """Which ways its rotations turn."""

    def adjacent(self) -> "Lowered":
        """The same with tiles that are converted alike next to each other, where that costs less."""
        best = self
        for loaded in (True, False):
            trial = clone(self.function)
            if not convert_adjacent_tiles(trial, loaded):
                continue
            eliminate_dead_code(trial)
            cost = function_cost(trial, self.way.target.chip).cycles
            if cost.cycles < best.cost.cycles:
                best = replace(self, function=trial, cost=cost)
        return best

    def with_full_broadcasts(self) -> "Lowered":
        """The same with rows that are used for all rows repeated to whole vectors, where that costs less."""
        target, trial = self.way.target, clone(self.function)
        if target.pypto is not None or not use_full_broadcasts(trial, target.builder):
            return self
        cost = function_cost(trial, target.chip).cycles
        return replace(self, function=trial, cost=cost) if cost.cycles < self.cost.cycles else self

    @property
    def rank(self) -> tuple[int, int, int]:
        """The best first: with most of the forms that were asked for, in their order, then cheapest."""
        style = self.way.style
        others = sum(choice.form.name not in style.forms for choice in self.choices) if style.forms else 0
        return others, style.order, self.cost.cycles


@dataclass(frozen=True)
class Way:
    """One way to lower a function."""

    target: Target
    style: Style
    width: Width
    narrowed: bool
    joined: bool = True
    """Whether tiles that are converted alike may be put next to each other."""

    def lower(self, function: func.FuncOp, rows: int | None = None) -> Lowered:
        """A copy of the function, lowered. Raises NoForm."""
        trial = clone(function)
        style = self.style
        choices = lower(trial, self.target, self.width, self.narrowed, style.forms, style.table)
        cost = function_cost(trial, self.target.chip).cycles
        found = Lowered(trial, choices, self, cost, rows, directions(function))
        return (found.adjacent() if self.joined else found).with_full_broadcasts()

    def too_large(self, function: func.FuncOp) -> str | None:
        target = self.target
        chip, ptoas = target.chip.name, target.ptoas.version
        return too_large(function, chip, ptoas, target.pypto is not None, target.level)

    def fitting(self, function: func.FuncOp, lowered: Lowered) -> Lowered | None:
        """What was made of the function, if it fits into vector memory, else of it in chunks of rows."""
        if self.too_large(lowered.function) is None:
            return lowered
        apart = replace(self, joined=False).lower(function)
        if self.too_large(apart.function) is None:
            return apart
        for trial, size in chunkings(function, []):
            if self.too_large((smaller := self.lower(trial, size)).function) is None:
                return smaller
        return None


def directions(function: func.FuncOp) -> frozenset[str]:
    """Which ways the rotations of a function turn: `forward`, `inverse`, or as the signs in a table say."""
    rotations = (op for op in function.walk() if isinstance(op, RotatePairsOp))
    return frozenset(
        "signed" if op.signed is not None else "inverse" if op.inverse is not None else "forward"
        for op in rotations
    )


def ways(function: func.FuncOp, target: Target, style: Style) -> Iterator[Way]:
    """The ways in which a style lowers a function."""
    rotates = any(isinstance(op, RotatePairsOp) for op in function.walk())
    for width in style.widths if rotates else style.widths[:1]:
        for narrowed in style.narrow:
            yield Way(target, style, width, narrowed)


def clone(function: func.FuncOp) -> func.FuncOp:
    """A copy whose values are called as in the source."""
    values: dict[SSAValue, SSAValue] = {}
    copy = function.clone(values)
    carry_names(values)
    return copy
