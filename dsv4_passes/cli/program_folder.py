"""A whole program as files: a `.pto` text per kernel, and `program.json`, which says how they are run.

    {"program": "staged_rope", "chip": "a2a3", "ptoas": "0.60",
     "kernels": [{"name": "rotate", "file": "rotate.pto", "core": "vector", "arguments": [
         {"name": "x", "direction": "in", "dtype": "bf16", "shape": [64, 64]},
         {"name": "__pypto_spmd_block_idx", "hidden": "block_idx", "dtype": "i32"}]}],
     "orchestration": [{"name": "main", "parameters": […], "steps": [
         {"create": "stage", "dtype": "bf16", "shape": [256, 64]},
         {"launch": "rotate", "blocks": 4, "arguments": ["x", "stage"]}]}]}

Steps run in order; a tensor goes by the name of its memory, whatever its version, and a part of one is
`{"of": "stage", "shape": [64, 64], "offsets": [0, 64]}`. Numbers that are not constant are expressions of
the program text. Launches pass what is not `hidden`. A loop is a step with `for`, `from`, `to`, `step` and
`steps`, a branch one with `if`, `then` and `else`. A kernel that works on
both cores ("core": "mixed") becomes two functions in one text, `NAME_aic` and `NAME_aiv`, which take the
same arguments; on a2a3 one of them is the memory through which the two hand tiles to each other.
"""

import json
import re
from collections.abc import Callable, Sequence
from io import StringIO
from pathlib import Path
from typing import Any, Literal

from xdsl.context import Context
from xdsl.dialects import func, scf
from xdsl.dialects.builtin import FunctionType, IntegerAttr, ModuleOp, StringAttr
from xdsl.ir import Block, BlockArgument, Operation, SSAValue

from dialects.dsv4.attributes import LoopAttr
from dialects.dsv4.functions import (
    KERNEL,
    ORCHESTRATION,
    Parameter,
    parameters,
    program_functions,
    visible,
    written,
)
from dialects.dsv4.launch import KeptOp, LaunchOp
from dialects.dsv4.opaque import TextCallOp
from dialects.dsv4.tensors import (
    AssembleOp,
    CreateOp,
    DimOp,
    ReadOp,
    SliceOp,
    TensorReshapeOp,
    UpdateOp,
    WriteOp,
)
from dialects.pto.allocation import AllocTileOp
from dialects.pto.attributes import KernelKindAttr
from dialects.pto.types import PtrType, element_name
from dsv4_passes.diagnostics import UserError
from dsv4_passes.formats.pto.target import PtoTarget
from dsv4_passes.formats.pypto.writer.text import FunctionText
from dsv4_passes.targets import LATEST, chip_for
from dsv4_passes.targets import ptoas as find_ptoas
from dsv4_passes.transforms.lowering.lower_tiles import PtoLowerPass
from dsv4_passes.transforms.mixed.add_channels import (
    SLOTS,
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
from dsv4_passes.validation.program_folder import DESCRIPTION, Json


def program_files(
    module: ModuleOp,
    ptoas: str | float = LATEST,
    chip: str | None = None,
    level: Literal["level2", "level3"] = "level3",
    types: Literal["short", "long"] = "short",
    launcher: bool = False,
) -> dict[str, str]:
    """The texts of all kernels of a program and `program.json`, by file name, and launchers if asked for.

    `chip` is what the module says unless given. Raises UserError for a kernel that has no text.
    """
    for op in module.ops:
        if isinstance(op, KeptOp):
            raise UserError(
                f"function '{op.sym_name.data}' is only known as text: no .pto can be made of it", op.location
            )
    arch = chip or chip_for(module, chip).name
    files: dict[str, str] = {}
    for kernel in program_functions(module, KERNEL):
        name = _file_name(kernel)
        if name.lower() in (other.lower() for other in files):  # one file where case does not count
            raise UserError(f"two kernels would both be written to '{name}'", kernel.location)
        files[name] = kernel_text(kernel, arch, ptoas, level, types)
    description = describe(module, arch, find_ptoas(ptoas).version)
    files[DESCRIPTION] = json_text(description)
    if launcher:
        from dsv4_passes.formats.pto.launcher import launchers

        try:
            files |= launchers(description)
        except ValueError as error:
            raise UserError(f"no launcher: {error}", module.location) from None
    return files


def _file_name(kernel: func.FuncOp) -> str:
    name = kernel.sym_name.data
    if re.fullmatch(r"[\w$-][\w$.-]*", name) is None:
        raise UserError(f"kernel '{name}' needs a name that a file can have", kernel.location)
    return f"{name}.pto"


def left_over(directory: Path) -> set[str]:
    """Names of files that an earlier run wrote: the kernels in a folder's `program.json`, and launchers."""
    try:
        kernels = json.loads((directory / DESCRIPTION).read_text(encoding="utf-8"))["kernels"]
        names = {str(k["file"]) for k in kernels}
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


def kernel_text(
    kernel: func.FuncOp,
    chip: str,
    ptoas: str | float,
    level: Literal["level2", "level3"],
    types: Literal["short", "long"],
) -> str:
    """One kernel as a `.pto` text for that chip and that assembler."""
    if (opaque := next((op for op in kernel.walk() if isinstance(op, TextCallOp)), None)) is not None:
        raise UserError(f"no .pto text for '{opaque.text.data}'", opaque.location)
    if any(isinstance(op, AllocTileOp) for op in kernel.walk()):
        problem = f"kernel '{kernel.sym_name.data}' has its tiles in memory already: leave pto-lower out"
        raise UserError(problem, kernel.location)
    clone = kernel.clone()
    last = clone.body.block.last_op
    if isinstance(last, func.ReturnOp) and last.operands:
        # A kernel of .pto text returns nothing. Its launches are checked not to use scalar results.
        last.operands = []
        clone.properties["function_type"] = FunctionType.from_lists([*clone.function_type.inputs], [])
    drop_undefined(clone)
    clone.attributes.pop("dsv4.role")  # from here on it is a kernel like one that was read from `.pto`
    module = ModuleOp([clone], {"pto.target_arch": StringAttr(chip)})
    if (core := core_of(kernel)) == "mixed":
        gather_pieces(clone)
        add_channels(clone, slots_in_gm(chip))
        try:
            split(clone)
        except CannotSplit as problem:
            name = kernel.sym_name.data
            raise UserError(
                f"kernel '{name}' works on both cores and cannot be two functions: {problem}; "
                "write the program with -t pypto",
                problem.op.location,
            ) from problem
    else:
        clone.attributes["pto.kernel_kind"] = KernelKindAttr(core)
    PtoLowerPass(chip, ptoas, level).apply(Context(), module)
    output = StringIO()
    PtoTarget(ptoas, types, level).emit(Context(), module, output)
    return output.getvalue()


# -- program.json --------------------------------------------------------------------------------


def describe(module: ModuleOp, chip: str, ptoas: str) -> Json:
    """What `program.json` says."""
    name = module.attributes.get("sym_name")
    return {
        "program": name.data if isinstance(name, StringAttr) else "program",
        "chip": chip,
        "ptoas": ptoas,
        "kernels": [
            {
                "name": kernel.sym_name.data,
                "file": _file_name(kernel),
                "core": core_of(kernel),
                "arguments": _arguments(kernel, chip),
            }
            for kernel in program_functions(module, KERNEL)
        ],
        "orchestration": [
            {
                "name": function.sym_name.data,
                "parameters": [_argument(function, p) for p in parameters(function)],
                "steps": _Steps(function).steps(function.body.block),
            }
            for function in program_functions(module, ORCHESTRATION)
        ],
    }


def _arguments(kernel: func.FuncOp, chip: str) -> list[Json]:
    """The arguments of a kernel's text."""
    found = [_argument(kernel, p) for p in parameters(kernel)]
    if core_of(kernel) == "mixed" and slots_in_gm(chip) and (channel := channel_of(kernel)) is not None:
        slots: Json = {"name": SLOTS, "dtype": "f32", "hidden": SLOTS, "bytes_per_block": channel.bytes}
        found.insert(slots_index(kernel), slots)
    return found


def _argument(function: func.FuncOp, parameter: Parameter) -> Json:
    argument = function.body.block.args[parameter.index].type
    if not parameter.is_tensor:
        found: Json = {"name": parameter.name, "dtype": element_name(parameter.type)}
        return found | ({"hidden": parameter.hidden} if parameter.hidden else {})
    dtype = argument.data.dtype if isinstance(argument, PtrType) else _dtype(parameter.type)
    return {
        "name": parameter.name,
        "direction": parameter.direction,
        "dtype": dtype,
        "shape": list(parameter.dims),
    }


def _dtype(tensor: Any) -> str:
    return element_name(tensor.element_type)


class _Steps:
    """The statements of an orchestration; tensors by the names of their memory."""

    def __init__(self, function: func.FuncOp):
        self.text = FunctionText()
        self.memory: dict[SSAValue, str | Json] = {}
        for parameter in parameters(function):
            argument = function.body.block.args[parameter.index]
            self.text.parameter(parameter, argument)
            self.memory[argument] = parameter.name
        self.makers: dict[type[Operation], Callable[[Any], Json | None]] = {
            LaunchOp: self.launch,
            CreateOp: self.create,
            TensorReshapeOp: self.view,
            SliceOp: self.view,
            AssembleOp: self.assemble,
            UpdateOp: self.update,
            ReadOp: self.read,
            WriteOp: self.write,
            DimOp: self.dim,
            scf.ForOp: self.loop,
            scf.IfOp: self.branch,
        }

    def steps(self, block: Block) -> list[Json]:
        found: list[Json] = []
        for op in block.ops:
            if (maker := self.makers.get(type(op))) is not None:
                if (step := maker(op)) is not None:
                    found.append(step)
            elif isinstance(op, TextCallOp):
                raise UserError(f"no step for '{op.text.data}'", op.location)
        return found

    def value(self, value: SSAValue) -> str | Json:
        """A tensor by its memory, a scalar as an expression."""
        return self.memory[value] if value in self.memory else self.text.scalar(value)

    def values(self, values: Sequence[SSAValue]) -> list[str | Json]:
        return [self.value(v) for v in values]

    def launch(self, op: LaunchOp) -> Json:
        kernel = op.function()
        inputs = dict(zip((p.index for p in visible(kernel)), op.args, strict=True))
        outputs = written(kernel)
        for parameter, result in zip(outputs, op.res, strict=False):
            self.memory[result] = self.memory[inputs[parameter.index]]
        blocks = op.blocks.value.data if isinstance(op.blocks, IntegerAttr) else op.blocks
        step: Json = {"launch": op.callee}
        if blocks is not None:
            step["blocks"] = blocks.data if isinstance(blocks, StringAttr) else blocks
        step["arguments"] = self.values(op.args)
        if any(result.uses for result in op.res[len(outputs) :]):
            problem = (
                f"the program goes on with a scalar that kernel '{op.callee}' returns, which no .pto text can"
            )
            raise UserError(f"{problem}; write the program with -t pypto", op.location)
        return step

    def shape(self, op: Operation, dims: Sequence[SSAValue]) -> list[int | str]:
        given = iter(dims)
        shape: tuple[int, ...] = getattr(op.results[0].type, "get_shape", tuple)()
        return [extent if extent >= 0 else self.text.scalar(next(given)) for extent in shape]

    def create(self, op: CreateOp) -> Json:
        self.memory[op.res] = name = self.text.name(op.res, "tensor")
        return {"create": name, "dtype": _dtype(op.res.type), "shape": self.shape(op, op.dims)}

    def view(self, op: TensorReshapeOp | SliceOp) -> None:
        seen: Json = {"of": self.memory[op.source], "shape": self.shape(op, op.dims)}
        if isinstance(op, SliceOp):
            seen["offsets"] = self.values(op.offsets)
        self.memory[op.res] = seen

    def assemble(self, op: AssembleOp) -> Json | None:
        self.memory[op.res] = self.memory[op.dest]
        if "dsv4.implicit" in op.attributes:
            return None
        return {
            "assemble": self.memory[op.source],
            "into": self.memory[op.dest],
            "offsets": self.values(op.offsets),
        }

    def update(self, op: UpdateOp) -> None:
        self.memory[op.res] = self.memory[op.dest]

    def read(self, op: ReadOp) -> Json:
        name = self.text.name(op.res, "value")
        return {"read": self.memory[op.source], "at": self.values(op.indices), "as": name}

    def write(self, op: WriteOp) -> Json:
        self.memory[op.res] = self.memory[op.dest]
        return {
            "write": self.value(op.value),
            "into": self.memory[op.dest],
            "at": self.values(op.indices),
        }

    def dim(self, op: DimOp) -> Json | None:
        if op.symbol is not None:
            self.text.values[op.res] = op.symbol.data
            return None
        name = self.text.name(op.res, "dim")
        return {"dim": self.memory[op.source], "axis": op.axis.value.data, "as": name}

    def loop(self, op: scf.ForOp) -> Json:
        block = op.body.block
        bounds = [self.text.scalar(v) for v in (op.lb, op.ub, op.step)]
        scalars = self.enter(block.args[1:], op.iter_args)
        variable = self.text.name(block.args[0], "i")
        kind = op.attributes.get("dsv4.loop")
        step: Json = {"for": variable, "from": bounds[0], "to": bounds[1], "step": bounds[2]}
        if isinstance(kind, LoopAttr) and kind.data.kind != "range":
            step["kind"] = kind.data.kind
        step["steps"] = self.steps(block)
        yielded = block.last_op
        ends = list(yielded.operands) if yielded is not None else []
        for argument, end in zip(block.args[1:], ends, strict=True):
            given, found = self.memory.get(argument), self.memory.get(end)
            if given != found:
                raise UserError(
                    f"no step for a loop that goes on with another tensor than it was given: "
                    f"{_spelled(found)} in place of {_spelled(given)}",
                    op.location,
                )
        if scalars:
            step["carried"] = {
                self.text.values[a]: [self.text.scalar(s), self.text.scalar(ends[i])]
                for i, (a, s) in enumerate(zip(block.args[1:], op.iter_args, strict=True))
                if a in scalars
            }
        for result, argument in zip(op.results, block.args[1:], strict=True):
            target = self.memory if argument in self.memory else self.text.values
            target[result] = (self.memory | self.text.values)[argument]  # pyright: ignore[reportArgumentType]
        return step

    def enter(self, arguments: Sequence[BlockArgument], starts: Sequence[SSAValue]) -> set[SSAValue]:
        """Tensors that a loop carries are their memory; the scalars get names."""
        scalars: set[SSAValue] = set()
        for argument, start in zip(arguments, starts, strict=True):
            if start in self.memory:
                self.memory[argument] = self.memory[start]
            else:
                self.text.name(argument, "carried")
                scalars.add(argument)
        return scalars

    def branch(self, op: scf.IfOp) -> Json:
        step: Json = {"if": self.text.scalar(op.cond)}
        for word, region in (("then", op.true_region), ("else", op.false_region)):
            if not region.blocks:
                continue
            step[word] = self.steps(region.block)
            last = region.block.last_op
            for result, value in zip(op.results, last.operands if last is not None else (), strict=False):
                if value not in self.memory:
                    raise UserError("no step for a scalar that comes out of a branch", op.location)
                if self.memory.setdefault(result, self.memory[value]) != self.memory[value]:
                    raise UserError("no step for a branch that chooses between tensors", op.location)
        return step


def _spelled(memory: str | Json | None) -> str:
    """A tensor or a part of one, for a message."""
    if isinstance(memory, dict):
        return f"a part of {_spelled(memory['of'])}"
    return f"'{memory}'"
