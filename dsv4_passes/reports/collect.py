"""What the kernels of a module cost, how their lanes move and what their memory holds, before and after."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects import func
from xdsl.dialects.builtin import ModuleOp

from dialects.pto.base import TileOp, target_arch
from dialects.pto.forms import is_buffer_form
from dsv4_passes.equivalence.alike import alike
from dsv4_passes.targets import Chip
from dsv4_passes.targets import chip as find_chip
from dsv4_passes.targets.assumptions import assumed
from dsv4_passes.transforms.common.cost import FunctionCost, function_cost
from dsv4_passes.transforms.common.decisions import Decision
from dsv4_passes.transforms.raising.raise_tiles import PtoRaisePass
from dsv4_passes.xdsl_extras.functions import functions_in

from .lane_flow import Strip, lane_strips
from .memory_map import MemoryMap, memory_map
from .program_summary import ProgramSummary


@dataclass(frozen=True)
class KernelState:
    """A kernel as it was, or as it is now."""

    costs: FunctionCost
    lanes: tuple[Strip, ...]
    memory: MemoryMap


@dataclass(frozen=True)
class KernelReport:
    """One kernel; one of the states is None where a kernel was added or removed."""

    name: str
    before: KernelState | None
    after: KernelState | None
    decisions: tuple[Decision, ...]


@dataclass(frozen=True)
class Report:
    """All kernels of a module."""

    source: str
    chip: str
    ptoas: str
    assumptions: tuple[str, ...]
    kernels: tuple[KernelReport, ...]
    program: ProgramSummary | None = None
    """What became of a whole program."""


def kernel_states(
    module: ModuleOp, chip: Chip, before: ModuleOp | None = None, states: Mapping[str, KernelState] = {}
) -> dict[str, KernelState]:
    """Each kernel of a module by name. The module is not changed.

    `before` and `states` are the module as it was, and the states of its kernels then.
    """
    raised = module
    if any(is_buffer_form(function) for function in functions_in(module)):
        raised = module.clone()
        PtoRaisePass().apply(Context(), raised)
    in_values = {f.sym_name.data: f for f in _kernels(raised)}
    earlier = {} if before is None else {f.sym_name.data: f for f in functions_in(before)}
    found: dict[str, KernelState] = {}
    for function in _kernels(module):
        name = function.sym_name.data
        if name in states and name in earlier and alike(earlier[name], function):
            found[name] = states[name]
            continue
        strips = lane_strips(in_values[name]) if name in in_values else []
        found[name] = KernelState(function_cost(function, chip), tuple(strips), memory_map(function, chip))
    return found


def chip_of(module: ModuleOp, name: str | None) -> Chip:
    """The chip that is named, else that of the module."""
    return find_chip(name or target_arch(module))


def build_report(
    source: str,
    chip: Chip,
    ptoas: str,
    before: dict[str, KernelState],
    after: dict[str, KernelState],
    decisions: Sequence[Decision],
) -> Report:
    """Assemble the states before and after, and the decisions in between."""
    names = dict.fromkeys((*before, *after, *(d.function for d in decisions)))
    kernels = [
        KernelReport(
            name, before.get(name), after.get(name), tuple(d for d in decisions if d.function == name)
        )
        for name in names
    ]
    stated = tuple(f"{a.chip + '.' if a.chip else ''}{a.name}={a.value} ({a.source})" for a in assumed())
    return Report(source, chip.name, ptoas, stated, tuple(kernels))


def _kernels(module: ModuleOp) -> Iterator[func.FuncOp]:
    for function in functions_in(module):
        if any(isinstance(op, TileOp) for op in function.walk()):
            yield function
