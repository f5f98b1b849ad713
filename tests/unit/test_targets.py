"""Chips, ptoas versions, scratch operands and costs: the data that passes ask."""

import subprocess
import sys

import pytest

from dsv4_passes.targets import (
    CHIPS,
    DEFECTS,
    RULES,
    VERSIONS,
    Chip,
    ScratchTile,
    TileShape,
    chip,
    cost,
    matmul_cost,
    ptoas,
    scratch_type,
    total,
)
from dsv4_passes.targets.elements import element_bytes

A2A3, A5 = chip("a2a3"), chip("a5")
EVERY_CHIP = pytest.mark.parametrize("target", CHIPS, ids=lambda c: c.name)


# -- chips ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["a2a3", "a2", "a3", "A3", " a2a3 "])
def test_a2_and_a3_are_one_chip(name: str):
    assert chip(name) is A2A3


def test_an_unknown_chip_names_the_known_ones():
    with pytest.raises(ValueError, match=r"^unknown chip 'a7'; known are a2a3, a2, a3, a5$"):
        chip("a7")


def test_vec_memory_keeps_clear_of_the_reserved_top():
    assert A2A3.memory("vec").usable == 184 * 1024
    assert A5.memory("vec").usable == 240 * 1024
    for target in CHIPS:
        for reserved in target.reserved:
            assert target.memory(reserved.space).usable <= reserved.offset


@EVERY_CHIP
def test_usable_memory_is_within_what_there_is(target: Chip):
    for memory in target.memories.values():
        assert memory.usable <= memory.hardware


def test_a_memory_that_is_not_there():
    with pytest.raises(ValueError, match=r"a2a3 has no memory 'ub'; it has vec, mat, left, right, acc, bias"):
        A2A3.memory("ub")


@pytest.mark.parametrize(
    ("mnemonic", "form", "dtype", "on_a2a3", "on_a5"),
    [
        ("tadd", "", "bf16", False, True),
        ("tadd", "", "f32", True, True),
        ("tmul", "", "bf16", False, False),
        ("tor", "", "i32", True, True),
        ("tor", "", "ui32", True, True),
        ("tor", "", "f32", False, False),
        ("tors", "", "i32", False, True),
        ("tnot", "", "i32", False, True),
        ("tgather", "mask", "bf16", True, True),
        ("tgather", "mask", "i8", False, True),
        ("tgather", "mask", "ui16", True, True),
        ("tgather", "index", "bf16", False, False),
        ("tgather", "index", "f32", True, True),
        ("tscatter", "mask", "i8", True, True),
        ("tscatter", "index", "i64", False, False),
        ("tcmps", "", "i8", False, True),
        ("tsel", "", "bf16", True, True),
        ("texpands", "", "bf16", True, True),
        ("tcolexpandmul", "", "bf16", False, False),
        ("tci", "", "f32", False, False),
    ],
)
def test_element_types(mnemonic: str, form: str, dtype: str, on_a2a3: bool, on_a5: bool):
    for target, legal in ((A2A3, on_a2a3), (A5, on_a5)):
        assert (dtype in (target.elements(mnemonic, form) or ())) is legal


def test_every_rule_says_where_it_is_written():
    rule = A2A3.element_rule("tgather", "index")
    assert rule is not None
    assert rule.source == "ptoas 0.60 PTO.cpp TGatherOp::verify, index form"


def test_no_rule_is_not_a_refusal():
    assert A2A3.elements("tmov") is None


def test_forms():
    assert A2A3.element_rule("tscatter", "mask") is not None
    assert A5.element_rule("tgather", "compare") is None


def test_matmul_types():
    assert ("f32", "bf16", "bf16") in A2A3.matmul_types()
    assert ("ui32", "i8", "ui8") in A2A3.matmul_types()
    assert ("f32", "f16", "bf16") not in A2A3.matmul_types()
    mixed = ("f32", "f8E4M3FN", "f8E5M2")
    assert mixed not in A2A3.matmul_types()
    assert mixed in A5.matmul_types()


def test_moves_and_paths():
    assert ("acc", "vec") in A2A3.moves("tmov")
    assert not A2A3.connects("acc", "vec"), "only through GM"
    assert A5.connects("acc", "vec")
    assert A5.connects("vec", "mat")
    assert ("vec", "mat") not in A2A3.moves("tmov")
    assert A2A3.moves("tadd") == frozenset()


def test_conversions():
    assert A2A3.converts("f32", "bf16")
    assert not A2A3.converts("bf16", "f16")
    assert A5.converts("bf16", "f16")
    assert A2A3.converts("i32", "f16")
    assert not A5.converts("i32", "f16")


def test_a_compare_that_ignores_its_mode():
    assert A2A3.compares_right("lt", "f32")
    assert A2A3.compares_right("ne", "i32")
    assert not A2A3.compares_right("lt", "i32")
    assert not A2A3.compares_right("eq", "i16")
    assert A5.compares_right("lt", "i32")


def test_index_types():
    assert (A2A3.scatter_index("f32"), A2A3.scatter_index("bf16"), A2A3.scatter_index("i8")) == (
        "i32",
        "i16",
        "i16",
    )
    assert "i16" not in A2A3.gather_indices
    assert "i16" in A5.gather_indices


@pytest.mark.parametrize(
    ("dtype", "size"), [("f32", 4), ("bf16", 2), ("ui8", 1), ("f8E4M3FN", 1), ("i64", 8)]
)
def test_element_bytes(dtype: str, size: int):
    assert element_bytes(dtype) == size


@pytest.mark.parametrize("dtype", ["i1", "index", ""])
def test_an_element_without_bytes(dtype: str):
    with pytest.raises(ValueError, match="has no size in bytes"):
        element_bytes(dtype)


# -- ptoas versions ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("version", "tscatter_axis", "tgather_axis", "tci_attr_in_ins", "implicit_scratch", "tsel_tmp"),
    [
        ("0.43", False, False, True, False, "ui8"),
        ("0.44", False, False, True, False, "ui8"),
        ("0.45", False, False, False, False, "ui8"),
        ("0.55", True, False, False, False, "ui8"),
        ("0.57", True, True, False, False, "ui8"),
        ("0.58", True, True, False, True, "i32"),
        ("0.60", True, True, False, True, "i32"),
        ("0.61", True, True, False, True, "i32"),
        ("1.0", True, True, False, True, "i32"),
    ],
)
def test_rules_by_version(
    version: str,
    tscatter_axis: bool,
    tgather_axis: bool,
    tci_attr_in_ins: bool,
    implicit_scratch: bool,
    tsel_tmp: str,
):
    tool = ptoas(version)
    assert tool.tscatter_axis is tscatter_axis
    assert tool.tgather_axis is tgather_axis
    assert tool.tci_attr_in_ins is tci_attr_in_ins
    assert tool.implicit_scratch is implicit_scratch
    assert tool.tsel_tmp == tsel_tmp


@pytest.mark.parametrize("spelling", ["0.57", "v0.57", "0.57.3", "ptoas 0.57", " 0.57 "])
def test_spellings_of_a_version(spelling: str):
    assert ptoas(spelling).version == "0.57"


def test_the_newest_is_the_default():
    assert ptoas().version == VERSIONS[-1]


@pytest.mark.parametrize("spelling", ["", "newest", "57", "0.x", "0.57-rc1"])
def test_what_is_not_a_version(spelling: str):
    with pytest.raises(
        ValueError, match=r"is not a ptoas version; the rules of 0\.43, 0\.44, 0\.57, 0\.60 are known$"
    ):
        ptoas(spelling)


def test_a_version_that_is_too_old():
    with pytest.raises(ValueError, match=r"^ptoas 0\.9 is older than 0\.43; "):
        ptoas("0.9")


def test_a5_has_no_mask_scatter_before_0_44():
    assert not ptoas("0.43").usable(A5, "tscatter", "mask")
    assert ptoas("0.44").usable(A5, "tscatter", "mask")
    assert ptoas("0.43").usable(A2A3, "tscatter", "mask")


def test_tci_is_not_to_be_trusted_before_0_44():
    assert not ptoas("0.43").usable(A2A3, "tci")
    assert ptoas("0.57").usable(A2A3, "tci")
    (race,) = ptoas("0.60").defects(A2A3, "tci")
    assert race.when, "it can be kept clear of"
    assert ptoas("0.60").defects(A5, "tci") == ()


def test_static_widths_of_a_mask_scatter():
    assert [d.name for d in ptoas("0.54").defects(A2A3, "tscatter", "mask")] == [
        "mask_scatter_widths_inverted"
    ]
    assert ptoas("0.55").defects(A2A3, "tscatter", "mask") == ()


def test_a_gather_along_columns_loses_its_axis():
    assert "tgather_col_axis_dropped" in {d.name for d in ptoas().defects(A2A3, "tgather", "mask")}


def test_every_rule_and_defect_is_explained():
    for rule in RULES.values():
        assert rule.reason
        assert rule.source
        ptoas(rule.since)
    assert len({d.name for d in DEFECTS}) == len(DEFECTS)
    for defect in DEFECTS:
        assert defect.effect
        assert defect.avoid
        assert defect.source
        assert all(chip(name).name == name for name in defect.chips)


# -- scratch operands ----------------------------------------------------------------------------------------

F32 = TileShape(32, 64, "f32")
MATRIX = pytest.mark.parametrize(
    ("mnemonic", "srcs", "dst", "old", "new", "on_a5"),
    [
        ("tsel", [F32, F32], F32, (1, 32, "ui8"), (1, 16, "i32"), (1, 8, "i32")),
        ("trowsum", [F32], TileShape(32, 1, "f32"), (32, 64, "f32"), (32, 64, "f32"), (1, 8, "f32")),
        ("txor", [F32, F32], TileShape(32, 64, "i16"), (32, 64, "i16"), (32, 64, "i16"), (1, 16, "i16")),
        ("tsels", [F32], F32, (1, 64, "f32"), (1, 64, "f32"), (1, 8, "f32")),
        ("trem", [F32, F32], F32, (2, 64, "f32"), (2, 64, "f32"), (1, 8, "f32")),
        ("ttrans", [F32], TileShape(64, 32, "f32"), (32, 64, "f32"), (32, 64, "f32"), (1, 8, "f32")),
        ("ttrans", [F32], TileShape(64, 8, "f32"), (1, 8, "f32"), (1, 8, "f32"), (1, 8, "f32")),
        ("tprelu", [F32, F32], F32, (33, 32, "i8"), (33, 32, "i8"), (1, 32, "i8")),
        ("tci", [], TileShape(1, 64, "i32"), None, (1, 192, "f32"), None),
        ("tci", [], TileShape(1, 64, "i16"), None, (1, 448, "f32"), None),
        ("tcvt", [F32], TileShape(32, 64, "i16"), None, (1, 256, "i8"), None),
        ("tcvt", [F32], TileShape(32, 64, "bf16"), None, None, None),
        ("tadd", [F32, F32], F32, None, None, None),
        ("trowexpandmul", [F32, TileShape(32, 1, "f32")], F32, None, None, None),
    ],
)


@MATRIX
def test_scratch_where_addresses_are_assigned(
    mnemonic: str, srcs: list[TileShape], dst: TileShape, old: object, new: object, on_a5: object
):
    assert scratch_type(mnemonic, "", srcs, dst, A2A3, ptoas("0.57")) == old
    assert scratch_type(mnemonic, "", srcs, dst, A5, ptoas("0.57")) == old
    assert scratch_type(mnemonic, "", srcs, dst, A2A3, ptoas("0.60")) == new
    assert scratch_type(mnemonic, "", srcs, dst, A5, ptoas("0.60")) == on_a5


@MATRIX
def test_scratch_where_ptoas_assigns_addresses(
    mnemonic: str, srcs: list[TileShape], dst: TileShape, old: object, new: object, on_a5: object
):
    for target in CHIPS:
        assert scratch_type(mnemonic, "", srcs, dst, target, ptoas("0.57"), level=2) == old
        # what ptoas makes itself for ttrans wants the extents in the type
        level3 = scratch_type(mnemonic, "", srcs, dst, target, ptoas("0.60"), level=3)
        expected = level3 if mnemonic == "ttrans" else None
        assert scratch_type(mnemonic, "", srcs, dst, target, ptoas("0.60"), level=2) == expected


@EVERY_CHIP
@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("level", [2, 3])
def test_an_index_gather_always_has_scratch(target: Chip, version: str, level: int):
    index = TileShape(1, 64, "i32")
    tool = ptoas(version)
    assert scratch_type("tgather", "index", [F32, index], F32, target, tool, level) == (1, 64, "i32")
    assert scratch_type("tgather", "mask", [F32], F32, target, tool, level) is None


@pytest.mark.parametrize(
    ("src", "dst", "size"),
    [
        (TileShape(4, 128, "f32"), TileShape(4, 128, "i16"), 512),
        (TileShape(4, 72, "f32"), TileShape(4, 72, "i16"), 32 * (3 * 9 + 1)),
        (TileShape(4, 72, "f32"), TileShape(4, 80, "i16", valid=(1, 65)), 256),
        (TileShape(4, 64, "f16"), TileShape(4, 64, "i16"), 256),
        (TileShape(4, 64, "f16"), TileShape(4, 64, "ui8"), 256),
        (TileShape(4, 16, "f16"), TileShape(4, 16, "i16"), 64),
        (TileShape(4, 16, "f16"), TileShape(4, 16, "i8"), 160),
        (TileShape(4, 16, "f16"), TileShape(4, 16, "i8", valid=(0, 0)), 32),
    ],
)
def test_bytes_of_a_narrowing_conversion(src: TileShape, dst: TileShape, size: int):
    assert scratch_type("tcvt", "", [src], dst, A2A3, ptoas()) == ScratchTile(1, size, "i8")
    assert scratch_type("tcvt", "", [src], dst, A2A3, ptoas(), saturate=True) is None


def test_scratch_that_every_chip_reads():
    for target in CHIPS:
        tool = ptoas()
        assert scratch_type("tcolsum", "", [F32], TileShape(1, 64, "f32"), target, tool, binary=True) == (
            16,
            64,
            "f32",
        )
        assert scratch_type("tcolsum", "", [F32], TileShape(1, 64, "f32"), target, tool) is None
        assert scratch_type("tpow", "", [F32, F32], F32, target, tool) == (32, 64, "f32")
        assert scratch_type("tpow", "", [F32, F32], TileShape(32, 64, "i32"), target, tool) is None
        assert scratch_type("tsort32", "", [F32], F32, target, tool) is None
        ragged = TileShape(1, 64, "f32", valid=(1, 40))
        assert scratch_type("tsort32", "", [ragged], ragged, target, tool) == (1, 64, "f32")
        parts = [TileShape(1, 64, "f32"), TileShape(1, 32, "f32")]
        assert scratch_type("tmrgsort", "", parts, TileShape(1, 96, "f32"), target, tool, binary=True) == (
            1,
            96,
            "f32",
        )


# -- costs ---------------------------------------------------------------------------------------------------


def test_vector_costs_follow_the_published_formula():
    assert cost("tadd", "", 32, 64, "f32", A2A3).cycles == 10 + 2 * 32 + 14
    # and four cycles to set masks and modes
    assert cost("tgather", "mask", 32, 64, "f32", A2A3).cycles == 14 + 14 * 32 + 20 + 4
    assert not cost("tgather", "mask", 32, 64, "f32", A2A3).estimate


def test_an_index_gather_costs_by_the_row():
    # vmuls, vgather and two registers in each row, three registers once
    rows = cost("tgather", "index", 32, 64, "f32", A2A3)
    assert (rows.lo, rows.hi) == (32 * (27 + 26 + 2) + 3,) * 2
    assert rows.estimate
    assert cost("tgather", "index", 1, 32 * 64, "f32", A2A3).hi < rows.lo


def test_a_long_gather_has_two_readings():
    flat = cost("tgather", "index", 1, 64 * 64, "f32", A2A3)
    assert (flat.lo, flat.hi) == (26 + 64 + 24 + 2 * 64 + 5, 26 + 64 + 26 * 64 + 5)
    assert set(flat.estimates) == {"vgather"}
    assert str(flat) == "247..1759"
    add = cost("tadd", "", 64, 64, "f32", A2A3)
    assert add.surely_below(flat)
    assert not cost("tgather", "mask", 64, 64, "f32", A2A3).surely_below(flat)


def test_a_transposition_takes_the_published_cycles():
    """The one measured point, 501 cycles (pto-isa tests/costmodel/st/testcase/ttrans)."""
    whole = cost("ttrans", "", 128, 128, "f32", A2A3)
    assert round(whole.lo) in (495, 501)
    assert round(whole.hi) == 501


def test_a_scalar_scatter_dominates_on_a2a3():
    scatter = cost("tscatter", "mask", 32, 32, "f32", A2A3)
    assert scatter.estimate
    assert scatter.cycles > 8 * 32 * 32
    assert cost("tscatter", "mask", 32, 32, "f32", A5).cycles < scatter.cycles / 10


@pytest.mark.parametrize(
    ("target", "dtype", "cycles"), [(A2A3, "bf16", 37), (A2A3, "f32", 85), (A5, "bf16", 41), (A5, "f32", 281)]
)
def test_product(target: Chip, dtype: str, cycles: int):
    assert cost("tmatmul", "", 32, 32, dtype, target, k=64).cycles == cycles
    assert cost("tmatmul.acc", "", 32, 32, dtype, target, k=64).cycles == cycles


def test_a_product_needs_the_length_of_its_sums():
    with pytest.raises(ValueError, match="needs k"):
        cost("tmatmul", "", 32, 32, "bf16", A2A3)


@pytest.mark.parametrize(("target", "cycles"), [(A2A3, 307), (A5, 491)])
def test_drain(target: Chip, cycles: int):
    assert cost("tstore", "acc-gm", 32, 32, "f32", target).cycles == cycles


def test_an_odd_number_of_fractals_drains_slower():
    assert (
        cost("tstore", "acc-gm", 16, 80, "f32", A2A3).cycles
        > cost("tstore", "acc-gm", 16, 128, "f32", A2A3).cycles
    )


def test_a_matmul_with_all_around_it():
    whole = matmul_cost(32, 64, 32, "bf16", A2A3)
    assert whole.cycles == 32 + 48 + 37 + 307
    assert whole.source == "pypto, A2/A3"
    assert not whole.estimate
    assert matmul_cost(32, 64, 32, "bf16", A2A3, drained=False).cycles == whole.cycles - 307


def test_views_are_free():
    assert cost("subview", "", 32, 64, "f32", A2A3).cycles == 0


def test_an_operation_without_a_number_is_an_estimate():
    unknown = cost("tsort32", "", 32, 64, "f32", A5)
    assert unknown.estimate
    assert unknown.source.startswith("estimate: ")


def test_sums():
    add, gather = cost("tadd", "", 32, 64, "f32", A2A3), cost("tgather", "index", 1, 64, "f32", A2A3)
    both = total([add, gather, add])
    assert both.cycles == 2 * add.cycles + gather.cycles
    assert both.estimate
    assert set(both.source.split("; ")) == set(f"{add.source}; {gather.source}".split("; "))
    assert add.times(3) == total([add] * 3)
    assert total([]).cycles == 0


@EVERY_CHIP
@pytest.mark.parametrize("dtype", ["f32", "bf16"])
def test_costs_are_whole_and_grow(target: Chip, dtype: str):
    for name in (*target.cycles.recipes, *target.cycles.transfers):
        mnemonic, _, form = name.partition(".")
        small, large = (cost(mnemonic, form, rows, 64, dtype, target).cycles for rows in (1, 32))
        assert isinstance(small, int)
        assert 0 <= small <= large


@EVERY_CHIP
def test_recipes_use_instructions_that_have_numbers(target: Chip):
    used = {name for recipe in target.cycles.recipes.values() for name, _ in recipe}
    assert used <= target.cycles.instructions.keys()
    assert all(instruction.source for instruction in target.cycles.instructions.values())


@pytest.mark.parametrize("module", ["dsv4_passes.formats.pypto.reader.program", "dsv4_passes.targets"])
def test_verification_asks_the_chips_without_a_registry(module: str):
    code = f"import {module}; from dialects.pto.target import chip_rules; print(chip_rules('a3').name)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "a2a3"
