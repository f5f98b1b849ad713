"""Make one kernel of two that run one after the other.

`frame` is a function with the parameters of both, `concatenate` puts the second body behind the first in
the same block. Values that still go through GM between them are for `forward_stages`.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from xdsl.dialects import func
from xdsl.dialects.builtin import ArrayAttr, DictionaryAttr, StringAttr
from xdsl.ir import Attribute, Block, Region, SSAValue

from dialects.dsv4.functions import Parameter, argument_attributes, parameters
from dialects.pto.memory import MakeTensorViewOp, PartitionViewOp, TLoadOp, TStoreOp


@dataclass(frozen=True)
class Shared:
    """A parameter of the fused kernel: the parameters that it replaces, and its attributes."""

    name: str
    type: Attribute
    attributes: dict[str, Attribute]
    first: int | None
    second: int | None


_SPLIT = re.compile(r""", attrs=\{["']split["']: pl\.SplitMode\.\w+\}""")
Maps = tuple[dict[SSAValue, SSAValue], dict[SSAValue, SSAValue]]


def frame(
    first: func.FuncOp, second: func.FuncOp, shared: Sequence[Shared], name: str
) -> tuple[func.FuncOp, Maps]:
    """An empty function for two, and what the arguments of each are in it.

    `shared` says how their visible parameters map; hidden ones (block numbers, extents) are one each.
    """
    block = Block()
    maps: Maps = ({}, {})
    rows: list[dict[str, Attribute]] = []
    for parameter in shared:
        argument = block.insert_arg(parameter.type, len(block.args))
        argument.name_hint = parameter.name
        rows.append(parameter.attributes)
        for side, index, function in ((0, parameter.first, first), (1, parameter.second, second)):
            if index is not None:
                maps[side][function.body.block.args[index]] = argument
    known: dict[str, SSAValue] = {}
    for side, function in ((0, first), (1, second)):
        for parameter in parameters(function):
            if parameter.hidden is None:
                continue
            key = f"{parameter.hidden} {parameter.name if parameter.hidden == 'dim' else ''}"
            old = function.body.block.args[parameter.index]
            if key not in known:
                known[key] = argument = block.insert_arg(old.type, len(block.args))
                argument.name_hint = old.name_hint
                rows.append(argument_attributes(function, parameter.index))
            maps[side][old] = known[key]
    fused = func.FuncOp(
        name,
        ([a.type for a in block.args], []),
        Region(block),
        arg_attrs=ArrayAttr([DictionaryAttr(row) for row in rows]),
    )
    fused.location = first.location
    fused.attributes["dsv4.role"] = first.attributes["dsv4.role"]
    if decorator := common_decorator(first, second):
        fused.attributes["dsv4.decorator"] = StringAttr(decorator)
    return fused, maps


def common_decorator(first: func.FuncOp, second: func.FuncOp) -> str | None:
    """What both kernels are declared as; None where they differ.

    How one of them is split between two vector cores is a hint: it goes where it is not that of both.
    """
    texts = [getattr(f.attributes.get("dsv4.decorator"), "data", "") for f in (first, second)]
    if texts[0] != texts[1]:
        texts = [_SPLIT.sub("", text) for text in texts]
    return texts[0] if texts[0] == texts[1] else None


def concatenate(first: func.FuncOp, second: func.FuncOp, shared: Sequence[Shared], name: str) -> func.FuncOp:
    """A function whose body is that of `first`, then that of `second`."""
    fused, maps = frame(first, second, shared, name)
    for function, mapping in zip((first, second), maps, strict=True):
        copy_body(function, fused.body.block, mapping)
    fused.body.block.add_op(func.ReturnOp())
    return fused


def copy_body(function: func.FuncOp, into: Block, mapping: dict[SSAValue, SSAValue]) -> None:
    """Add copies of all operations but the return; `mapping` learns what the values became."""
    for op in function.body.block.ops:
        if not isinstance(op, func.ReturnOp):
            into.add_op(op.clone(mapping))


def argument_behind(view: SSAValue) -> SSAValue | None:
    """The pointer argument a view looks at."""
    op = view.owner
    if isinstance(op, PartitionViewOp):
        op = op.source.owner
    return op.ptr if isinstance(op, MakeTensorViewOp) else None


def accesses(function: func.FuncOp, argument: SSAValue) -> Iterator[TLoadOp | TStoreOp]:
    """Loads from and stores to one pointer argument."""
    for op in function.walk():
        if isinstance(op, TLoadOp) and argument_behind(op.ins[0]) is argument:
            yield op
        elif isinstance(op, TStoreOp) and argument_behind(op.outs[0]) is argument:
            yield op


def merge_parameters(
    first: func.FuncOp,
    second: func.FuncOp,
    pairs: Mapping[int, int],
    directions: Mapping[tuple[int | None, int | None], Attribute],
) -> list[Shared]:
    """Parameters of the fused kernel: those of `first`, then those of `second` that are not among them.

    `pairs` maps parameters of `second` to those of `first` that are the same tensor.
    """
    taken: set[str] = set()

    def shared(parameter: Parameter, function: func.FuncOp, a: int | None, b: int | None) -> Shared:
        name, number = parameter.name, 1
        while name in taken:
            name, number = f"{parameter.name}_{number}", number + 1
        taken.add(name)
        attributes = argument_attributes(function, parameter.index) | {"dsv4.name": StringAttr(name)}
        if (direction := directions.get((a, b))) is not None:
            attributes["dsv4.direction"] = direction
        return Shared(name, function.body.block.args[parameter.index].type, attributes, a, b)

    back = {a: b for b, a in pairs.items()}
    rows = [shared(p, first, p.index, back.get(p.index)) for p in parameters(first) if p.hidden is None]
    rows += [
        shared(p, second, None, p.index)
        for p in parameters(second)
        if p.hidden is None and p.index not in pairs
    ]
    return rows
