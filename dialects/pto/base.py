"""The base of all tile operations: one class per operation, two forms of it.

Buffer form, what `ptoas` reads: the destination is an operand.

    pto.tadd ins(%a, %b : TB, TB) outs(%d : TB)              TB = !pto.tile_buf<…>

Value form, what the passes work on: the destination is the result; an extent written `?` in the result
type is an operand in `valid [rows, columns]`.

    %d = pto.tadd ins(%a, %b : T, T) valid [%r, %c] -> T      T = !pto.tile<…>

A family states its operands (`OPERANDS`), where its attributes stand in text (`INS_ATTRIBUTES`,
`TYPE_ATTRIBUTES`, …) and what it checks (`check`); format, effects and the rules that hold for every tile
operation live here. Raise, lower, interpreter and printers know an operation only through this class.
"""

import re
from abc import ABC
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, Self, TypeVar, cast

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
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.traits import EffectInstance, MemoryEffect, MemoryEffectKind
from xdsl.utils.exceptions import VerifyException

from .operand_names import expect_count, present_names, split_names
from .syntax import (
    merge_attributes,
    parse_index_list,
    parse_ins,
    parse_values,
    print_index_list,
    print_values,
)
from .syntax import segment_sizes as segment_sizes
from .target import AnyChip, ChipRules, chip_rules
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
REMEMBERED_SCRATCH = "pto.scratch"
"""A discardable attribute in value form: the type of the scratch tile that the input had."""


class OrderedOp:
    """Mixed into operations that other cores or people can observe: none is removed, merged or reordered.

    They have no effect trait, which to xDSL means that they may touch everything.
    """


class TileEffects(MemoryEffect):
    """Reads what `ins` denotes, writes what `outs` denotes; tiles as values have no effect.

    Scratch operands are read and written. Effects are per value, so an operation without results
    survives dead code elimination exactly when it writes memory.
    """

    @classmethod
    def get_effects(cls, op: Operation) -> set[EffectInstance] | None:
        assert isinstance(op, TileOp)
        if isinstance(op, OrderedOp):
            return None
        if not any(isinstance(value.type, MEMORY_TYPES) for value in op.operands):
            return set()
        outs = op.outs
        read = [*op.ins, *outs] if op.reads_destination() else op.ins
        written = (*outs, *op.scratch_operands())
        return {
            *(EffectInstance(MemoryEffectKind.READ, v) for v in read if isinstance(v.type, MEMORY_TYPES)),
            *(EffectInstance(MemoryEffectKind.WRITE, v) for v in written if isinstance(v.type, MEMORY_TYPES)),
        }


class TileOp(IRDLOperation, ABC):
    """An operation with the shared `ins(…) outs(…)` text."""

    ins = var_operand_def()
    outs = var_operand_def()
    valid = var_operand_def(IndexType)
    res = var_result_def()

    irdl_options = (AttrSizedOperandSegments(as_property=True),)
    traits = traits_def(TileEffects())

    # what the operation means to whoever moves its operands

    OPERANDS: ClassVar[str] = "src"
    """Names of `ins` in order; `?` marks one that may be absent.

    `tmp` is scratch memory. `old` is what the destination held before, for an operation that writes a
    part of it or adds to it: an operand in value form, and the destination itself in buffer form.
    """
    DESTINATIONS: ClassVar[str] = "dst"
    """Names of what it produces: `outs` in buffer form, results in value form; `?` as above."""
    TIED: ClassVar[str | None] = None
    """The operand whose buffer the destination must be (the accumulator of `tmatmul.acc`, or `old`)."""
    ELEMENT: ClassVar[str] = "dst"
    """The operand or destination whose element type is the operation's, where rules speak of one."""
    NOT_IN_PLACE: ClassVar[tuple[str, ...]] = ()
    """Operands whose bytes the destination must not overlap."""
    FILLS: ClassVar[bool] = False
    """It writes whole tiles: what lies beside the valid lanes of a destination is lost."""
    BUFFER_ONLY: ClassVar[bool] = False
    """It is about handles or addresses and has no meaning on values."""

    # how its text looks

    INS_ATTRIBUTES: ClassVar[tuple[str, ...]] = ()
    """Properties written inside `ins`, before the types."""
    INS_ATTRIBUTES_COMMA: ClassVar[bool] = False
    """A comma stands between the operands and those properties."""
    ALL_ATTRIBUTES_IN_INS: ClassVar[bool] = False
    """The attribute dictionary stands inside `ins`, whatever is in it."""
    INS_FLAGS: ClassVar[tuple[str, ...]] = ()
    """Unit properties written as a bare word behind the operands."""
    TYPE_ATTRIBUTES: ClassVar[tuple[str, ...]] = ()
    """String properties written as bare strings behind the types."""
    CLAUSES: ClassVar[Mapping[str, str]] = {}
    """Operands written behind the types, as `TEXT %x : T`, with the text that introduces each."""
    TMP_IN_OUTS: ClassVar[bool] = False
    """In buffer form the scratch operand is written behind the destination."""
    ALIASES: ClassVar[Mapping[str, str]] = {}
    """Older names of attributes."""

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
        given = {name: value for name, value in (properties or {}).items() if value is not None}
        sizes = segment_sizes(len(ins), len(outs), len(valid))
        Operation.__init__(  # what IRDLOperation would work out is known here
            self,
            operands=[*ins, *outs, *valid],
            result_types=[result] if isinstance(result, Attribute) else result,
            properties={**given, "operandSegmentSizes": sizes},
            attributes=attributes or {},
        )

    # -- operands by name ------------------------------------------------------------------------

    def operand_names(self) -> Sequence[str]:
        """The names of `ins`, optional ones counted in from the left as far as operands are given."""
        return present_names(self.OPERANDS, len(self.ins))

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

    @classmethod
    def reads_destination(cls) -> bool:
        """In buffer form, what the destination held before is part of the result."""
        return "old?" in cls.OPERANDS

    # -- the two forms ---------------------------------------------------------------------------

    @property
    def is_value_form(self) -> bool:
        return any(isinstance(value.type, TileType) for value in (*self.res, *self.ins))

    def destinations(self) -> list[SSAValue]:
        """What the operation produces, in either form."""
        return list(self.res) if self.res else list(self.outs)

    def destination_names(self) -> Sequence[str]:
        return split_names(self.DESTINATIONS)

    def destination_layout(self) -> TileLayout:
        return layout_of(self.destinations()[0])

    def form(self) -> str:
        """Which variant of the operation this is, where a mnemonic has several (`mask`, `index`)."""
        return ""

    def element_type(self) -> str | None:
        """The element type that the chip's rules use for the operation; None without such a tile."""
        destinations = zip(self.destination_names(), self.destinations(), strict=False)
        value = {**dict(self.named_operands()), **dict(destinations)}.get(self.ELEMENT)
        return layout_of(value).dtype if value is not None and is_tile(value) else None

    def element_form(self) -> str:
        """The form that such a rule uses: `mask`, or the memory that a store reads."""
        return self.form()

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
        expect_count("operand", split_names(self.OPERANDS), len(self.ins), " in ins(…)")
        if names:
            expect_count("destination", names, len(self.destinations()))
        self._verify_forms()
        self.check_on(verified_chip(self))

    def _verify_forms(self) -> None:
        tiles = [v.type for v in (*self.ins, *self.outs, *self.res) if isinstance(v.type, AnyTileType)]
        form = "value" if any(isinstance(v.type, TileType) for v in self.res) else "buffer"
        if any(type(tile) is not type(tiles[0]) for tile in tiles):
            other = "tile_buf" if form == "value" else "tile"
            raise VerifyException(f"is in {form} form but has a !pto.{other} operand")
        if self.BUFFER_ONLY and self.is_value_form:
            raise VerifyException("exists in buffer form only")
        if self.reads_destination() and self.is_value_form != (self.operand("old") is not None):
            expected = "the former content of its destination" if self.is_value_form else "no former content"
            raise VerifyException(f"expects {expected} among the operands in {form} form")
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

    def check_on(self, chip: ChipRules) -> None:
        """The chip has the operation, and the rules of its family hold there; raises VerifyException."""
        if (other := chip.exists_only_on(self.mnemonic())) is not None:
            raise VerifyException(f"exists on {other} only, found {chip.name}")
        self.check(chip)

    def check(self, chip: ChipRules) -> None:
        """Rules of the family on a chip; raises VerifyException."""

    # -- text ------------------------------------------------------------------------------------

    def ins_attributes(self, printer: Printer) -> Sequence[str]:
        """Attributes to write inside `ins`; a printer for an older assembler may write others."""
        if self.ALL_ATTRIBUTES_IN_INS:
            return [name for name in (*self.properties, *self.attributes) if name != "operandSegmentSizes"]
        return [name for name in self.INS_ATTRIBUTES if name in self.properties]

    @classmethod
    def parse(cls, parser: Parser) -> Self:
        attributes: dict[str, Attribute] = {}
        parser.parse_keyword("ins")
        ins = parse_ins(
            parser,
            attributes,
            keywords=[text.strip() for text in cls.CLAUSES.values() if text != ", "],
            flags=cls.INS_FLAGS,
            strings=cls.TYPE_ATTRIBUTES,
        )
        outs = parse_values(parser) if parser.parse_optional_keyword("outs") is not None else []
        if cls.TMP_IN_OUTS:
            count = len(split_names(cls.DESTINATIONS))
            ins, outs = ins + outs[count:], outs[:count]
        valid = parse_index_list(parser) if parser.parse_optional_keyword("valid") is not None else []
        results: list[Attribute] = []
        if parser.parse_optional_punctuation("->") is not None:
            results.append(parser.parse_type())
            while parser.parse_optional_punctuation(",") is not None:
                results.append(parser.parse_type())
        merge_attributes(parser, attributes, parser.parse_optional_attr_dict())
        for older, newer in cls.ALIASES.items():
            if older in attributes:
                merge_attributes(parser, attributes, {newer: attributes.pop(older)})
        ins = cls.arrange(ins, len(results))
        properties: dict[str, Attribute] = {
            "operandSegmentSizes": segment_sizes(len(ins), len(outs), len(valid))
        }
        if attributes:
            declared = cls.get_irdl_definition().properties
            properties |= {name: attributes.pop(name) for name in list(attributes) if name in declared}
        return cls.create(
            operands=[*ins, *outs, *valid],
            result_types=results,
            properties=properties,
            attributes=attributes,
        )

    @classmethod
    def arrange(cls, ins: Sequence[SSAValue], results: int) -> Sequence[SSAValue]:
        """The operands of `ins` in the order of `OPERANDS`, where their text has another."""
        return ins

    def print(self, printer: Printer) -> None:
        inside = self.ins_attributes(printer)
        self._print_ins(printer, inside)
        outs = list(self.outs)
        if self.TMP_IN_OUTS and outs:
            outs += self.scratch_operands()
        if outs:
            printer.print_string(" outs(")
            print_values(printer, outs)
            printer.print_string(")")
        if self.valid:
            printer.print_string(" valid ")
            print_index_list(printer, self.valid)
        if self.res:
            printer.print_string(" -> ")
            printer.print_list([v.type for v in self.res], printer.print_attribute)
        hidden = {*inside, *self.TYPE_ATTRIBUTES, *self.INS_FLAGS, "operandSegmentSizes"}
        shown = {**self.properties, **self.attributes}
        printer.print_op_attributes({name: attr for name, attr in shown.items() if name not in hidden})

    def _print_ins(self, printer: Printer, inside: Sequence[str]) -> None:
        named = list(self.named_operands())
        if self.TMP_IN_OUTS and self.outs:
            named = [(name, value) for name, value in named if name != "tmp"]
        main = [value for name, value in named if name not in self.CLAUSES]
        printer.print_string(" ins(")
        printer.print_list(main, printer.print_operand)
        for flag in self.INS_FLAGS:
            if flag in self.properties:
                printer.print_string(f" {flag}")
        if inside:
            printer.print_string(", " if self.INS_ATTRIBUTES_COMMA else " ")
            attributes = {**self.properties, **self.attributes}
            printer.print_attr_dict({name: attributes[name] for name in inside})
        if main:
            printer.print_string(" : ")
            printer.print_list([v.type for v in main], printer.print_attribute)
        for name in self.TYPE_ATTRIBUTES:
            if name in self.properties:
                printer.print_string(", ")
                printer.print_attribute(self.properties[name])
        for name, value in named:
            if name in self.CLAUSES:
                printer.print_string(self.CLAUSES[name])
                print_values(printer, [value])
        printer.print_string(")")


def layout_of(value: SSAValue) -> TileLayout:
    """The layout of a tile, in either form."""
    assert isinstance(value.type, AnyTileType)
    return value.type.data


def is_tile(value: SSAValue) -> bool:
    return isinstance(value.type, AnyTileType)


ARCHITECTURES = ("a2a3", "a5")
DEFAULT_ARCHITECTURE = "a2a3"
"""What ptoas takes where a module names none, or one it does not know."""


A5_DEVICES = ("Ascend950", "Ascend910_95")
"""How the names of devices begin that have an A5 (ptoas 0.60, PTO.cpp)."""


def chip_attribute(op: Operation) -> tuple[str, str] | None:
    """Name and text of the attribute by which a module says what chip or device it is for, if it does."""
    for name in ("pto.target_arch", "pto.device-spec") if isinstance(op, ModuleOp) else ():
        if isinstance(text := op.attributes.get(name), StringAttr):
            return name, text.data
    return None


def target_arch(op: Operation) -> str:
    """The chip family a verifier follows: what the module names by its chip or its device, or the default."""
    parent: Operation | None = op
    while parent is not None:
        if (named := chip_attribute(parent)) is not None:
            name, text = named
            if name == "pto.device-spec":
                return "a5" if text.startswith(A5_DEVICES) else DEFAULT_ARCHITECTURE
            return text.lower() if text.lower() in ARCHITECTURES else DEFAULT_ARCHITECTURE
        parent = parent.parent_op()
    return DEFAULT_ARCHITECTURE


PROGRAM_ROLE = "dsv4.role"
"""Attribute of the functions of a whole program, which is text for any chip unless its module names one."""


def verified_chip(op: Operation) -> ChipRules:
    """The chip whose rules an operation has to follow.

    That is any chip for an operation that stands in no module, and in a program whose module names none.
    """
    parent, program = op.parent_op(), False
    while parent is not None:
        if isinstance(parent, ModuleOp):
            named = chip_attribute(parent) is not None
            return AnyChip() if program and not named else chip_rules(target_arch(parent))
        program |= PROGRAM_ROLE in parent.attributes
        parent = parent.parent_op()
    return AnyChip()


Leaf = TypeVar("Leaf", bound=IRDLOperation)


def leaf(base: type[Leaf], mnemonic: str, **constants: Any) -> type[Leaf]:
    """An operation that differs from its family only in its name and in constants: one table row."""
    class_name = "".join(part[:1].upper() + part[1:] for part in re.split("[._]", mnemonic)) + "Op"
    namespace = {
        "name": f"pto.{mnemonic}",
        "__doc__": base.__doc__,
        "__module__": base.__module__,
        "__annotations__": dict.fromkeys(constants, ClassVar),
        **constants,
    }
    return cast(type[Leaf], _define(type(class_name, (base,), namespace)))


def _define(cls: type[Any]) -> type[Any]:
    return irdl_op_definition(cls)
