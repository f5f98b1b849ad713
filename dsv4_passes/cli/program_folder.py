"""A whole program as files: a `.pto` text per kernel, and `program.json`, which says how they are run.

    {"program": "staged_rope", "chip": "a2a3", "ptoas": "0.60",
     "kernels": [{"name": "rotate", "file": "rotate.pto", "core": "vector", "arguments": [
         {"name": "x", "direction": "in", "dtype": "bf16", "shape": [64, 64]},
         {"name": "__pypto_spmd_block_idx", "hidden": "block_idx", "dtype": "i32"}]}],
     "orchestration": [{"name": "main", "parameters": […], "steps": [
         {"create": "stage", "dtype": "bf16", "shape": [256, 64]},
         {"launch": "rotate", "blocks": 4, "arguments": ["x", "stage"]}]}]}

A kernel that has no text has no `file`, but `not written` and the reason; so has an orchestration instead of
`steps`; a program with functions that are only known as text lists them under `not written`. Such a folder
holds what could be written, and is not run as a program.

Steps run in order; a tensor goes by the name of its memory, whatever its version, and a part of one is
`{"of": "stage", "shape": [64, 64], "offsets": [0, 64]}`. Numbers that are not constant are expressions of
the program text. Launches pass what is not `hidden`. A loop is a step with `for`, `from`, `to`, `step` and
`steps`, a branch one with `if`, `then` and `else`. A kernel that works on
both cores ("core": "mixed") becomes two functions in one text, `NAME_aic` and `NAME_aiv`, which take the
same arguments; on a2a3 one of them is the memory through which the two hand tiles to each other.
"""

import json
import re
from collections.abc import Collection, Mapping
from io import StringIO
from pathlib import Path
from typing import Literal, NamedTuple

from xdsl.context import Context
from xdsl.dialects import func
from xdsl.dialects.builtin import FunctionType, ModuleOp, StringAttr
from xdsl.ir import SSAValue
from xdsl.traits import SymbolTable

from dialects.dsv4.functions import (
    KERNEL,
    ORCHESTRATION,
    Parameter,
    parameters,
    program_functions,
)
from dialects.dsv4.launch import KeptOp
from dialects.dsv4.opaque import TextCallOp
from dialects.pto.allocation import AllocTileOp
from dialects.pto.attributes import KernelKindAttr
from dialects.pto.types import PtrType, element_name
from dsv4_passes.diagnostics import UserError, about, location_text, refused
from dsv4_passes.formats.pto.target import PtoTarget
from dsv4_passes.targets import LATEST, chip_for
from dsv4_passes.targets import ptoas as find_ptoas
from dsv4_passes.transforms.lowering.lower_tiles import PtoLowerPass
from dsv4_passes.transforms.lowering.placement import DoesNotFit
from dsv4_passes.transforms.mixed.add_channels import (
    MOST_SLOTS,
    SLOTS,
    Channel,
    add_channels,
    channel_of,
    core_of,
    drop_undefined,
    gather_pieces,
    slots_in_gm,
    slots_index,
)
from dsv4_passes.transforms.mixed.channel_schedule import CannotSplit
from dsv4_passes.transforms.mixed.split_mixed import split
from dsv4_passes.transforms.program.live_scalars import live_scalars
from dsv4_passes.validation.program_folder import DESCRIPTION, NOT_WRITTEN, Json

from .program_steps import Steps, element_of


def program_files(
    module: ModuleOp,
    ptoas: str | float = LATEST,
    chip: str | None = None,
    level: Literal["level2", "level3"] = "level3",
    types: Literal["short", "long"] = "short",
    launcher: bool = False,
) -> dict[str, str]:
    """The texts of all kernels of a program and `program.json`, by file name, and launchers if asked for.

    `chip` is what the module says unless given. What has no text is said in a remark and marked in
    `program.json`. Raises UserError where no kernel has one.
    """
    arch = chip or chip_for(module, chip).name
    files: dict[str, str] = {}
    channels: dict[str, Channel | None] = {}
    missing: dict[str, UserError] = {}
    for op in module.ops:
        if isinstance(op, KeptOp):
            name = op.sym_name.data
            missing[name] = UserError(f"function '{name}' is only known as text", op.location)
    for kernel in program_functions(module, KERNEL):
        name = _file_name(kernel)
        if name.lower() in (other.lower() for other in files):  # one file where case does not count
            raise UserError(f"two kernels would both be written to '{name}'", kernel.location)
        try:
            files[name], channels[kernel.sym_name.data] = kernel_text(kernel, arch, ptoas, level, types)
        except UserError as problem:
            missing[kernel.sym_name.data] = problem
    if missing and not files:
        raise next(iter(missing.values()))
    description = describe(module, arch, find_ptoas(ptoas).version, channels, missing)
    for name, problem in missing.items():
        say_missing(module, name, problem)
    files[DESCRIPTION] = json_text(description)
    if launcher:
        from dsv4_passes.formats.pto.launcher import launchers

        if missing:
            raise UserError(f"no launcher: '{next(iter(missing))}' is not written", module.location)
        try:
            files |= launchers(description)
        except ValueError as error:
            raise UserError(f"no launcher: {error}", module.location) from None
    return files


def say_missing(module: ModuleOp, name: str, problem: UserError) -> None:
    """A remark that a function is not among the files."""
    function = SymbolTable.lookup_symbol(module, name)
    assert function is not None
    at = problem.location if problem.location != function.location else None
    place = at if isinstance(at, str) else location_text(at)
    with about(name):
        refused(
            function,
            f"'{name}' is not written as .pto{f' ({place})' if place else ''}: {_reason(problem)}; "
            "with -t pypto the whole program is written, for pypto to go on with",
            "no .pto text",
        )


def _reason(problem: UserError) -> str:
    """The message in one line; of what does not fit without the plan, and with what would."""
    if not isinstance(problem, DoesNotFit):
        return problem.message
    product = problem.space in ("left", "right")
    lift = "fewer columns at a time, summed up by matmul_acc," if product else "fewer rows at a time"
    return f"{problem.why}; {lift} would fit"


def _file_name(kernel: func.FuncOp) -> str:
    name = kernel.sym_name.data
    if re.fullmatch(r"[\w$-][\w$.-]*", name) is None:
        raise UserError(f"kernel '{name}' needs a name that a file can have", kernel.location)
    return f"{name}.pto"


def left_over(directory: Path) -> set[str]:
    """Names of files that an earlier run wrote: the kernels in a folder's `program.json`, and launchers."""
    try:
        kernels = json.loads((directory / DESCRIPTION).read_text(encoding="utf-8"))["kernels"]
        names = {str(k["file"]) for k in kernels if NOT_WRITTEN not in k}
    except (OSError, ValueError, LookupError, TypeError):
        return set()
    from dsv4_passes.formats.pto import launcher

    texts = {name for name in names if name == Path(name).name and name.endswith(".pto")}
    return texts | {name for name in launcher.NAMES if launcher.is_generated(directory / name)}


def json_text(value: Json) -> str:
    """JSON with one entry a line, but what holds only numbers and names on one."""
    text = json.dumps(value, indent=1)
    text = re.sub(r"\[\s+([^][{}]*?)\s+\]", lambda m: f"[{' '.join(m[1].split())}]", text)
    return re.sub(r"\{\s+([^{}]*?)\s+\}", lambda m: f"{{{' '.join(m[1].split())}}}", text) + "\n"


class KernelText(NamedTuple):
    """A kernel as text, and the channel between its two functions, if it has one."""

    text: str
    channel: Channel | None


def kernel_text(
    kernel: func.FuncOp,
    chip: str,
    ptoas: str | float,
    level: Literal["level2", "level3"],
    types: Literal["short", "long"],
) -> KernelText:
    """One kernel as a `.pto` text for that chip and that assembler.

    Its channel has as many slots as there are usually, or half as often as it takes for them to fit.
    """
    if (opaque := next((op for op in kernel.walk() if isinstance(op, TextCallOp)), None)) is not None:
        raise UserError(f"no .pto text for '{opaque.text.data}'", opaque.location)
    if any(isinstance(op, AllocTileOp) for op in kernel.walk()):
        problem = f"kernel '{kernel.sym_name.data}' has its tiles in memory already: leave pto-lower out"
        raise UserError(problem, kernel.location)
    slots = MOST_SLOTS
    while True:
        try:
            return _text(kernel.clone(), chip, ptoas, level, types, slots)
        except DoesNotFit:
            if slots == 1 or core_of(kernel) != "mixed" or channel_of(kernel) is None:
                raise
        slots //= 2


def _text(
    clone: func.FuncOp,
    chip: str,
    ptoas: str | float,
    level: Literal["level2", "level3"],
    types: Literal["short", "long"],
    slots: int,
) -> KernelText:
    """The text of a kernel, which changes, with at most so many slots in its channel."""
    core, channel = core_of(clone), None
    last = clone.body.block.last_op
    if isinstance(last, func.ReturnOp) and last.operands:
        # A kernel of .pto text returns nothing. Its launches are checked not to use scalar results.
        last.operands = []
        clone.properties["function_type"] = FunctionType.from_lists([*clone.function_type.inputs], [])
    drop_undefined(clone)
    clone.attributes.pop("dsv4.role")  # from here on it is a kernel like one that was read from `.pto`
    module = ModuleOp([clone], {"pto.target_arch": StringAttr(chip)})
    if core == "mixed":
        gather_pieces(clone)
        channel = add_channels(clone, slots_in_gm(chip), slots)
        try:
            split(clone)
        except CannotSplit as problem:
            name = clone.sym_name.data
            raise UserError(
                f"kernel '{name}' works on both cores and cannot be two functions: {problem}",
                problem.op.location,
            ) from problem
    else:
        clone.attributes["pto.kernel_kind"] = KernelKindAttr(core)
    PtoLowerPass(chip, ptoas, level).apply(Context(), module)
    output = StringIO()
    PtoTarget(ptoas, types, level).emit(Context(), module, output)
    return KernelText(output.getvalue(), channel)


# -- program.json --------------------------------------------------------------------------------


def describe(
    module: ModuleOp,
    chip: str,
    ptoas: str,
    channels: Mapping[str, Channel | None],
    missing: dict[str, UserError],
) -> Json:
    """What `program.json` says; `missing` are the functions that are not written, and why.

    An orchestration that has no steps is added to them.
    """
    name = module.attributes.get("sym_name")
    live = live_scalars(module)
    orchestrations = [_orchestration(f, live, missing) for f in program_functions(module, ORCHESTRATION)]
    kept = [op.sym_name.data for op in module.ops if isinstance(op, KeptOp)]
    return {
        "program": name.data if isinstance(name, StringAttr) else "program",
        "chip": chip,
        "ptoas": ptoas,
        "kernels": [
            {
                "name": kernel.sym_name.data,
                **_file(kernel, missing),
                "core": core_of(kernel),
                "arguments": _arguments(kernel, chip, channels.get(kernel.sym_name.data)),
            }
            for kernel in program_functions(module, KERNEL)
        ],
        "orchestration": orchestrations,
        **({NOT_WRITTEN: kept} if kept else {}),
    }


def _file(kernel: func.FuncOp, missing: Mapping[str, UserError]) -> Json:
    """Where the text of a kernel is, or why there is none."""
    problem = missing.get(kernel.sym_name.data)
    return {"file": _file_name(kernel)} if problem is None else {NOT_WRITTEN: _reason(problem)}


def _orchestration(function: func.FuncOp, live: Collection[SSAValue], missing: dict[str, UserError]) -> Json:
    found: Json = {
        "name": function.sym_name.data,
        "parameters": [_argument(function, p) for p in parameters(function)],
    }
    try:
        return found | {"steps": Steps(function, live).steps(function.body.block)}
    except UserError as problem:
        missing[function.sym_name.data] = problem
        return found | {NOT_WRITTEN: _reason(problem)}


def _arguments(kernel: func.FuncOp, chip: str, channel: Channel | None) -> list[Json]:
    """The arguments of a kernel's text."""
    found = [_argument(kernel, p) for p in parameters(kernel)]
    if slots_in_gm(chip) and channel is not None:
        slots: Json = {"name": SLOTS, "dtype": "f32", "hidden": SLOTS, "bytes_per_block": channel.bytes}
        found.insert(slots_index(kernel), slots)
    return found


def _argument(function: func.FuncOp, parameter: Parameter) -> Json:
    argument = function.body.block.args[parameter.index].type
    if not parameter.is_tensor:
        found: Json = {"name": parameter.name, "dtype": element_name(parameter.type)}
        return found | ({"hidden": parameter.hidden} if parameter.hidden else {})
    dtype = argument.data.dtype if isinstance(argument, PtrType) else element_of(parameter.type)
    return {
        "name": parameter.name,
        "direction": parameter.direction,
        "dtype": dtype,
        "shape": list(parameter.dims),
    }
