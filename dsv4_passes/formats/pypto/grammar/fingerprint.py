"""Fingerprints of functions: equal while a function is unchanged since its text was read.

What counts is what a function does: its signature, and its operations in the order of their effects. Names,
places, facts about arguments, the order of pure operations and unused ones do not count, so a function
that a pass only tidied keeps its text. But it counts in which loop or branch a tile is computed.
"""

from collections.abc import Mapping
from hashlib import blake2b

from xdsl.dialects import func
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Block, Operation, SSAValue
from xdsl.traits import SymbolTable, is_side_effect_free

from dialects.dsv4.functions import argument_attributes, parameters, returned
from dialects.dsv4.launch import LaunchOp, WrapperOp
from dialects.pto.types import TileType

_SIGNATURE = tuple(f"dsv4.{key}" for key in "name direction tensor dims hidden dtype view".split())


def fingerprint(module: ModuleOp, name: str, targets: Mapping[LaunchOp, str] | None = None) -> str:
    """The fingerprint of a function or wrapper of the module.

    `targets` says what launches are called through, where that is not what they say themselves.
    """
    op = SymbolTable.lookup_symbol(module, name)
    if isinstance(op, WrapperOp):
        kernel = SymbolTable.lookup_symbol(module, op.callee)
        parts = [str(op.sym_name), str(op.kernel), str(op.blocks), str(op.attributes)]
        if isinstance(kernel, func.FuncOp):
            parts += signature_parts(kernel)
        return _digest(parts)
    assert isinstance(op, func.FuncOp)
    return _digest([op.sym_name.data, *signature_parts(op), *body_parts(op, targets)])


def signature_parts(function: func.FuncOp) -> list[str]:
    """What callers see."""
    parts = [
        str(function.function_type),
        str(returned(function)),
        str(function.attributes.get("dsv4.decorator")),
    ]
    for parameter in parameters(function):
        given = argument_attributes(function, parameter.index)
        parts.append(" ".join(str(given.get(key)) for key in _SIGNATURE))
    return parts


def body_parts(function: func.FuncOp, targets: Mapping[LaunchOp, str] | None = None) -> list[str]:
    """What it does."""
    return _Walk(targets or {}).block(function.body.block) if function.body.blocks else []


def _digest(parts: list[str]) -> str:
    return blake2b("\n".join(parts).encode(), digest_size=12).hexdigest()


class _Walk:
    """Numbers effects in order; a pure value is the hash of how it is computed, a tile also of the loop or
    branch in which that is done."""

    def __init__(self, targets: Mapping[LaunchOp, str]) -> None:
        self.targets = targets
        self.names: dict[SSAValue, str] = {}
        self.blocks: dict[Block | None, int] = {}
        self.count = 0

    def block(self, block: Block) -> list[str]:
        self.blocks[block] = len(self.blocks)
        for argument in block.args:
            self.define(argument, f"argument {argument.index} {argument.type}")
        parts: list[str] = []
        for op in block.ops:
            if is_pure(op):
                continue
            parts.append(self.operation(op))
            for region in op.regions:
                for inner in region.blocks:
                    parts += ["{", *self.block(inner), "}"]
            self.count += 1
            for number, result in enumerate(op.results):
                self.define(result, f"effect {self.count} {number}")
        return parts

    def define(self, value: SSAValue, text: str) -> None:
        self.count += 1
        self.names[value] = f"%{self.count} {text}"

    def operation(self, op: Operation) -> str:
        if isinstance(op, LaunchOp):
            attributes = self.targets.get(op) or (op.via.string_value() if op.via else op.callee)
        else:
            attributes = " ".join(f"{k}={v}" for k, v in sorted({**op.properties, **op.attributes}.items()))
        operands = ", ".join(self.value(v) for v in op.operands)
        types = ", ".join(str(r.type) for r in op.results)
        return f"{op.name}({operands}) {attributes} -> {types}"

    def value(self, value: SSAValue) -> str:
        """The hash of a value, found without recursion: chains of operations get long."""
        stack = [value]
        while stack:
            current = stack[-1]
            owner = current.owner
            if current in self.names or not isinstance(owner, Operation):
                stack.pop()
                continue
            if missing := [
                v for v in owner.operands if v not in self.names and isinstance(v.owner, Operation)
            ]:
                stack += missing
                continue
            text = self.operation(owner)
            if any(isinstance(r.type, TileType) for r in owner.results):
                text = f"{text} in {self.blocks[owner.parent]}"
            for number, result in enumerate(owner.results):
                self.names[result] = blake2b(f"{text} {number}".encode(), digest_size=12).hexdigest()
            stack.pop()
        return self.names[value]


def is_pure(op: Operation) -> bool:
    return not op.regions and is_side_effect_free(op)
