"""Two programs that launch the same kernels on the same tensors, one of them without arguments that went.

    %o1 = dsv4.launch @rotate (%x, %even, %odd, %o)    |    %o1 = dsv4.launch @rotate (%x, %o)

Where that is so, the programs do the same if each kernel does, in one block for all and whatever is in its
tensors: nothing of the program has to be run. Operations without effects that only one side has are passed
over; whoever uses one of them has no counterpart.
"""

from collections.abc import Iterator, Mapping

from xdsl.dialects import func
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Block, Operation, SSAValue
from xdsl.traits import is_side_effect_free

from dialects.dsv4.functions import KERNEL, ORCHESTRATION, Parameter, program_functions, visible, written
from dialects.dsv4.launch import LaunchOp
from dialects.dsv4.tensors import CreateOp
from dsv4_passes.diagnostics import UserError
from dsv4_passes.interpreter.kernels import find_kernels
from dsv4_passes.transforms.program.orchestration import position

from .kernels import pair_arguments


class _Apart(Exception):
    """The programs launch other things."""


def same_launches(before: ModuleOp, after: ModuleOp) -> bool:
    """Every launch of one program has its counterpart in the other, in the same order."""
    try:
        _Sides(before, after).compare()
    except (_Apart, UserError):
        return False
    return True


class _Sides:
    def __init__(self, before: ModuleOp, after: ModuleOp):
        self.modules = before, after
        self.values: dict[SSAValue, SSAValue] = {}
        """What values of the program afterwards were before."""
        self.pairs: dict[str, Mapping[int, int]] = {}
        """By kernel, which argument was which."""

    def compare(self) -> None:
        ours, theirs = (find_kernels(module) for module in self.modules)
        functions = [{f.sym_name.data: f for f in program_functions(m, KERNEL)} for m in self.modules]
        for name, kernel in functions[1].items():
            if name not in functions[0]:
                raise _Apart
            self.pairs[name] = pair_arguments(ours[name], theirs[name])
            self.check_parameters(functions[0][name], kernel, self.pairs[name])
        mains = [{f.sym_name.data: f for f in program_functions(m, ORCHESTRATION)} for m in self.modules]
        if mains[0].keys() != mains[1].keys():
            raise _Apart
        for name, main in mains[0].items():
            other = mains[1][name]
            if main.function_type != other.function_type:
                raise _Apart
            if [_described(p) for p in visible(main)] != [_described(p) for p in visible(other)]:
                raise _Apart
            self.blocks(main.body.block, other.body.block)

    def check_parameters(self, before: func.FuncOp, after: func.FuncOp, pairs: Mapping[int, int]) -> None:
        """What is written is written by both, in the same order; nothing has come in addition."""
        known = {p.index: p for p in visible(before)}
        for parameter in visible(after):
            old = known.get(pairs[parameter.index])
            if old is None or _described(old)[1:] != _described(parameter)[1:]:
                raise _Apart
        if [pairs[p.index] for p in written(after)] != [p.index for p in written(before)]:
            raise _Apart
        if before.function_type.outputs != after.function_type.outputs:
            raise _Apart

    def blocks(self, before: Block, after: Block) -> None:
        if [a.type for a in before.args] != [a.type for a in after.args]:
            raise _Apart
        self.values.update(zip(after.args, before.args, strict=True))
        ours = iter(list(before.ops))
        for op in after.ops:
            self.counterpart(op, ours)
        for rest in ours:
            if not _passes(rest):
                raise _Apart

    def counterpart(self, op: Operation, ours: Iterator[Operation]) -> None:
        """Find the next operation of the other program that is the same; those in between have no effects."""
        for other in ours:
            if self.alike(other, op):
                self.values.update(zip(op.results, other.results, strict=True))
                for mine, theirs in zip(other.regions, op.regions, strict=True):
                    if len(mine.blocks) != len(theirs.blocks):
                        raise _Apart
                    for block, another in zip(mine.blocks, theirs.blocks, strict=True):
                        self.blocks(block, another)
                return
            if not _passes(other):
                raise _Apart
        raise _Apart

    def alike(self, before: Operation, after: Operation) -> bool:
        if before.name != after.name or before.attributes != after.attributes:
            return False
        if [r.type for r in before.results] != [r.type for r in after.results]:
            return False
        if len(before.regions) != len(after.regions) or before.successors or after.successors:
            return False
        if isinstance(before, LaunchOp) and isinstance(after, LaunchOp):
            return self.same_launch(before, after)
        if before.properties != after.properties:
            return False
        if isinstance(before, CreateOp) and before.res.name_hint != after.results[0].name_hint:
            return False  # of creates that are all alike, those of one name belong together
        return [self.values.get(v) for v in after.operands] == list(before.operands)

    def same_launch(self, before: LaunchOp, after: LaunchOp) -> bool:
        if (before.callee, before.grid) != (after.callee, after.grid):
            return False
        pairs = self.pairs[after.callee]
        return all(
            self.values.get(value) is before.args[position(before, pairs[parameter.index])]
            for parameter, value in zip(visible(after.function()), after.args, strict=True)
        )


def _described(parameter: Parameter) -> tuple[object, ...]:
    return parameter.name, parameter.type, parameter.direction, parameter.dims


def _passes(op: Operation) -> bool:
    return isinstance(op, CreateOp) or is_side_effect_free(op)
