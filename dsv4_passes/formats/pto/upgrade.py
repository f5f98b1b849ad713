"""Make buffer-form text legal for one version of ptoas, without changing what it computes.

Versions differ in what must be written (the axis of a mask gather or scatter, scratch operands, where the
attribute of `tci` stands) and in what they get wrong. `upgrade` works on a copy; what is legal already stays
as it is. What a version cannot say, or is known to get wrong, is a `UserError` with the reason.
"""

from typing import Literal, NoReturn

from xdsl.dialects.arith import ConstantOp
from xdsl.dialects.builtin import (
    IndexType,
    IntegerAttr,
    IntegerType,
    ModuleOp,
    StringAttr,
    UnregisteredOp,
    i64,
)
from xdsl.dialects.func import FuncOp
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.rewriter import Rewriter

from dialects.pto.allocation import AllocMultiTileOp, AllocTileOp
from dialects.pto.base import TileOp, chip_attribute, layout_of, segment_sizes, target_arch
from dialects.pto.lanes import MaskedOp
from dialects.pto.memory import constant_int
from dialects.pto.moves import TMovOp
from dialects.pto.tiles import SetValidShapeOp
from dialects.pto.types import DYNAMIC, AnyTileType, TileBufType, TileLayout, TileType, element_bits
from dsv4_passes import source_names as spelling
from dsv4_passes.diagnostics import UserError, warning
from dsv4_passes.targets import (
    Ptoas,
    ScratchTile,
    TileShape,
    beyond_memory,
    chip,
    has_rule,
    scratch_type,
)

from .defect_conditions import meets, only_warns
from .free_memory import FreeMemory
from .window_moves import cannot_move, is_between_rows, move_box

LevelOption = Literal["auto", "level2", "level3"]

_STATIC_OPERANDS = frozenset({"tprelu", "tquant.mx"})
"""Operations that ptoas takes only with valid extents that stand in the types."""


def upgrade(
    module: ModuleOp, ptoas: Ptoas, level: LevelOption = "auto", for_chip: str | None = None
) -> ModuleOp:
    """A copy of `module` that this ptoas takes, for `for_chip` where the text names no chip.

    Raises UserError.
    """
    copied: dict[SSAValue, SSAValue] = {}
    copy = module.clone(copied)
    spelling.carry_names(copied)
    name_chip(copy, for_chip)
    require_buffer_form(copy)
    if ptoas.has("removed_operations"):
        refuse_removed(copy, ptoas)
    number = address_level(copy, level)
    for op in copy.walk():
        if isinstance(op, FuncOp) and op.body.blocks:
            _FunctionUpgrade(op, ptoas, number).run()
    return copy


def name_chip(module: ModuleOp, name: str | None) -> None:
    """Write a chip into a text of kernels that names none."""
    modules = [op for op in (module, *module.ops) if isinstance(op, ModuleOp)]
    if name is not None and not any(map(chip_attribute, modules)):
        module.attributes["pto.target_arch"] = StringAttr(chip(name).name)


def require_buffer_form(module: ModuleOp) -> None:
    """Raise UserError at the first operation that works on tiles as values."""
    for op in module.walk():
        if any(isinstance(value.type, TileType) for value in (*op.results, *op.operands)):
            _fail(op, "is in value form, which ptoas does not know: run pto-lower first")


REMOVED = frozenset({"pto.tpack", "pto.bind_tile", "pto.pointer_cast", "pto.declare_tile_memref"})


def refuse_removed(module: ModuleOp, ptoas: Ptoas) -> None:
    """Raise UserError at the first operation that older assemblers had and this one does not."""
    for op in module.walk():
        name = op.op_name.data if isinstance(op, UnregisteredOp) else op.name
        if name in REMOVED:
            problem = f"is an operation of older assemblers, which ptoas {ptoas.version} no longer has"
            raise UserError(f"'{name}' op {problem}", op.location)


def address_level(module: ModuleOp, level: LevelOption) -> int:
    """2 where ptoas plans the memory, 3 where the text has addresses. Raises UserError for a mixture."""
    tiles = [op for op in module.walk() if isinstance(op, AllocTileOp | AllocMultiTileOp)]
    wanted = {"level2": 2, "level3": 3}.get(level)
    if wanted is None:
        has_address = tiles[0].addr is not None if tiles else not _only_declares(module)
        wanted = 3 if has_address else 2
    for op in tiles:
        if (op.addr is not None) == (wanted == 3):
            continue
        if level == "auto":
            _fail(op, "mixes tiles with and without address, which no level of ptoas takes")
        if wanted == 3:
            _fail(op, "has no address, which level3 needs: run pto-raise and pto-lower")
        _fail(op, "has an address, which level2 forbids: run pto-raise and pto-lower{level=level2}")
    return wanted


def _only_declares(module: ModuleOp) -> bool:
    """Tiles are declared, and none is given an address."""
    names = {op.name for op in module.walk()}
    return "pto.declare_tile" in names and "pto.tassign" not in names


class _FunctionUpgrade:
    """The upgrade of one function, in place."""

    def __init__(self, function: FuncOp, ptoas: Ptoas, level: int):
        self.function = function
        self.ptoas = ptoas
        self.level = level
        self.arch = target_arch(function)
        self.chip = chip(self.arch)
        self._constants: dict[tuple[int, Attribute], SSAValue] = {}

    def run(self) -> None:
        ops = [op for op in self.function.walk() if isinstance(op, TileOp)]
        lacking: dict[TileOp, ScratchTile] = {}
        for op in ops:
            if isinstance(op, MaskedOp):
                self._axis(op)
            if op.mnemonic() in _STATIC_OPERANDS:
                self._static_extents(op)
            if "tmp?" in op.OPERANDS.split() and has_rule(op.mnemonic()):
                scratch = self._scratch_of(op)
                if scratch is not None:
                    self._static_extent(op)
                if not self._keeps_scratch(op, scratch) and scratch is not None:
                    lacking[op] = scratch
        if lacking:
            memory = FreeMemory(self.function, self.chip, lacking.keys()) if self.level == 3 else None
            for op, scratch in lacking.items():
                self._add_scratch(op, scratch, memory)
        for op in ops:
            self._defects(op)
            self._window_move(op)
        for op in self.function.walk():
            if (problem := beyond_memory(op, self.chip)) is not None:
                warning(op, problem)

    # -- axis ------------------------------------------------------------------------------------

    def _axis(self, op: MaskedOp) -> None:
        """`row` is the implicit default of older versions; newer ones require it to be written."""
        if op.pattern is None:
            return
        written = self.ptoas.tgather_axis if op.mnemonic() == "tgather" else self.ptoas.tscatter_axis
        if not written and op.along != "row":
            _fail(op, f'works along "{op.along}", which ptoas {self.ptoas.version} cannot say')
        if written:
            op.properties["axis"] = StringAttr(op.along)
        else:
            op.properties.pop("axis", None)

    # -- windows ---------------------------------------------------------------------------------

    def _window_move(self, op: TileOp) -> None:
        if isinstance(op, TMovOp) and is_between_rows(op, self.chip, self.ptoas):
            if (problem := cannot_move(op)) is not None:
                _fail(op, problem)
            move_box(op)

    # -- defects ---------------------------------------------------------------------------------

    def _defects(self, op: TileOp) -> None:
        for defect in self.ptoas.defects(self.chip, op.mnemonic(), op.form()):
            if meets(op, defect):
                if defect.name == "mask_scatter_widths_inverted" and self._dynamic_columns(op):
                    continue
                text = f"{defect.effect}{self.ptoas.where(defect)}; {defect.avoid}"
                if only_warns(defect) or not self.ptoas.surely_has(defect):
                    warning(op, f"'{op.name}' with ptoas {self.ptoas.version}: {text} ({defect.source})")
                else:
                    _fail(op, f"does not work with ptoas {self.ptoas.version}: {text} ({defect.source})")

    # -- scratch ---------------------------------------------------------------------------------

    def _keeps_scratch(self, op: TileOp, wanted: ScratchTile | None) -> bool:
        """Whether the operation has a scratch operand that is right; a wrong one is taken away."""
        have = op.operand("tmp")
        if have is None:
            return False
        if self._accepts(op, layout_of(have), wanted):
            return True
        _set_scratch(op, None)
        _erase_unused(have)
        return False

    def _scratch_of(self, op: TileOp) -> ScratchTile | None:
        tiles = [
            value
            for name, value in op.named_operands()
            if name not in ("tmp", "mask", "old") and isinstance(value.type, AnyTileType)
        ]
        is_binary = op.properties.get("isBinary")
        return scratch_type(
            op.mnemonic(),
            op.form(),
            [_stated(value) if op.mnemonic() == "tsort32" else _tile(value) for value in tiles],
            _tile(op.destinations()[0]),
            self.chip,
            self.ptoas,
            self.level,
            saturate=bool(getattr(op, "saturates", False)),
            binary=(isinstance(is_binary, IntegerAttr) and is_binary.value.data != 0)
            or (op.mnemonic() == "tmrgsort" and len(tiles) > 1),
        )

    def _accepts(self, op: TileOp, have: TileLayout, wanted: ScratchTile | None) -> bool:
        """Whether this ptoas takes the scratch operand as it stands."""
        mnemonic = op.mnemonic()
        if mnemonic == "tci" and not self.ptoas.has("tci_tmp"):
            return False
        if not self.ptoas.implicit_scratch:
            return mnemonic not in ("tcvt", "tquant")
        if not self.chip.reads_scratch:
            return True
        bits = element_bits(have.dtype)
        if mnemonic == "tsel":
            # PTO.cpp TSelOp::verify, which asks for less than ptoas itself would make
            return bits == 32 and have.bytes >= 256 // element_bits(op.destination_layout().dtype)
        if wanted is None:
            return True
        size = wanted.rows * wanted.cols * element_bits(wanted.dtype) // 8
        same_width = bits == element_bits(wanted.dtype) or mnemonic in ("tci", "tcvt")
        return have.bytes >= size and same_width

    def _add_scratch(self, op: TileOp, wanted: ScratchTile, memory: FreeMemory | None) -> None:
        layout = TileLayout("vec", wanted.rows, wanted.cols, wanted.dtype, wanted.rows, wanted.cols)
        address = None if memory is None else self._constant(memory.address(op, layout.bytes))
        tile = AllocTileOp(TileBufType(layout), address)
        tile.location = op.location
        tile.res.name_hint = f"{op.mnemonic()}_tmp"
        _before(op, tile)
        _set_scratch(op, tile.res)

    # -- valid extents in types ------------------------------------------------------------------

    def _static_extent(self, op: TileOp) -> None:
        """Give a tile whose valid extent is constant a second handle whose type says so.

        ptoas sizes the scratch of these operations by the type, and refuses one with a `?`
        (PTO.cpp TCvtOp::verify, TColSumOp::verify).
        """
        if op.mnemonic() not in ("tcvt", "tcolsum"):
            return
        value = op.outs[0] if op.mnemonic() == "tcvt" else op.ins[0]
        if DYNAMIC in layout_of(value).valid and not (self.level == 3 and self._make_static(op, value)):
            _fail(op, "needs a scratch operand, which ptoas takes only with a constant valid extent")

    def _static_extents(self, op: TileOp) -> None:
        """The same for all tiles of an operation that takes none with a `?`."""
        for value in dict.fromkeys(op.operands):
            if isinstance(value.type, TileBufType) and DYNAMIC in layout_of(value).valid:
                if not self._make_static(op, value):
                    _fail(op, "takes only tiles of a constant valid extent")

    def _make_static(self, op: TileOp, value: SSAValue) -> bool:
        """Have `op` use a handle whose type says the extent of `value`, if that is constant.

        Without an address there is one handle only, so its own type says it, everywhere.
        """
        tile, owner = _tile(value), value.owner
        changed = any(isinstance(use.operation, SetValidShapeOp) for use in value.uses)
        if tile.valid is None or changed or not isinstance(owner, AllocTileOp):
            return False
        rows, cols = tile.valid
        layout = layout_of(value)._replace(valid_rows=rows, valid_cols=cols)
        static = AllocTileOp(TileBufType(layout), owner.addr)
        if owner.addr is None:
            static.location = owner.location
            _before(owner, static)
            spelling.carry_name(value, static.res)
            value.replace_all_uses_with(static.res)
            _erase_unused(value)
            return True
        static.location = op.location
        static.res.name_hint = value.name_hint
        _before(op, static)
        op.operands = [static.res if operand is value else operand for operand in op.operands]
        return True

    def _dynamic_columns(self, op: TileOp) -> bool:
        """Have the valid columns of the destination, or of the source, in an operand and not in the type."""
        for value in (op.outs[0], op.ins[0]):
            tile, owner = value.type, value.owner
            if isinstance(owner, AllocTileOp) and isinstance(tile, TileBufType):
                columns = self._constant(tile.data.valid_cols, IndexType())
                loose = AllocTileOp(tile.with_(valid_cols=DYNAMIC), owner.addr, owner.valid_row, columns)
                loose.location = owner.location
                _before(owner, loose)
                spelling.carry_name(value, loose.res)
                value.replace_all_uses_with(loose.res)
                _erase_unused(value)
                return True
        return False

    def _constant(self, number: int, type_: IntegerType | IndexType = i64) -> SSAValue:
        """A number at the start of the function, where pypto has them."""
        if (number, type_) not in self._constants:
            constant = ConstantOp(IntegerAttr(number, type_))
            constant.location = self.function.location
            constant.result.name_hint = f"c{number}_{type_}"
            first = self.function.body.block.first_op
            assert first is not None
            _before(first, constant)
            self._constants[number, type_] = constant.result
        return self._constants[number, type_]


def _set_scratch(op: TileOp, tmp: SSAValue | None) -> None:
    """Replace, add or (None) remove the scratch operand, which may stand between others."""
    given = {name: value for name, value in op.named_operands() if name != "tmp"}
    if tmp is not None:
        given["tmp"] = tmp
    names = [name.removesuffix("?") for name in op.OPERANDS.split()]
    ins = [given[name] for name in names if name in given]
    sizes = len(ins), len(op.outs), len(op.valid)
    op.operands = [*ins, *op.outs, *op.valid]
    op.properties["operandSegmentSizes"] = segment_sizes(*sizes)


def _erase_unused(value: SSAValue) -> None:
    """Erase the handle that nothing uses any more, and the numbers that only it used."""
    if value.first_use is not None or not isinstance(value.owner, AllocTileOp | ConstantOp):
        return
    operands = list(dict.fromkeys(value.owner.operands))
    Rewriter.erase_op(value.owner)
    for operand in operands:
        _erase_unused(operand)


def _tile(value: SSAValue) -> TileShape:
    """A tile operand with its valid extent where that is constant."""
    layout, owner = layout_of(value), value.owner
    extents = list(layout.valid)
    if isinstance(owner, AllocTileOp):
        for axis, given in enumerate((owner.valid_row, owner.valid_col)):
            if given is not None and (number := constant_int(given)) is not None:
                extents[axis] = number
    valid = None if DYNAMIC in extents else (extents[0], extents[1])
    return TileShape(layout.rows, layout.cols, layout.dtype, valid)


def _stated(value: SSAValue) -> TileShape:
    """A tile operand as its type has it, where ptoas looks at nothing else (PTO.cpp TSort32Op::verify)."""
    layout = layout_of(value)
    return TileShape(layout.rows, layout.cols, layout.dtype, layout.valid)


def _before(op: Operation, new: Operation) -> None:
    block = op.parent
    assert block is not None
    block.insert_op_before(new, op)


def _fail(op: Operation, problem: str) -> NoReturn:
    raise UserError(f"'{op.name}' op {problem}", op.location)
