"""The base of all tile operations: one class per operation, two forms of it.

Buffer form, what `ptoas` reads: the destination is an operand.

    pto.tadd ins(%a, %b : TB, TB) outs(%d : TB)              TB = !pto.tile_buf<…>

Value form, what the passes work on: the destination is the result; an extent written `?` in the result
type is an operand in `valid [rows, columns]`.

    %d = pto.tadd ins(%a, %b : T, T) valid [%r, %c] -> T      T = !pto.tile<…>

A family states its operands (`OPERANDS`), where its attributes stand in text (`INS_ATTRIBUTES`,
`TYPE_ATTRIBUTES`) and what it checks (`check`); format, effects and the rules that hold for every tile
operation live here. Raise, lower, interpreter and printers know an operation only through this class.
"""

from abc import ABC
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, Self

from xdsl.dialects.builtin import IndexType, ModuleOp, StringAttr
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.irdl import (
    AttrSizedOperandSegments,
    IRDLOperation,
    irdl_op_definition,
    traits_def,
    var_operand_def,
    var_result_def,
)
from xdsl.parser import Parser, UnresolvedOperand
from xdsl.printer import Printer
from xdsl.traits import EffectInstance, MemoryEffect, MemoryEffectKind
from xdsl.utils.exceptions import VerifyException

from .types import (
    DYNAMIC,
    AnyTileType,
    PartitionTensorViewType,
    PtrType,
    TensorViewType,
    TileBufType,
    TileLayout,
    TileType,
)

MEMORY_TYPES = (TileBufType, PartitionTensorViewType, TensorViewType, PtrType)
"""Types whose values denote memory: using one reads or writes what it points to."""


class TileEffects(MemoryEffect):
    """Reads what `ins` denotes, writes what `outs` denotes; tiles as values have no effect.

    Scratch operands are read and written. Effects are per value, so an operation without results
    survives dead code elimination exactly when it writes memory.
    """

    @classmethod
    def get_effects(cls, op: Operation) -> set[EffectInstance]:
        assert isinstance(op, TileOp)
        effects = {
            EffectInstance(MemoryEffectKind.READ, v) for v in op.ins if isinstance(v.type, MEMORY_TYPES)
        }
        written = [v for v in (*op.outs, *op.scratch_operands()) if isinstance(v.type, MEMORY_TYPES)]
        return effects | {EffectInstance(MemoryEffectKind.WRITE, v) for v in written}


class TileOp(IRDLOperation, ABC):
    """An operation with the shared `ins(…) outs(…)` text."""

    ins = var_operand_def()
    outs = var_operand_def()
    valid = var_operand_def(IndexType)
    res = var_result_def()

    irdl_options = (AttrSizedOperandSegments(as_property=True),)
    traits = traits_def(TileEffects())

    OPERANDS: ClassVar[str] = "src"
    """Names of `ins` in order; `?` marks one that may be absent. `tmp` is scratch memory."""
    DESTINATIONS: ClassVar[str] = "dst"
    """Names of what it produces: `outs` in buffer form, results in value form; `?` as above."""
    TIED: ClassVar[str | None] = None
    """The operand whose buffer the destination must be (the accumulator of `tmatmul.acc`)."""
    NOT_IN_PLACE: ClassVar[tuple[str, ...]] = ()
    """Operands whose bytes the destination must not overlap."""
    INS_ATTRIBUTES: ClassVar[tuple[str, ...]] = ()
    """Properties written inside `ins`, before the types."""
    INS_ATTRIBUTES_COMMA: ClassVar[bool] = False
    """A comma stands between the operands and those properties."""
    TYPE_ATTRIBUTES: ClassVar[tuple[str, ...]] = ()
    """String properties written as bare strings behind the types."""

    def __init__(
        self,
        ins: Sequence[SSAValue],
        *,
        outs: Sequence[SSAValue] = (),
        result: Attribute | Sequence[Attribute] = (),
        valid: Sequence[SSAValue] = (),
        properties: Mapping[str, Attribute | None] | None = None,
        attributes: Mapping[str, Attribute] | None = None,
    ):
        results = [result] if isinstance(result, Attribute) else list(result)
        super().__init__(
            operands=[ins, outs, valid],
            result_types=[results],
            properties=dict(properties or {}),
            attributes=dict(attributes or {}),
        )

    # -- operands by name ------------------------------------------------------------------------

    def operand_names(self) -> list[str]:
        """The names of `ins`, optional ones counted in from the left as far as operands are given."""
        names = self.OPERANDS.split()
        spare = len(self.ins) - sum(not name.endswith("?") for name in names)
        kept: list[str] = []
        for name in names:
            if name.endswith("?"):
                spare -= 1
                if spare < 0:
                    continue
            kept.append(name.removesuffix("?"))
        return kept

    def named_operands(self) -> Iterator[tuple[str, SSAValue]]:
        return zip(self.operand_names(), self.ins, strict=False)

    def operand(self, name: str) -> SSAValue | None:
        """The operand of that name, or None where it is optional and absent."""
        return next((value for n, value in self.named_operands() if n == name), None)

    def required(self, name: str) -> SSAValue:
        """The operand of that name, which this form of the operation has."""
        value = self.operand(name)
        assert value is not None, f"{self.name} has no operand {name}"
        return value

    def scratch_operands(self) -> list[SSAValue]:
        return [value for name, value in self.named_operands() if name == "tmp"]

    def inputs(self) -> list[SSAValue]:
        """`ins` without scratch: what the result depends on."""
        return [value for name, value in self.named_operands() if name != "tmp"]

    # -- the two forms ---------------------------------------------------------------------------

    @property
    def is_value_form(self) -> bool:
        return bool(self.res)

    def destinations(self) -> list[SSAValue]:
        """What the operation produces, in either form."""
        return list(self.res) if self.res else list(self.outs)

    def destination_names(self) -> list[str]:
        return self.DESTINATIONS.split()

    def destination_layout(self) -> TileLayout:
        return layout_of(self.destinations()[0])

    def form(self) -> str:
        """Which variant of the operation this is, where a mnemonic has several (`mask`, `index`)."""
        return ""

    @classmethod
    def mnemonic(cls) -> str:
        return cls.name.removeprefix("pto.")

    # -- verification ----------------------------------------------------------------------------

    def verify_(self) -> None:
        names = self.destination_names()
        if names and not self.outs and not self.res:
            raise VerifyException("expects a destination: outs(…) or a result")
        if names and self.outs and self.res:
            raise VerifyException("mixes the two forms: it has both outs(…) and a result")
        _expect_count("operands in ins(…)", self.OPERANDS.split(), len(self.ins))
        if names:
            _expect_count("destinations", names, len(self.destinations()))
        self._verify_forms()
        self.check(target_arch(self))

    def _verify_forms(self) -> None:
        wrong = TileBufType if self.res else TileType
        for value in (*self.ins, *self.outs):
            if isinstance(value.type, wrong):
                form, other = ("value", "tile_buf") if self.res else ("buffer", "tile")
                raise VerifyException(f"is in {form} form but has a !pto.{other} operand")
        dynamic = sum(
            extent == DYNAMIC
            for result in self.res
            if isinstance(result.type, TileType)
            for extent in result.type.data.valid
        )
        if dynamic != len(self.valid):
            raise VerifyException(
                f"expects {dynamic} valid extents for the '?' of its result types, found {len(self.valid)}"
            )

    def check(self, arch: str) -> None:
        """Rules of the family on chip `arch` (`a2a3` or `a5`); raises VerifyException."""

    # -- text ------------------------------------------------------------------------------------

    def ins_attributes(self, printer: Printer) -> tuple[str, ...]:
        """Properties to write inside `ins`; a printer for an older assembler may want others there."""
        return self.INS_ATTRIBUTES

    @classmethod
    def parse(cls, parser: Parser) -> Self:
        attributes: dict[str, Attribute] = {}
        parser.parse_keyword("ins")
        ins = _parse_group(parser, attributes, cls.TYPE_ATTRIBUTES)
        outs: list[SSAValue] = []
        if parser.parse_optional_keyword("outs"):
            outs = _parse_group(parser, attributes, ())
        valid: list[SSAValue] = []
        if parser.parse_optional_keyword("valid"):
            names = parser.parse_comma_separated_list(
                parser.Delimiter.SQUARE, parser.parse_unresolved_operand
            )
            valid = [parser.resolve_operand(name, IndexType()) for name in names]
        results: list[Attribute] = []
        if parser.parse_optional_punctuation("->"):
            results = list(
                parser.parse_optional_undelimited_comma_separated_list(
                    parser.parse_optional_type, parser.parse_type
                )
                or ()
            )
        _merge(parser, attributes, parser.parse_optional_attr_dict())
        declared = cls.get_irdl_definition().properties
        return cls.create(
            operands=[*ins, *outs, *valid],
            result_types=results,
            properties={
                "operandSegmentSizes": segment_sizes(len(ins), len(outs), len(valid)),
                **{name: attr for name, attr in attributes.items() if name in declared},
            },
            attributes={name: attr for name, attr in attributes.items() if name not in declared},
        )

    def print(self, printer: Printer) -> None:
        inside = [name for name in self.ins_attributes(printer) if name in self.properties]
        printer.print_string(" ins(")
        printer.print_list(self.ins, printer.print_operand)
        if inside:
            printer.print_string(", " if self.INS_ATTRIBUTES_COMMA else " ")
            printer.print_attr_dict({name: self.properties[name] for name in inside})
        if self.ins:
            printer.print_string(" : ")
            printer.print_list([v.type for v in self.ins], printer.print_attribute)
        for name in self.TYPE_ATTRIBUTES:
            if name in self.properties:
                printer.print_string(", ")
                printer.print_attribute(self.properties[name])
        printer.print_string(")")
        if self.outs:
            printer.print_string(" outs(")
            printer.print_list(self.outs, printer.print_operand)
            printer.print_string(" : ")
            printer.print_list([v.type for v in self.outs], printer.print_attribute)
            printer.print_string(")")
        if self.valid:
            printer.print_string(" valid [")
            printer.print_list(self.valid, printer.print_operand)
            printer.print_string("]")
        if self.res:
            printer.print_string(" -> ")
            printer.print_list([v.type for v in self.res], printer.print_attribute)
        hidden = {*inside, *self.TYPE_ATTRIBUTES, "operandSegmentSizes"}
        shown = {n: a for n, a in self.properties.items() if n not in hidden} | self.attributes
        printer.print_op_attributes(shown)


def _expect_count(what: str, names: Sequence[str], found: int) -> None:
    """As many as there are names; those with `?` may be absent."""
    least = sum(not name.endswith("?") for name in names)
    if not least <= found <= len(names):
        expected = str(least) if least == len(names) else f"{least} to {len(names)}"
        raise VerifyException(f"expects {expected} {what}, found {found}")


def segment_sizes(*sizes: int) -> Attribute:
    """The operand segment attribute; the few that occur are made once."""
    if sizes not in _SEGMENTS:
        from xdsl.dialects.builtin import DenseArrayBase, i32

        _SEGMENTS[sizes] = DenseArrayBase.from_list(i32, list(sizes))
    return _SEGMENTS[sizes]


_SEGMENTS: dict[tuple[int, ...], Attribute] = {}


def _merge(parser: Parser, into: dict[str, Attribute], new: Mapping[str, Attribute]) -> None:
    for name, attr in new.items():
        if name in into:
            parser.raise_error(f"attribute '{name}' is given twice")
        into[name] = attr


def _parse_group(
    parser: Parser, attributes: dict[str, Attribute], strings: Sequence[str]
) -> list[SSAValue]:
    """`(%a, %b {attributes} : T, T, "string")`; a comma may stand before the attributes."""
    parser.parse_punctuation("(")
    names: list[UnresolvedOperand] = []
    while (name := parser.parse_optional_unresolved_operand()) is not None:
        names.append(name)
        if parser.parse_optional_punctuation(",") is None:
            break
    _merge(parser, attributes, parser.parse_optional_attr_dict())
    position = parser.pos
    types: list[Attribute] = []
    given: list[str] = []
    if names or parser.parse_optional_punctuation(":") is not None:
        if names:
            parser.parse_punctuation(":")
        while True:
            if (text := parser.parse_optional_str_literal()) is not None:
                given.append(text)
            else:
                types.append(parser.parse_type())
            if parser.parse_optional_punctuation(",") is None:
                break
    if len(types) != len(names):
        parser.raise_error(
            f"expected {len(names)} types for {len(names)} operands, found {len(types)}", position
        )
    if len(given) > len(strings):
        parser.raise_error(f'unexpected "{given[len(strings)]}" behind the types', position)
    _merge(parser, attributes, {n: StringAttr(t) for n, t in zip(strings, given, strict=False)})
    parser.parse_punctuation(")")
    return [parser.resolve_operand(n, t) for n, t in zip(names, types, strict=True)]


def layout_of(value: SSAValue) -> TileLayout:
    """The layout of a tile, in either form."""
    assert isinstance(value.type, AnyTileType)
    return value.type.data


def is_tile(value: SSAValue) -> bool:
    return isinstance(value.type, AnyTileType)


def target_arch(op: Operation) -> str:
    """The chip family a verifier follows: `a5` if the module says so, else `a2a3` (ptoas's default)."""
    parent: Operation | None = op
    while parent is not None:
        if isinstance(parent, ModuleOp) and isinstance(
            arch := parent.attributes.get("pto.target_arch"), StringAttr
        ):
            return "a5" if arch.data.lower() == "a5" else "a2a3"
        parent = parent.parent_op()
    return "a2a3"


def leaf(base: type[TileOp], mnemonic: str, **constants: Any) -> type[TileOp]:
    """An operation that differs from its family only in its name and in constants: one table row."""
    class_name = "".join(part[:1].upper() + part[1:] for part in mnemonic.split(".")) + "Op"
    return irdl_op_definition(type(class_name, (base,), {"name": f"pto.{mnemonic}", **constants}))
