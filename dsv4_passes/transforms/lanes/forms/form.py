"""What a form of a lane operation is, and the preconditions that several forms share.

A form does one lane operation on one kind of element. `refuse` says why it is not legal for an operation on
a target, in words that fit into a remark, or None; `build` adds the operations that do it in front of the
builder's site. A half that the form has as f32 numbers with nothing in their low 16 bits is returned as
`Widened`: users that widen it take those numbers, and only others make it short again.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from xdsl.dialects import func
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation, SSAValue

from dialects.dsv4.opaque import SourceOp
from dialects.pto.types import TileLayout, element_bits
from dsv4_passes.formats.pypto.grammar.imports import language_of
from dsv4_passes.formats.pypto.grammar.source import LANGUAGE, renamed
from dsv4_passes.targets import Chip, Ptoas, Pypto
from dsv4_passes.targets.pypto import operations
from dsv4_passes.transforms.common.origin import Level
from dsv4_passes.transforms.lanes.builder import WIDENED, Builder

BLOCK_BYTES = 32
"""Rows and addresses in vector memory are multiples of a block."""


@dataclass(frozen=True)
class Widened:
    """A 16-bit result as the f32 numbers that it widens to."""

    wide: SSAValue


_CALLS = {("tci", ""): "tile.ci", ("tgather", "mask"): "tile.gather_mask"}
"""What pypto calls operations of which it may leave something out."""
Built = SSAValue | Widened
FormBuilder = Callable[[Builder, Sequence[SSAValue]], list[Built]]


@dataclass(frozen=True)
class Target:
    """Where a form is to be legal."""

    chip: Chip
    ptoas: Ptoas
    pypto: Pypto | None = None
    """What goes on compiling the text, if it is written as a program text."""
    rejected: bool = False
    """ptoas rejects what pypto makes of the function as it was read: that may go on."""
    level: Level = "level3"
    """Whether ptoas plans the memory (level2)."""

    def leaves_out(self, name: str) -> str | None:
        """Why ptoas would reject what pypto makes of an operation of `pl.tile`; None where it would not."""
        if self.pypto is None or self.rejected:
            return None
        return self.pypto.leaves_out(name, self.chip, self.ptoas)

    def builder(self, site: Operation) -> Builder:
        return Builder(site, self.chip, self.ptoas, tci=self.leaves_out("tile.ci") is None)


def target_for(function: func.FuncOp, chip: Chip, ptoas: Ptoas, pypto: Pypto | None) -> Target:
    """The target of a function, of which the module around it may have the text."""
    module = function.get_toplevel_object()
    if pypto is None or not isinstance(module, ModuleOp):
        return Target(chip, ptoas, pypto)
    name, language = function.sym_name.data, language_of(module)
    texts = [op.text.data for op in module.ops if isinstance(op, SourceOp) and op.function.data == name]
    calls = {call for text in texts for call in operations(renamed(text, language, LANGUAGE))}
    return Target(chip, ptoas, pypto, any(pypto.leaves_out(call, chip, ptoas) for call in calls))


@dataclass(frozen=True)
class Form:
    """One way to do one lane operation."""

    name: str
    operation: str
    """`deinterleave`, `interleave` or `swap_pairs`."""
    refuse: Callable[[Target, TileLayout], str | None]
    """Given the layout of the tile with whole pairs."""
    build: FormBuilder


def not_whole_rows(layout: TileLayout, half_bits: int | None = None) -> str | None:
    """Why the rows of a tile, and of its halves of `half_bits` a lane, are not bytes of whole rows.

    They lie in vector memory, all columns are valid, and every row is whole blocks. Fewer rows may be valid.
    """
    if (layout.loc, layout.blayout, layout.slayout) != ("vec", "row_major", "none_box"):
        return f"a {layout.blayout} tile in {layout.loc} memory is not one stretch of rows"
    if layout.valid_cols != layout.cols:
        return "not all columns are valid"
    bits = half_bits or element_bits(layout.dtype)
    if layout.cols // 2 * bits % (8 * BLOCK_BYTES):
        return f"half a row, {layout.cols // 2} lanes of {bits} bits, is no multiple of {BLOCK_BYTES} bytes"
    return None


def not_contiguous(layout: TileLayout) -> str | None:
    """Why the bytes of a tile and of its halves cannot be seen in another shape, for which all are valid."""
    return not_whole_rows(layout) or (None if layout.full else "not all rows are valid")


def cannot_reinterpret(target: Target) -> str | None:
    """The reason why the bytes of a tile cannot be reinterpreted in the output format."""
    return target.pypto and target.pypto.lacks("tile.reinterpret_view")


def not_widened(target: Target, layout: TileLayout) -> str | None:
    """Why short numbers are not widened to be moved: that is for where no form moves them as they are."""
    if layout.dtype not in WIDENED:
        return f"only short numbers are widened, not {layout.dtype}"
    return None if cannot_reinterpret(target) else "short numbers can be moved as they are"


def wants_bits(layout: TileLayout, bits: int) -> str | None:
    """Why a form that is for elements of `bits` bits is not for these."""
    if element_bits(layout.dtype) != bits:
        return f"it moves {bits}-bit lanes, not {layout.dtype}"
    return None


def lacks(target: Target, mnemonic: str, dtype: str, form: str = "") -> str | None:
    """The reason why the target lacks the operation for that element type."""
    what = f"{mnemonic} ({form})" if form else mnemonic
    legal = target.chip.elements(mnemonic, form)
    if legal is not None and dtype not in legal:
        return f"{target.chip.name} has no {what} of {dtype}"
    if target.pypto is not None and (why := target.pypto.refuses(mnemonic, form, dtype)) is not None:
        return why
    call = _CALLS.get((mnemonic, form))
    if call is not None and (why := target.leaves_out(call)) is not None:
        return why
    for defect in target.ptoas.defects(target.chip, mnemonic, form):
        if not defect.when:
            return f"{what} with ptoas {target.ptoas.version}: {defect.effect}"
    return None
