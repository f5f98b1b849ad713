"""What reading the body of a kernel needs everywhere: tiles, moves between memories, calls kept as text."""

import ast
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod

from xdsl.dialects import arith
from xdsl.dialects.builtin import i32
from xdsl.ir import Attribute, Block, BlockArgument, Operation, SSAValue

from dialects.dsv4.opaque import CoreMoveOp, TextCallOp, TextType
from dialects.pto.base import layout_of
from dialects.pto.moves import TMovOp
from dialects.pto.tiles import SetValidShapeOp
from dialects.pto.types import DYNAMIC, TileLayout, TileType
from dsv4_passes.diagnostics import note
from dsv4_passes.formats.pypto.grammar.signature import Signature
from dsv4_passes.formats.pypto.grammar.source import Source
from dsv4_passes.formats.pypto.grammar.template import Template
from dsv4_passes.formats.pypto.grammar.tile_text import TileTexts, extents, mark_implicit
from dsv4_passes.formats.pypto.grammar.types import (
    AnyText,
    OtherText,
    ScalarText,
    TensorText,
    TileText,
    TupleText,
    TypeReader,
    implicit_layout,
    partial_axis,
)
from dsv4_passes.targets import chip

from .body import INDEX, Body, Bound, KernelTensor, Many


class Keep(Exception):
    """A call that has no operation of its own: it stays as text, for this reason."""


@dataclass(frozen=True)
class TextCall:
    """One call `name: declared = pl.<op>(…)`; without a name it is a statement.

    For `a, b = pl.<op>(…)` the names are in `names`.
    """

    node: ast.Call
    op: str
    name: str | None
    declared: AnyText | None
    names: Sequence[str] = ()

    @property
    def args(self) -> Sequence[ast.expr]:
        return self.node.args


class TileReader(Body):
    """Reads into the body of one kernel: tiles, views of GM, and calls that stay text."""

    def __init__(self, source: Source, types: TypeReader, signature: Signature):
        super().__init__(source, types)
        self.signature = signature
        self.texts = TileTexts()
        self.views: dict[tuple[BlockArgument, bool], SSAValue] = {}
        self.moved: dict[tuple[Block, SSAValue, str], SSAValue] = {}
        self.hidden: dict[str, BlockArgument] = {}
        """Arguments that the text does not write: block numbers and symbolic extents."""
        self.arch = chip("a2a3")

    # -- building --------------------------------------------------------------------------------

    def undo(self, mark: Operation | None) -> None:
        """Erase the operations emitted after `mark`."""
        while (last := self.block.last_op) is not None and last is not mark:
            self.moved = {k: v for k, v in self.moved.items() if v.owner is not last}
            self.block.erase_op(last)

    def verified(self, op: Operation, node: ast.AST, name: str | None = None) -> SSAValue:
        """Emit an operation that may be illegal; raises VerifyException."""
        self.emit(op, node, name)
        op.verify_()
        return op.results[0]

    def block_argument(self, kind: str) -> BlockArgument:
        """`block_idx` or `block_num`, which come together behind everything else."""
        if kind not in self.hidden:
            for each in ("block_idx", "block_num"):
                argument = self.entry.insert_arg(i32, len(self.entry.args))
                self.call(argument, f"__pypto_spmd_{each}")
                self.hidden[each] = argument
        return self.hidden[kind]

    def block_index(self, call: TextCall, kind: str) -> SSAValue:
        op = arith.IndexCastOp(self.block_argument(kind), INDEX)
        return self.emit_value(op, call.node, call.name)

    def is_written(self, memory: KernelTensor) -> bool:
        return any(p.name == memory.name and p.direction != "in" for p in self.signature.parameters)

    # -- tiles -----------------------------------------------------------------------------------

    def tile(self, node: ast.expr) -> SSAValue:
        bound = self.lookup(node)
        self.require_known(bound, node)
        if not isinstance(bound, SSAValue) or not isinstance(bound.type, TileType):
            self.fail(node, f"expected a tile, '{ast.unparse(node)}' is none")
        return bound

    def require_known(self, bound: Bound, node: ast.expr) -> None:
        """Raise Keep for what only has a name in the text."""
        if isinstance(bound, SSAValue) and isinstance(bound.type, TextType):
            raise Keep(f"nothing is known of '{ast.unparse(node)}'")

    def memory(self, node: ast.expr) -> KernelTensor:
        bound = self.lookup(node)
        self.require_known(bound, node)
        if not isinstance(bound, KernelTensor):
            self.fail(node, f"expected a tensor, '{ast.unparse(node)}' is none")
        return bound

    def shape(self, value: SSAValue) -> tuple[int, ...]:
        return self.texts.text(value).shape

    def result(self, call: TextCall, shape: Sequence[int], dtype: str, memory: str) -> TileText:
        """The declared type of a result, which must have this shape and element type."""
        declared = call.declared
        if declared is None:
            return TileText(tuple(shape), dtype, memory, implicit_layout(shape, memory))
        if isinstance(declared, OtherText):
            raise Keep("the type of its result is not understood")
        if not isinstance(declared, TileText):
            self.fail(call.node, f"'{call.op}' yields a tile, not a {declared.text()}")
        if declared.shape != tuple(shape):
            self.fail(
                call.node,
                f"'{call.op}' yields a tile of {list(shape)}, but '{call.name}' is declared as "
                f"{list(declared.shape)}",
            )
        if declared.dtype != dtype:
            self.fail(
                call.node,
                f"'{call.op}' yields {dtype} elements, but '{call.name}' is declared as {declared.dtype}",
            )
        return declared.moved_to(memory)

    def valid(self, text: TileText) -> tuple[tuple[int, int], list[SSAValue]]:
        """Valid extents of a declared tile: those in its type, and an index value for each dynamic one."""
        if text.valid is None:
            return text.flat_shape, []
        sizes = [fixed if (fixed := self.fixed(n)) is not None else self.scalar(n, INDEX) for n in text.valid]
        return flat_valid(text.shape, sizes)

    def fixed(self, node: ast.expr) -> int | None:
        """A literal number."""
        match node:
            case ast.Constant(value=int(value)):
                return value
            case _:
                return None

    def extents(self, value: SSAValue) -> list[SSAValue]:
        """Index values for the dynamic extents of a tile. Raises Keep where they are not stated."""
        if (found := extents(value)) is None:
            raise Keep("nobody says the valid extent of an operand")
        return found

    def to(self, value: SSAValue, memory: str, node: ast.AST) -> SSAValue:
        """A tile in the memory where an operation needs it; pypto puts the move in later."""
        source = layout_of(value)
        if source.loc == memory:
            return value
        key = (self.block, value, memory)
        if key in self.moved:
            return self.moved[key]
        direct = self.arch.connects(source.loc, memory) and source.loc != "acc"
        if not direct and memory in ("left", "right") and source.loc != "mat":
            return self.to(self.to(value, "mat", node), memory, node)
        target = relocated(source, memory)
        op = (
            TMovOp([value], result=target, valid=self.extents(value)) if direct else CoreMoveOp(value, target)
        )
        self.moved[key] = self.verified(mark_implicit(op), node)
        return self.moved[key]

    # -- types that agree ------------------------------------------------------------------------

    def coerce(self, value: SSAValue, target: Attribute, node: ast.AST) -> SSAValue:
        """Convert a value to the type that a loop or branch carries; such moves are implicit in the text."""
        if value.type == target:
            return value
        if isinstance(value.type, TileType) and isinstance(target, TileType):
            value = self.to(value, target.data.loc, node)
            assert isinstance(value.type, TileType)
            have, want = value.type.data, target.data
            if have._replace(valid_rows=0, valid_cols=0) == want._replace(valid_rows=0, valid_cols=0):
                return self.retyped(value, target, node)
        self.fail(node, f"is {value.type} here and {target} elsewhere")

    def retyped(self, value: SSAValue, target: TileType, node: ast.AST) -> SSAValue:
        """The value with its valid extent said by operands instead of by its type."""
        if value.type == target:
            return value
        try:
            dynamic = iter(self.extents(value))
        except Keep as reason:
            self.fail(node, str(reason))
        rows, cols = (
            next(dynamic) if extent == DYNAMIC else self.index(extent, node)
            for extent in layout_of(value).valid
        )
        return self.emit_value(mark_implicit(SetValidShapeOp(value, rows, cols, target)), node)

    # -- text ------------------------------------------------------------------------------------

    def opaque(self, call: TextCall, reason: str) -> Bound | None:
        """Keep a call as text with its operands."""
        memories: list[KernelTensor] = []

        def resolve(node: ast.Name) -> SSAValue:
            bound = self.lookup(node)
            if isinstance(bound, KernelTensor):
                memories.append(bound)
                return bound.pointer
            if isinstance(bound, SSAValue):
                return bound
            self.fail(node, f"'{node.id}' is a tuple")

        self.source.check_kept(call.node)
        template = Template(resolve)
        text, declared = template.text(call.node), call.declared
        annotation = ""
        if declared is not None:
            parsed = ast.parse(declared_text(declared), mode="eval").body
            annotation = template.text(ast.copy_location(parsed, call.node))
        results: list[Attribute] = []
        if isinstance(declared, TupleText):
            parts = list(declared.parts)
        else:  # nothing is known of the type of what has a name and no annotation
            parts = [declared or OtherText("")] if call.name else [OtherText("") for _ in call.names]
        versions = [self.version_of(part, memories) for part in parts]
        results += [opaque_type(p) for p, version in zip(parts, versions, strict=True) if version is None]
        op = TextCallOp(text, annotation, template.operands, results)
        op.set_versions([version and version.pointer for version in versions])
        self.emit(op, call.node, None if isinstance(declared, TupleText) else call.name)
        if reason:
            note(op, f"'pl.{call.op}' is kept as text: {reason}")
        values = iter(op.results)
        bounds: list[Bound] = []
        for version in versions:
            bounds.append(next(values) if version is None else version)
        if not bounds:
            return None
        return Many(bounds) if isinstance(declared, TupleText) or call.names else bounds[0]

    def version_of(self, part: AnyText, memories: Sequence[KernelTensor]) -> KernelTensor | None:
        """The tensor of which a result is the new version: the last one of its type that may be written."""
        if not isinstance(part, TensorText):
            return None
        found = [m for m in memories if m.text == part and self.is_written(m)]
        return found[-1] if found else None


def relocated(source: TileLayout, memory: str) -> TileType:
    """The type of the same tile in another memory, with the layout it has there."""
    layout = implicit_layout(source.shape, memory)
    return TileType(
        source._replace(
            loc=memory, blayout=layout.blayout, slayout=layout.slayout, fractal=layout.fractal, pad=0
        )
    )


def declared_text(declared: AnyText) -> str:
    """An annotation as text, its valid shape included."""
    if isinstance(declared, TileText) and declared.valid is not None:
        return declared.text(f"[{', '.join(map(ast.unparse, declared.valid))}]")
    return declared.text()


def opaque_type(declared: AnyText) -> Attribute:
    """The IR type for a result of an operation that is not understood."""
    match declared:
        case TileText():
            if declared.valid is None:
                return declared.tile_type()
            return declared.tile_type((DYNAMIC, DYNAMIC))
        case ScalarText():
            return declared.scalar_type()
        case OtherText():
            return declared.text_type()
        case _:
            return OtherText(declared.text()).text_type()


def flat_valid(
    shape: Sequence[int], sizes: Sequence[int | SSAValue]
) -> tuple[tuple[int, int], list[SSAValue]]:
    """Valid rows and columns of a tile whose leading dimensions are rows; dynamic ones by their values.

    Raises Keep where the valid lanes are no rectangle of the flattened tile.
    """
    rows: int | SSAValue = 1
    if (axis := partial_axis(shape)) is not None:
        rows, inner = sizes[axis], prod(shape[axis + 1 : -1])
        whole = all(
            size == extent for size, extent in zip(sizes[axis + 1 : -1], shape[axis + 1 :], strict=False)
        )
        if not whole or (inner != 1 and not isinstance(rows, int)):
            raise Keep("a valid shape that is no rectangle of rows and columns")
        rows = rows * inner if isinstance(rows, int) else rows
    pair = (rows, sizes[-1])
    first, second = (p if isinstance(p, int) else DYNAMIC for p in pair)
    return (first, second), [p for p in pair if not isinstance(p, int)]


Handler = Callable[[TileReader, TextCall], Bound | None]
"""Reads one operation; raises Keep, or VerifyException, where it stays text."""
