"""The chips as data: memories, cores, legal element types, connections between memories.

A number or a rule here is read from one of

* ptoas 0.60 (PTO.cpp: its verifiers; PTOPlanMemoryModern.cpp: its planner),
* pto-isa (include/pto/common/buffer_limits.hpp, constants.hpp),
* pypto (src/backend/common/soc.cpp, src/backend/{910B,950}/*_handler.cpp),

and says which. `a2a3` covers A2 and A3: in 1032 programs ptoas never told the two apart.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from .assumptions import applied, assumed
from .cycles import A2A3_CYCLES, A5_CYCLES, Cycles
from .elements import A2A3_ELEMENTS, A5_ELEMENTS, ElementRule, with_unsigned

KIB = 1024


@dataclass(frozen=True)
class Memory:
    """One on-chip memory of a core. Sizes and alignments in bytes."""

    hardware: int
    """pto-isa buffer_limits.hpp."""
    planner: int
    """What ptoas's own planner fills at level1 and level2 (PTOPlanMemoryModern.cpp getMemSpec)."""
    usable: int
    """What may be filled safely when this project assigns addresses (pypto soc.cpp)."""
    align: int
    """Alignment of an address that a program assigns (PTO.cpp getLocalAddressAlignmentBytes)."""


@dataclass(frozen=True)
class Reserved:
    """A range of a memory that library code writes without naming it."""

    space: str
    offset: int
    size: int
    reason: str
    source: str


@dataclass(frozen=True)
class Chip:
    """What passes may ask about a chip. Element types are strings, mnemonics have no `pto.` prefix."""

    name: str
    """As pypto writes it into `pto.target_arch`."""
    aliases: tuple[str, ...]
    memories: Mapping[str, Memory]
    reserved: tuple[Reserved, ...]
    element_rules: Mapping[str, ElementRule]
    product_inputs: tuple[tuple[str, str], ...]
    """Input element types that may be multiplied with each other, and the accumulator's."""
    conversions: Mapping[str, frozenset[str]]
    """Conversions the hardware has, source to destinations. ptoas checks none of them on A2/A3."""
    tile_moves: Mapping[str, frozenset[tuple[str, str]]]
    """(from, to) memories per operation, as ptoas accepts them."""
    paths: frozenset[tuple[str, str]]
    """(from, to) memories that the hardware connects; what is missing goes through GM."""
    gather_indices: frozenset[str]
    """Element types of the index of an index gather (ptoas 0.60 PTO.cpp TGatherOp::verify)."""
    transposed_block: tuple[int, int]
    """Rows and columns of 32-bit elements that ttrans moves by vector instructions (0: none; it then goes
    lane by lane, as it does where the rows of a tile are no multiple)."""
    reads_scratch: bool
    """Whether operations use their scratch operands; a chip that does not still accepts them."""
    compares: Mapping[str, frozenset[str]]
    """tcmp and tcmps modes that come out right, for element types where not all do."""
    cycles: Cycles
    cores_share_memory: bool
    """The cube and the vector core of a mixed kernel reach each other's memories; else they meet in GM."""
    both_subblocks_run: bool
    """A mixed kernel's vector function runs on both sub-blocks, even if it does not ask for its number."""
    missing: Mapping[str, str]
    """Operations that this chip lacks, each with the chip that has it (ptoas 0.60 PTO.cpp, its verifiers)."""
    lifted_rules: frozenset[str]
    """Rules of verification that ptoas does not apply to this chip, by name (dialects/pto)."""
    last_events: Mapping[str, int]
    """The largest event number of a signal between cores, where ptoas checks one."""

    def exists_only_on(self, mnemonic: str) -> str | None:
        """The chip that has the operation where this one lacks it, else None."""
        return self.missing.get(mnemonic)

    def lifts(self, rule: str) -> bool:
        """Whether a rule of verification does not hold here."""
        return rule in self.lifted_rules

    def last_event(self, mnemonic: str) -> int | None:
        return self.last_events.get(mnemonic)

    def memory(self, space: str) -> Memory:
        """The memory called `space`; ValueError where the chip has none of that name."""
        if (found := self.memories.get(space)) is None:
            raise ValueError(f"{self.name} has no memory '{space}'; it has {', '.join(self.memories)}")
        return found

    def elements(self, mnemonic: str, form: str = "") -> frozenset[str] | None:
        """The element types `mnemonic` takes in that form, or None where no rule is known."""
        rule = self.element_rule(mnemonic, form)
        return rule.dtypes if rule else None

    def element_rule(self, mnemonic: str, form: str = "") -> ElementRule | None:
        return self.element_rules.get(f"{mnemonic}.{form}" if form else mnemonic)

    def matmul_types(self) -> frozenset[tuple[str, str, str]]:
        """(accumulator, left, right) element types of tmatmul (ptoas 0.60 PTO.cpp verifyMatmulTypeTriple)."""
        return frozenset(
            (acc, left, right)
            for inputs, accs in self.product_inputs
            for acc in with_unsigned(accs)
            for left in with_unsigned(inputs)
            for right in with_unsigned(inputs)
        )

    def converts(self, source: str, dest: str) -> bool:
        """Whether one tcvt does it; otherwise the conversion goes through a type between."""
        return dest in self.conversions.get(source, frozenset())

    def moves(self, mnemonic: str) -> frozenset[tuple[str, str]]:
        """(from, to) memories between which `mnemonic` copies."""
        return self.tile_moves.get(mnemonic, frozenset())

    def connects(self, source: str, dest: str) -> bool:
        """Whether data gets from one memory to the other without a round trip through GM."""
        return source == dest or (source, dest) in self.paths

    def scatter_index(self, dtype: str) -> str:
        """Index element type of an index scatter of `dtype` (ptoas 0.60 PTO.cpp TScatterOp::verify)."""
        return "i32" if dtype.endswith("32") else "i16"

    def compares_right(self, mode: str, dtype: str) -> bool:
        """Whether a comparison of `dtype` in that mode gives the mathematical answer on the hardware."""
        modes = self.compares.get(dtype.removeprefix("u"))
        return modes is None or mode in modes


def _conversions(table: Mapping[str, str]) -> Mapping[str, frozenset[str]]:
    return MappingProxyType({source: frozenset(dests.split()) for source, dests in table.items()})


def _pairs(*pairs: str) -> frozenset[tuple[str, str]]:
    """`"vec mat"` is the pair (vec, mat)."""
    return frozenset((source, dest) for source, dest in (pair.split() for pair in pairs))


_FROM_MAT = ("mat left", "mat right", "mat bias", "mat scaling")
_REDUNDANT_TOP = "pto-isa issue 170: library code writes there, tiles in it are corrupted silently"


def _events(last: int, *mnemonics: str) -> dict[str, int]:
    return dict.fromkeys(mnemonics, last)


_CROSS_BLOCK = ("set_cross_block", "wait_cross_block")
_INTRA_BLOCK = ("set_intra_block", "wait_intra_block")
_MX_PRODUCTS = (f"{op}.mx{end}" for op in ("tmatmul", "tgemv") for end in ("", ".acc", ".bias"))
_A5_ONLY = ("thistogram", "tquant.mx", "trandom", *_MX_PRODUCTS)

A2A3 = Chip(
    name="a2a3",
    aliases=("a2", "a3"),
    memories=MappingProxyType(
        {
            "vec": Memory(192 * KIB, 196608, 184 * KIB, 32),
            "mat": Memory(512 * KIB, 524288, 512 * KIB, 32),
            "left": Memory(64 * KIB, 65536, 64 * KIB, 512),
            "right": Memory(64 * KIB, 65536, 64 * KIB, 512),
            "acc": Memory(128 * KIB, 131072, 128 * KIB, 512),
            "bias": Memory(1 * KIB, 65536, 1 * KIB, 32),
        }
    ),
    reserved=(
        Reserved(
            "vec",
            184 * KIB,
            8 * KIB,
            "trowexpand… of a column vector without a scratch operand broadcasts it there; " + _REDUNDANT_TOP,
            "pto-isa constants.hpp TMP_UB_OFFSET, TMP_UB_SIZE; pypto soc.cpp Create910BSoC",
        ),
    ),
    element_rules=A2A3_ELEMENTS,
    product_inputs=(("i8", "i32"), ("f16", "f32"), ("bf16", "f32"), ("f32", "f32")),
    # pypto backend_910b_handler.cpp GetTcvtAdjacency, without its four-bit types
    conversions=_conversions(
        {
            "f32": "f16 bf16 i16 i32 i64",
            "f16": "f32 i32 i16 i8 ui8",
            "bf16": "f32 i32",
            "i16": "f16 f32",
            "i32": "f32 i16 i64 f16",
            "i64": "f32 i32",
            "ui8": "f16",
            "i8": "f16",
        }
    ),
    tile_moves=MappingProxyType(
        {
            "tmov": _pairs(*_FROM_MAT, "vec vec", "acc mat", "acc vec"),
            "textract": _pairs("mat left", "mat right", "vec vec", "acc mat"),
            "tinsert": _pairs("acc mat", "vec vec"),
            "tload": _pairs("gm vec", "gm mat"),
            "tstore": _pairs("vec gm", "mat gm", "acc gm"),
        }
    ),
    # pypto soc.cpp Create910BSoC. ptoas takes a tmov from acc to vec; the chip's memory graph has no such
    # edge.
    paths=_pairs("gm vec", "gm mat", "vec gm", "mat left", "mat right", "mat bias", "acc mat", "acc gm"),
    gather_indices=with_unsigned("i32"),
    transposed_block=(16, 8),  # pto-isa npu/a2a3/TTrans.hpp: vnchwconv of 16 rows of 32 bytes
    reads_scratch=True,
    # pto-isa npu/a2a3/TCmps.hpp: an i32 source is compared for equality whatever the mode (ne inverts it),
    # a 16-bit integer is compared as the half with the same bits
    compares=MappingProxyType({"i32": frozenset(("eq", "ne")), "i16": frozenset[str]()}),
    cycles=A2A3_CYCLES,
    cores_share_memory=False,
    both_subblocks_run=True,
    missing=MappingProxyType(dict.fromkeys(_A5_ONLY, "a5")),
    lifted_rules=frozenset(),
    last_events=MappingProxyType(_events(15, *_CROSS_BLOCK, *_INTRA_BLOCK)),
)

A5 = Chip(
    name="a5",
    aliases=(),
    memories=MappingProxyType(
        {
            "vec": Memory(256 * KIB, 253952, 240 * KIB, 32),
            "mat": Memory(512 * KIB, 524288, 512 * KIB, 32),
            "left": Memory(64 * KIB, 65536, 64 * KIB, 512),
            "right": Memory(64 * KIB, 65536, 64 * KIB, 512),
            "acc": Memory(256 * KIB, 262144, 256 * KIB, 512),
            "bias": Memory(4 * KIB, 65536, 4 * KIB, 32),
        }
    ),
    reserved=(Reserved("vec", 240 * KIB, 8 * KIB, _REDUNDANT_TOP, "pypto soc.cpp Create950SoC"),),
    element_rules=A5_ELEMENTS,
    product_inputs=(
        ("i8", "i32"),
        ("f16", "f32"),
        ("bf16", "f32"),
        ("f32", "f32"),
        ("f8E4M3FN f8E5M2", "f32"),
        ("!pto.hif8", "f32"),
    ),
    # pypto backend_950_handler.cpp GetTcvtAdjacency, without its four-bit types
    conversions=_conversions(
        {
            "f32": "f16 bf16 i16 i32 i64 f8E4M3FN f8E5M2 !pto.hif8",
            "f16": "f32 i32 i16 i8 ui8 !pto.hif8",
            "bf16": "f32 i32 f16",
            "i16": "f16 f32 ui8 ui32 i32",
            "i32": "f32 i16 i64 ui16 ui8",
            "i64": "f32 i32",
            "ui8": "f16 ui16",
            "i8": "f16 i16 i32",
            "ui32": "ui8 ui16 i16",
            "f8E4M3FN": "f32",
            "f8E5M2": "f32",
            "!pto.hif8": "f32",
        }
    ),
    tile_moves=MappingProxyType(
        {
            "tmov": _pairs(*_FROM_MAT, "vec vec", "acc mat", "acc vec", "vec mat"),
            "textract": _pairs(
                "mat left", "mat right", "mat scaling", "vec mat", "vec vec", "acc mat", "acc vec"
            ),
            "tinsert": _pairs("acc mat", "acc vec", "vec mat", "vec vec"),
            "tload": _pairs("gm vec", "gm mat"),
            "tstore": _pairs("vec gm", "acc gm"),
        }
    ),
    # pypto soc.cpp Create950SoC
    paths=_pairs(
        *("gm vec", "gm mat", "vec gm", "vec mat", "mat left", "mat right", "mat bias"),
        *("acc vec", "acc mat", "acc gm"),
    ),
    gather_indices=with_unsigned("i32 i16"),
    transposed_block=(0, 0),  # pto-isa npu/a5/TTrans.hpp: a loop of vgather2
    reads_scratch=False,  # ptoas 0.60 PTOPlanMemoryModern.cpp isIgnoredA5TmpOperandUse
    compares=MappingProxyType(dict[str, frozenset[str]]()),
    cycles=A5_CYCLES,
    cores_share_memory=True,
    both_subblocks_run=False,
    missing=MappingProxyType({"taddrelu": "a2a3"}),
    lifted_rules=frozenset(
        {
            "reduction.scratch_element",
            "tgather.scratch",
            "tgatherb.row_major",
            "tmov.same_shape",
            "tquant.scratch_shape",
            "ttrans.row_major",
        }
    ),
    last_events=MappingProxyType(
        _events(15, *_CROSS_BLOCK, "sync.set", "sync.wait") | _events(31, *_INTRA_BLOCK)
    ),
)

CHIPS = (A2A3, A5)


def chip(name: str) -> Chip:
    """The chip called `name`, in any case, or by an alias, with the numbers that are assumed now.

    ValueError with the known names for any other.
    """
    wanted = name.strip().lower()
    for candidate in CHIPS:
        if wanted in (candidate.name, *candidate.aliases):
            if stated := assumed():
                cycles = applied(candidate.cycles, candidate.name, stated)
                return replace(candidate, cycles=cycles)
            return candidate
    known = ", ".join(n for c in CHIPS for n in (c.name, *c.aliases))
    raise ValueError(f"unknown chip '{name}'; known are {known}")
