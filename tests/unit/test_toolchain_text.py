"""Text that ptoas takes: as it stood, with what a version needs, and nothing placed over other tiles."""

import re
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from xdsl.context import Context
from xdsl.utils.arg_spec import ArgSpec

from dsv4_passes.cli.opt import main
from dsv4_passes.diagnostics import UserError
from dsv4_passes.formats.pto.reader import parse_text, verify_module
from dsv4_passes.formats.pto.target import PtoTarget
from dsv4_passes.formats.pto.upgrade import name_chip
from dsv4_passes.targets import chip as find_chip
from dsv4_passes.targets.module_chip import chip_for
from dsv4_passes.transforms.common.options import make_pass
from dsv4_passes.transforms.raising.raise_tiles import PtoRaisePass
from dsv4_passes.universe import DSV4_UNIVERSE
from tests.unit.kernels import DATA, kernel, run
from tests.unit.rotations import Rotation

VEC = "attributes {pto.kernel_kind = #pto.kernel_kind<vector>}"
FLOATS = "!pto.tile_buf<vec, 32x64xf32>"
INTS = "!pto.tile_buf<vec, 1x32xi32>"
MAT = "!pto.tile_buf<mat, 32x32xf16, blayout=col_major, slayout=row_major>"
PART = "!pto.partition_tensor_view<1x1x1x"


def in_module(body: str, chip: str | None = "a3", arguments: str = "") -> str:
    attributes = f' attributes {{pto.target_arch = "{chip}"}}' if chip else ""
    return f"module{attributes} {{\n  func.func @k({arguments}) {VEC} {{\n{body}\n    return\n  }}\n}}\n"


def written(text: str, ptoas: str = "0.60", **options: str) -> str:
    """The text that is written for a version of ptoas."""
    module = parse_text(text, "test.pto")
    verify_module(module)
    output = StringIO()
    PtoTarget(ptoas, **options).emit(Context(), module, output)  # pyright: ignore[reportArgumentType]
    return output.getvalue()


def addresses(text: str) -> dict[str, int]:
    """Where each allocated tile lies."""
    constants = {m[1]: int(m[2]) for m in re.finditer(r"(%\S+) = arith.constant (-?\d+) : i64", text)}
    return {m[1]: constants[m[2]] for m in re.finditer(r"(%\S+) = pto.alloc_tile addr = (%\S+)[ :]", text)}


@pytest.mark.parametrize(
    "line",
    [
        f"pto.tprint ins(%t : {FLOATS})",
        f"pto.tprint ins(%t : {FLOATS}) {{printFormat = #pto<print_format width8_precision4>}}",
        f"pto.mgather ins(%mem, %idx, %s : {PART}64x32xf16>, {PART}32x32xi32>, {PART}32x32xf16>) "
        f"outs(%d : {MAT}) {{coalesce = #pto<coalesce elem>}}",
    ],
)
def test_what_has_no_rule_for_scratch_is_written_as_it_stood(line: str) -> None:
    arguments = f"%mem: {PART}64x32xf16>, %idx: {PART}32x32xi32>, %s: {PART}32x32xf16>"
    body = f"""    %t = pto.alloc_tile : {FLOATS}
    %d = pto.alloc_tile : {MAT}
    {line}"""
    assert line in written(in_module(body, arguments=arguments))


@pytest.mark.parametrize("yielded", ["", " %a"])
def test_the_region_of_an_execute_region_is_written(yielded: str) -> None:
    result, types = ("%r = ", " -> i32") if yielded else ("", "")
    inner = f"      %a = arith.constant 4 : i32\n      scf.yield{yielded}{' : i32' if yielded else ''}\n"
    body = f"    {result}scf.execute_region{types} {{\n{inner}    }}"
    assert body in written(in_module(body))


# -- scratch ------------------------------------------------------------------------------------------------

PLACED = f"""    %c0_i32 = arith.constant 0 : i32
    %zero = arith.constant 0 : i64
    %far = arith.constant 65536 : i64
    %u = pto.alloc_tile addr = %far : {INTS}
"""
TCI = f"    pto.tci ins(%c0_i32 : i32) outs(%u : {INTS})"


@pytest.mark.parametrize("first", ["pto.alloc_tile addr = %far", "pto.declare_tile ->"])
def test_scratch_is_not_placed_over_a_tile_that_was_assigned(first: str) -> None:
    kind = f" : {INTS}" if "alloc" in first else f" {INTS}"
    text = written(
        in_module(
            f"{PLACED}    %t0 = {first}{kind}\n    %t = pto.tassign %t0, %zero : {INTS} -> {INTS}\n{TCI}"
        )
    )
    assert addresses(text)["%tci_tmp"] == 128


@pytest.mark.parametrize(
    ("line", "arguments", "named"),
    [
        (f"    %t = pto.declare_tile -> {INTS}\n    pto.tprint ins(%t : {INTS})", "", "pto.declare_tile"),
        (f"    %t = pto.tassign %u, %a : {INTS} -> {INTS}", "%a: i64", "pto.tassign"),
        (f"    %t = pto.pointer_of(%a) : {INTS}", "%a: i64", "pto.pointer_of"),
        ("", f"%a: {INTS}", "func.func"),
    ],
)
def test_nothing_is_placed_where_an_address_is_not_known(line: str, arguments: str, named: str) -> None:
    with pytest.raises(UserError, match=f"'{named}' op has memory at an address that is not known"):
        written(in_module(f"{PLACED}{line}\n{TCI}", arguments=arguments))


def test_a_tile_that_is_chosen_while_running_leaves_gaps_only() -> None:
    chosen = f"""{PLACED}    %near = pto.alloc_tile addr = %zero : !pto.tile_buf<vec, 1x64xi32>
    %b = arith.constant 1 : i1
    %t = scf.if %b -> ({INTS}) {{
      %v = pto.alloc_tile addr = %zero : {INTS}
      scf.yield %v : {INTS}
    }} else {{
      scf.yield %u : {INTS}
    }}
    pto.texpands ins(%c0_i32 : i32) outs(%t : {INTS})
{TCI}
    pto.tprint ins(%t : {INTS})"""
    assert addresses(written(in_module(chosen)))["%tci_tmp"] >= 256


def test_tiles_that_are_only_declared_are_for_level_2() -> None:
    text = written(
        in_module(
            f"    %c0_i32 = arith.constant 0 : i32\n    %u = pto.declare_tile -> {INTS}\n{TCI}",
        )
    )
    assert "addr" not in text
    assert f"pto.tci ins(%c0_i32 : i32) outs(%u : {INTS})" in text


@pytest.mark.parametrize(("width", "scratch"), [("?", True), ("64", False), ("48", True)])
def test_a_sort_of_a_width_that_the_type_does_not_say_has_scratch(width: str, scratch: bool) -> None:
    def tile(dtype: str) -> str:
        return f"!pto.tile_buf<vec, 1x64x{dtype}, valid=1x{width}>"

    valid = "valid_col = %w " if width == "?" else ""
    text = written(
        in_module(
            f"""    %c0 = arith.constant 0 : i64
    %c1024 = arith.constant 1024 : i64
    %c4096 = arith.constant 4096 : i64
    %w = arith.constant 64 : index
    %s = pto.alloc_tile addr = %c0 {valid}: {tile("f32")}
    %i = pto.alloc_tile addr = %c1024 {valid}: {tile("ui32")}
    %d = pto.alloc_tile addr = %c4096 : !pto.tile_buf<vec, 1x128xf32>
    pto.tsort32 ins(%s, %i : {tile("f32")}, {tile("ui32")}) outs(%d : !pto.tile_buf<vec, 1x128xf32>)""",
            "a5",
        )
    )
    assert ("%tsort32_tmp" in text) == scratch


LOOSE = "!pto.tile_buf<vec, 32x32xf32, valid=?x?>"


@pytest.mark.parametrize("address", ["addr = %z ", ""])
def test_constant_extents_stand_in_the_types_where_ptoas_wants_them_there(address: str) -> None:
    valid = "valid_row = %c32 valid_col = %c32"
    tiles = "\n".join(f"    %{n} = pto.alloc_tile {address}{valid} : {LOOSE}" for n in "abd")
    scratch = "!pto.tile_buf<vec, 33x32xi8>"
    prelu = f"pto.tprelu ins(%a, %b, %t : {LOOSE}, {LOOSE}, {scratch}) outs(%d : {LOOSE})"
    body = f"""    %z = arith.constant 0 : i64
    %c32 = arith.constant 32 : index
{tiles}
    %t = pto.alloc_tile {address}: {scratch}
    {prelu}"""
    (line,) = (line for line in written(in_module(body)).splitlines() if "tprelu" in line)
    assert "?" not in line
    changing = body.replace(f"    {prelu}", f"    pto.set_validshape %a, %c32, %c32 : {LOOSE}\n    {prelu}")
    with pytest.raises(UserError, match="takes only tiles of a constant valid extent"):
        written(in_module(changing))


# -- chips --------------------------------------------------------------------------------------------------

ROW_EXPAND = f"""    %d = pto.alloc_tile : {FLOATS}
    pto.trowexpandmul ins(%a, %r : {FLOATS}, !pto.tile_buf<vec, 32x1xf32>) outs(%d : {FLOATS})"""
ARGUMENTS = f"%a: {FLOATS}, %r: !pto.tile_buf<vec, 32x1xf32>"
TALLER = "!pto.tile_buf<vec, 64x32xf32, valid=32x32>"
UNEQUAL = f"    pto.tmov ins(%a : {FLOATS}) outs(%r : {TALLER})"
UNEQUAL_ARGUMENTS = f"%a: {FLOATS}, %r: {TALLER}"


COLUMNS = {"32x1xf32": 1, "32x8xf32": 8, "32x16xf32, valid=32x8": 8, "32x8xf32, valid=32x1": 1}


@pytest.mark.parametrize("arch", ["a3", "a5"])
@pytest.mark.parametrize("column", COLUMNS)
@pytest.mark.parametrize("kind", ["mul", "sub", "div", "add", "max", "min", "expdif"])
def test_columns_that_ptoas_takes(kind: str, column: str, arch: str) -> None:
    """Row-major ones: any for three operations, a block of 32 bytes a row for the others; on both chips."""
    body = ROW_EXPAND.replace("trowexpandmul", f"trowexpand{kind}").replace("32x1xf32", column)
    text = in_module(body, arch, ARGUMENTS.replace("32x1xf32", column))
    if kind in ("mul", "sub", "div") or COLUMNS[column] == 8:
        assert f"pto.trowexpand{kind}" in written(text)
    else:
        with pytest.raises(UserError, match="expects a row_major column operand to have 8 valid columns"):
            written(text)


COLUMN = "!pto.tile_buf<vec, 32x1xf32, blayout=col_major>"


@pytest.mark.parametrize("arch", ["a3", "a5"])
@pytest.mark.parametrize("kind", ["tadds", "tsubs", "tmuls", "tdivs", "tmaxs", "tmins", "tlrelu", "tadd"])
def test_scalars_meet_columns(kind: str, arch: str) -> None:
    """ptoas takes column-major tiles with a scalar, with another tile it does not."""
    other, type_ = ("%r", COLUMN) if kind == "tadd" else ("%f", "f32")
    constant = "    %f = arith.constant 1.0 : f32\n" if kind != "tadd" else ""
    body = f"{constant}    pto.{kind} ins(%r, {other} : {COLUMN}, {type_}) outs(%r : {COLUMN})"
    text = in_module(body, arch, f"%r: {COLUMN}")
    if kind == "tadd":
        with pytest.raises(UserError, match="expects row_major tiles"):
            written(text)
    else:
        assert f"pto.{kind}" in written(text)


@pytest.mark.parametrize(("mask", "taken"), [("32x64", True), ("32x32", False), ("64x64", False)])
def test_a5_compares_tiles_with_a_predicate_of_their_shape(mask: str, taken: bool) -> None:
    body = f"""    %a = pto.alloc_tile : {FLOATS}
    %m = pto.alloc_tile : !pto.tile_buf<vec, {mask}xui8, valid=32x8>
    pto.tcmp ins(%a, %a {{cmpMode = #pto<cmp lt>}} : {FLOATS}, {FLOATS}) outs(%m : """
    text = in_module(f"{body}!pto.tile_buf<vec, {mask}xui8, valid=32x8>)", "a5")
    if taken:
        assert "pto.tcmp" in written(text)
    else:
        with pytest.raises(UserError, match="the packed predicate would have to be as large"):
            written(text)


def test_a_chip_can_be_named_for_a_text_that_names_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "k.pto"
    path.write_text(in_module(UNEQUAL, None, UNEQUAL_ARGUMENTS))
    for options in (
        ["-t", "pto{chip=a5}"],
        ["-t", "pto{chip=a5}", "-p", "dsv4-rope"],
        ["-p", "dsv4-rope{chip=a5}"],
    ):
        assert main([str(path), *options]) == 0
        assert 'pto.target_arch = "a5"' in capsys.readouterr().out
    assert main([str(path), "-t", "pto"]) == 1
    assert "expects a destination of 32x64" in capsys.readouterr().err
    path.write_text(in_module(UNEQUAL, "a3", UNEQUAL_ARGUMENTS))
    assert main([str(path), "-t", "pto{chip=a5}"]) == 1


PASSES = "dsv4-rope dsv4-raise-lanes dsv4-lower-lanes dsv4-fit-ub dsv4-hoist-fills pto-lower".split()


@pytest.mark.parametrize("own", ["a2a3", "a3", "A5", None])
@pytest.mark.parametrize("option", ["a2", "a5", None])
def test_text_and_option_name_one_chip(
    own: str | None, option: str | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is chosen for the chip of an option is written for it; a text for another one is an error."""
    path = tmp_path / "k.mlir"
    text = Rotation(rows=8).text()
    path.write_text(
        text.replace('"a2a3"', f'"{own}"')
        if own
        else text.replace(' attributes {pto.target_arch = "a2a3"}', "")
    )
    options = f"{{chip={option}}}" if option else ""
    passes = ",".join(f"{name}{options}" for name in ("dsv4-lower-lanes", "pto-lower"))
    chip = option or own or "a3"
    if own and find_chip(own) != find_chip(chip):
        assert main([str(path), "-p", passes, "-t", "pto"]) == 1
        named = f"the kernels are for {find_chip(own).name}, not for {option}"
        named += f': the text says pto.target_arch = "{own}"'
        assert capsys.readouterr().err == f"{path}:1:1: error: {named}\n"
        return
    assert main([str(path), "-p", passes, "-t", "pto"]) == 0
    found = capsys.readouterr().out
    assert ("pto.tands" in found) == ("5" in chip)
    assert (f'"{own or find_chip(chip).name}"' in found) == bool(own or option)


@pytest.mark.parametrize(
    ("device", "chip"),
    [
        ("Ascend950PR_9579", "a5"),
        ("Ascend910_9589", "a5"),
        ("Ascend910_9382", "a2a3"),
        ("Ascend910B1", "a2a3"),
    ],
)
def test_a_text_may_name_a_device(device: str, chip: str) -> None:
    text = Rotation(rows=8).text().replace('pto.target_arch = "a2a3"', f'"pto.device-spec" = "{device}"')
    module = parse_text(text, "k.pto")
    name_chip(module, None)
    assert chip_for(module, None).name == chip
    other = "a2" if chip == "a5" else "a5"
    with pytest.raises(UserError, match=rf'not for {other}: the text says pto\.device-spec = "{device}"'):
        chip_for(module, other)
    name_chip(module, other)
    assert chip_for(module, None).name == chip


@pytest.mark.parametrize("name", PASSES)
def test_every_pass_says_that_the_text_is_for_another_chip(name: str) -> None:
    module = parse_text((DATA / "rope_c" / "rope_c.pto").read_text().replace('"a2a3"', '"a5"'), "k.pto")
    if name != "dsv4-rope":
        PtoRaisePass().apply(Context(), module)
    with pytest.raises(UserError, match=r'not for a3: the text says pto\.target_arch = "a5"'):
        make_pass(ArgSpec(name, {"chip": ("a3",)}), DSV4_UNIVERSE.all_passes).apply(Context(), module)


# -- arrays -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stride", ["%s0 = arith.muli %c4, %c64 : index", "%s0 = arith.constant 256 : index"])
def test_a_stride_that_is_computed_is_that_of_the_literal(stride: str) -> None:
    text = kernel("%t = load x\nstore %t to y", x="2x4x64xf32", y="2x4x64xf32")
    assert text.count("[%c256, %c64, %c1]") == 2
    view = text[text.index("%x_view") :]
    text = text.replace(view, view.replace("[%c256,", "[%s0,", 1)).replace(
        "%x_view =", f"{stride}\n    %x_view ="
    )
    x = np.arange(512, dtype=np.float32).reshape(2, 4, 64)
    assert np.array_equal(run(text, x=x)["y"], x)


@pytest.mark.parametrize("ptoas", ["0.44", "0.57", "0.60"])
def test_an_index_tile_that_says_nothing_of_its_order(ptoas: str) -> None:
    """Older assemblers take `descending` inside of `ins`; where it is not given there is none to write."""
    text = written(in_module(f"{PLACED}{TCI}"), ptoas=ptoas)
    assert "pto.tci ins(%c0_i32" in text
    assert "descending" not in text
