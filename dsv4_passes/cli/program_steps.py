"""The steps of an orchestration, as `program.json` has them (see `program_folder`)."""

from collections.abc import Callable, Collection, Sequence
from typing import Any

from xdsl.dialects import func, scf
from xdsl.dialects.builtin import IntegerAttr, StringAttr
from xdsl.ir import Block, BlockArgument, Operation, SSAValue

from dialects.dsv4.attributes import LoopAttr
from dialects.dsv4.functions import parameters, visible, written
from dialects.dsv4.launch import LaunchOp
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
from dialects.pto.types import element_name
from dsv4_passes.diagnostics import UserError
from dsv4_passes.formats.pypto.writer.text import FunctionText
from dsv4_passes.interpreter.numerics import computes_as_float
from dsv4_passes.validation.program_folder import Json


def element_of(tensor: Any) -> str:
    """The element type of a tensor type."""
    return element_name(tensor.element_type)


class Steps:
    """The statements of an orchestration; tensors by the names of their memory.

    `live` are the scalars that anything depends on (live_scalars.py); of the others any number will do.
    """

    def __init__(self, function: func.FuncOp, live: Collection[SSAValue]):
        self.live = live
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
        for result in op.res[len(outputs) :]:
            if result in self.live:
                raise UserError(
                    f"the program goes on with a scalar that kernel '{op.callee}' returns, and a kernel of "
                    ".pto text returns nothing",
                    op.location,
                )
            self.any_number(result)
        return step

    def any_number(self, value: SSAValue) -> None:
        """Nothing depends on the value, but it may be passed on."""
        self.text.values[value] = "0.0" if computes_as_float(element_name(value.type)) else "0"

    def shape(self, op: Operation, dims: Sequence[SSAValue]) -> list[int | str]:
        given = iter(dims)
        shape: tuple[int, ...] = getattr(op.results[0].type, "get_shape", tuple)()
        return [extent if extent >= 0 else self.text.scalar(next(given)) for extent in shape]

    def create(self, op: CreateOp) -> Json:
        self.memory[op.res] = name = self.text.name(op.res, "tensor")
        return {"create": name, "dtype": element_of(op.res.type), "shape": self.shape(op, op.dims)}

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
                if result not in self.live and value not in self.memory:
                    self.any_number(result)
                    continue
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
