"""What kernels build from tensors of which all numbers are known: select matrices made on the way.

    %s = dsv4.launch @block_diagonal (%even, %s0)      %even has the fact `even` [32, 16]
    dsv4.launch @rotate (%x, %s)                 =>    @rotate's second parameter has it, too: [64, 32]

Part of `dsv4-propagate-facts`. The kernel is run on numbers, and what it leaves is compared with what facts
say, element by element. Legal because the numbers are all it depends on: it runs in one block, its scalars
are constants, it loads nothing but tensors that are known, and it stores every element of what it writes
(two runs that begin with other bytes end with the same).
"""

from collections.abc import Iterator
from math import prod
from typing import Any, cast

import numpy as np
from xdsl.dialects import func
from xdsl.dialects.builtin import DYNAMIC_INDEX, ModuleOp, TensorType
from xdsl.ir import Attribute, SSAValue

from dialects.dsv4.functions import Parameter, visible, written
from dialects.dsv4.launch import LaunchOp
from dialects.pto.elements import element_name
from dialects.pto.memory import constant_int
from dsv4_passes.diagnostics import UserError, about_facts
from dsv4_passes.equivalence.facts import Fact, recognise
from dsv4_passes.equivalence.gm_mod_ref import only_stored
from dsv4_passes.interpreter.numerics import numpy_dtype
from dsv4_passes.interpreter.program import ProgramRun
from dsv4_passes.npz import Array

from .orchestration import position

MAX_ELEMENTS = 1 << 16
"""A kernel that writes larger tensors builds no select matrix."""


def built_facts(
    module: ModuleOp, orchestration: func.FuncOp, facts: dict[SSAValue, Fact]
) -> dict[SSAValue, Fact]:
    """The facts about tensors that launches yield; `facts` are those about the parameters."""
    known: dict[SSAValue, Array] = {}
    for value, fact in facts.items():
        known[value] = fact.matrix.astype(numpy_dtype(_tensor(value.type)[1]))
    found: dict[SSAValue, Fact] = {}
    for launch in orchestration.walk():
        if not isinstance(launch, LaunchOp):
            continue
        for value, array in _built(module, launch, known):
            known[value] = array
            if (fact := recognise(array, array.shape, "")) is not None:
                found[value] = fact
                name = value.name_hint or "what it writes"
                about_facts(
                    launch,
                    f"'{launch.callee}' builds '{name}', the {fact.word} {fact.kind}: found by running it",
                )
    return found


def _built(
    module: ModuleOp, launch: LaunchOp, known: dict[SSAValue, Array]
) -> Iterator[tuple[SSAValue, Array]]:
    """The tensors that a launch leaves, with all their numbers; none where they depend on more."""
    kernel = launch.function()
    outputs = written(kernel)
    if launch.block_count != 1 or not outputs or not _worth_it(launch, outputs):
        return
    arrays: dict[int, Array] = {}
    given: dict[int, Any] = {}
    open_: list[int] = []
    for parameter, value in zip(visible(kernel), launch.args, strict=True):
        if not parameter.is_tensor:
            if (number := constant_int(value)) is None:
                return
            given[parameter.index] = number
        elif value in known:
            arrays[parameter.index] = known[value]
        elif parameter.written and only_stored(kernel.body.block.args[parameter.index]):
            open_.append(parameter.index)
        else:
            return
    ends = [_run(module, launch, kernel, arrays, given, open_, byte) for byte in (0x35, 0xCA)]
    if ends[0] is None or ends[1] is None:
        return
    for result, parameter in zip(launch.res, outputs, strict=False):
        one, other = (end[parameter.index] for end in ends if end is not None)
        if one.tobytes() == other.tobytes():
            yield result, one.reshape(_tensor(parameter.type)[0])


def _worth_it(launch: LaunchOp, outputs: list[Parameter]) -> bool:
    shapes = [_tensor(launch.args[position(launch, p.index)].type)[0] for p in outputs]
    return all(DYNAMIC_INDEX not in shape and prod(shape) <= MAX_ELEMENTS for shape in shapes)


def _run(
    module: ModuleOp,
    launch: LaunchOp,
    kernel: func.FuncOp,
    arrays: dict[int, Array],
    given: dict[int, Any],
    open_: list[int],
    byte: int,
) -> dict[int, Array] | None:
    """All tensors behind the launch, those that are `open_` made of one byte before; None if it fails."""
    held = {index: array.reshape(-1).copy() for index, array in arrays.items()}
    for parameter in visible(kernel):
        if parameter.index in open_:
            shape, dtype = _tensor(parameter.type)
            size = prod(shape) * numpy_dtype(dtype).itemsize
            held[parameter.index] = np.full(size, byte, np.uint8).view(numpy_dtype(dtype))
    try:
        ProgramRun(module).run_blocks(launch, kernel, held, given, 1)
    except UserError:
        return None
    return held


def _tensor(type_: Attribute) -> tuple[tuple[int, ...], str]:
    tensor = cast(TensorType[Attribute], type_)
    return tensor.get_shape(), element_name(tensor.element_type)
