"""Tile programs out: what did not change comes back byte for byte, the rest in the same style."""

import ast
import io
import re
from pathlib import Path

import pytest
from xdsl.context import Context
from xdsl.dialects import arith, func
from xdsl.dialects.builtin import FloatAttr, IndexType, IntegerAttr, ModuleOp, StringAttr, f32, i64
from xdsl.ir import Operation, SSAValue
from xdsl.rewriter import InsertPoint, Rewriter
from xdsl.transforms.dead_code_elimination import dce

from dialects.dsv4.launch import LaunchOp
from dialects.dsv4.opaque import SourceOp
from dialects.pto.base import TileOp, layout_of
from dialects.pto.broadcast import TExpandsOp
from dialects.pto.elementwise import TAddOp
from dialects.pto.tiles import BitcastOp, InsertOp, ReinterpretOp, ReshapeOp, SubviewOp
from dialects.pto.types import TileType
from dsv4_passes.cli.opt import main
from dsv4_passes.diagnostics import UserError
from dsv4_passes.formats.pto.reader import parse_text, verify_module
from dsv4_passes.formats.pypto import parse_program
from dsv4_passes.formats.pypto.grammar.fingerprint import fingerprint
from dsv4_passes.formats.pypto.target import PyptoTarget, changed_functions, program_text
from tests.unit.kernels import DATA
from tests.unit.test_pypto_import import COMPILED, SMALL, function, named, of, path_of, program

ALL = (*COMPILED, *SMALL)


def functions(module: ModuleOp) -> list[str]:
    return [op.function.data for op in module.ops if isinstance(op, SourceOp) and op.function.data]


def text_of(name: str) -> str:
    return path_of(name).read_text()


@pytest.mark.parametrize("name", ALL)
def test_what_did_not_change_comes_back_byte_for_byte(name: str) -> None:
    module = program(name)
    assert program_text(module) == text_of(name)
    assert changed_functions(module) == []


@pytest.mark.parametrize("name", ALL)
def test_printing_and_reading_again_is_the_identity(name: str) -> None:
    module = program(name)
    printed = program_text(module, verbatim=False)
    again = parse_program(printed, f"{name}.py")
    verify_module(again)
    assert [fingerprint(again, f) for f in functions(again)] == [
        fingerprint(module, f) for f in functions(module)
    ]
    assert program_text(again, verbatim=False) == printed
    for op in (*of(module, SourceOp), *of(again, SourceOp)):
        Rewriter.erase_op(op)
    assert module.is_structurally_equivalent(again)


def test_a_program_that_pypto_printed_is_printed_like_that() -> None:
    assert program_text(program("staged"), verbatim=False) == text_of("staged")
    assert program_text(program("products"), verbatim=False) == text_of("products")


@pytest.mark.parametrize("name", ALL)
def test_the_text_survives_the_way_through_mlir(name: str) -> None:
    assert program_text(parse_text(str(program(name)))) == text_of(name)


def test_line_ends_and_comments_come_back() -> None:
    text = text_of("inplace").replace(
        "    @pl.function(type=pl.FunctionType.Orch",
        "\n    # the only call\n    @pl.function(type=pl.FunctionType.Orch",
    )
    text = text.replace("\n", "\r\n") + "# the end"
    assert program_text(parse_program(text, "p.py")) == text


def test_the_target_writes_the_text() -> None:
    for verbatim in (True, False):
        output = io.StringIO()
        PyptoTarget(verbatim).emit(Context(), program("staged"), output)
        assert output.getvalue() == text_of("staged")


# -- changes -------------------------------------------------------------------------------------


def replace(old: Operation, new: Operation) -> None:
    Rewriter.replace_op(old, new)


def test_only_a_changed_function_is_printed_anew() -> None:
    module = program("staged")
    kernel = function(module, "write_back")
    old = named(kernel, "joined__tile")
    add = TAddOp([old.results[0], old.results[0]], result=old.results[0].type)
    Rewriter.insert_op(add, InsertPoint.after(old))
    old.results[0].replace_uses_with_if(add.results[0], lambda use: use.operation is not add)
    assert changed_functions(module) == ["write_back"]
    before, behind = text_of("staged").splitlines(), program_text(module).splitlines()
    new = [line for line in behind if line not in before]
    assert [re.sub(r"pl\.Tile\[.*?\]\s=", "T =", line.strip()) for line in new] == [
        "joined__tile_1: T = pl.tile.add(joined__tile, joined__tile)",
        "t__tile: T = pl.tile.cast(joined__tile_1, target_type=pl.BF16, mode='rint')",
    ]


def test_tidying_is_no_change() -> None:
    module = program("rope_b")
    dce(module)
    constants = [op for op in module.walk() if isinstance(op, arith.ConstantOp)]
    for op in constants:
        copy = op.clone()
        Rewriter.insert_op(copy, InsertPoint.after(op))
        op.result.replace_uses_with_if(copy.result, lambda use: use.index == 1)
    for op in module.walk():
        for result in op.results:
            result.name_hint = None
    assert program_text(module) == text_of("rope_b")


def test_facts_about_arguments_are_no_change() -> None:
    from dialects.dsv4.attributes import SelectorAttr
    from dialects.dsv4.functions import set_argument_attribute

    module = program("staged")
    set_argument_attribute(function(module, "reassemble"), 2, "dsv4.selector", SelectorAttr("even"))
    assert changed_functions(module) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("pl.tile.muls(x__tile, 2.0)", "pl.tile.muls(x__tile, 3.0)"),
        ("pl.tile.muls(x__tile, 2.0)", "pl.tile.adds(x__tile, 2.0)"),
        ("pl.tile.muls(x__tile, 2.0)", "pl.tile.muls(x__tile, -0.0)"),
        ("pl.range(1, 8,", "pl.pipeline(1, 8, stage=2,"),
        ("[r__idx_v0 - 1, 0]", "[r__idx_v0, 0]"),
        ("pl.tile.add(above__tile, here__tile)", "pl.tile.add(here__tile, above__tile)"),
        (
            "buf__ssa_v0: pl.InOut[pl.Tensor[[8, 64], pl.FP32]]) -> pl.Tensor[[8, 64], pl.FP32]:\n        x",
            "buf__ssa_v0: pl.Out[pl.Tensor[[8, 64], pl.FP32]]) -> pl.Tensor[[8, 64], pl.FP32]:\n        x",
        ),
        ("pl.tile.store(sum__tile, [r__idx_v0, 0]", "pl.tile.store(here__tile, [r__idx_v0, 0]"),
    ],
)
def test_every_change_of_meaning_changes_the_fingerprint(old: str, new: str) -> None:
    text = text_of("inplace")
    assert old in text
    first, second = (fingerprint(parse_program(t, "p.py"), "shift") for t in (text, text.replace(old, new)))
    assert first != second


def test_zeros_of_both_signs_differ() -> None:
    text = text_of("inplace").replace("2.0", "-0.0")
    assert "pl.tile.muls(x__tile, -0.0)" in program_text(parse_program(text, "p.py"), verbatim=False)


def test_a_launch_in_other_blocks_gets_another_wrapper() -> None:
    module = program("staged")
    launch = next(op for op in module.walk() if isinstance(op, LaunchOp))
    launch.properties["blocks"] = IntegerAttr(8, i64)
    text = program_text(module)
    assert changed_functions(module) == ["head_rotate_spmd"]
    assert '@pl.function(type=pl.FunctionType.Spmd, attrs={"core_num": 8})\n    def head_rotate_spmd(' in text
    assert program_text(parse_program(text, "p.py"), verbatim=False) == text


def test_a_function_that_is_gone_is_not_written() -> None:
    module = program("directions")
    total = of(module, LaunchOp)[2]
    total.results[0].replace_all_uses_with(total.operands[2])
    Rewriter.erase_op(total)
    Rewriter.erase_op(function(module, "sum_up"))
    text = program_text(module)
    assert "sum_up" not in text
    assert program_text(parse_program(text, "p.py"), verbatim=False) == program_text(module, verbatim=False)


def test_a_module_without_sources_is_written() -> None:
    module = program("staged")
    for op in of(module, SourceOp):
        Rewriter.erase_op(op)
    text = program_text(module)
    assert text.startswith(
        "# pypto.program: staged_rope\nimport pypto.language as pl\n\n@pl.program\nclass staged_rope:\n"
    )
    assert text.splitlines()[5:] == text_of("staged").splitlines()[7:]


# -- style ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ALL)
def test_names_are_defined_once_and_before_they_are_used(name: str) -> None:
    tree = ast.parse(program_text(program(name), verbatim=False))
    (body,) = [n for n in tree.body if isinstance(n, ast.ClassDef)]
    for node in body.body:
        assert isinstance(node, ast.FunctionDef)
        defined = [a.arg for a in node.args.args]
        yields = [t for n in ast.walk(node) if isinstance(n, ast.If) for t in _targets(n.body[-1])]
        for statement in ast.walk(node):
            if isinstance(statement, ast.Assign | ast.AnnAssign):
                defined += _targets(statement)
        for twice in yields:
            defined.remove(twice)
        assert len(defined) == len(set(defined)), node.name


def _targets(node: ast.stmt) -> list[str]:
    targets = (
        [node.target]
        if isinstance(node, ast.AnnAssign)
        else node.targets
        if isinstance(node, ast.Assign)
        else []
    )
    return [n.id for t in targets for n in ast.walk(t) if isinstance(n, ast.Name)]


def rebuilt(module: ModuleOp, name: str, kind: type[TileOp]) -> None:
    """Let another operation compute what the text calls `name`."""
    old = named(module, name)
    new = kind(list(old.operands), result=old.results[0].type)
    new.results[0].name_hint = old.results[0].name_hint
    replace(old, new)


def test_a_scatter_gets_a_destination_that_nobody_reads() -> None:
    module = program("rope_c")
    dce(module)
    rebuilt(module, "t__tile_4", TAddOp)
    text = program_text(module)
    destinations = re.findall(r"pl\.tile\.scatter_mask\((\w+),", text)
    assert len(destinations) == len(set(destinations)) == 4
    for name in destinations:
        assert len(re.findall(rf"\b{name}\b", text)) == 2
    assert parse_program(text, "p.py")


def test_an_inherited_layout_goes_with_the_accumulator() -> None:
    """Where no accumulator is left in front of it, a vector tile has no boxes."""
    module = program("mixed")
    first, second = (named(module, f"t__tile_{n}") for n in (2, 3))
    zeros = TExpandsOp([zero(module)], result=first.results[0].type)
    Rewriter.insert_op(zeros, InsertPoint.before(first))
    first.operands[0] = zeros.results[0]
    assert second.operands[0] is not zeros.results[0]
    text = program_text(module)
    boxed = [
        line.split(":")[0].strip()
        for line in text.splitlines()
        if "TileView(blayout=pl.TileLayout.col" in line
    ]
    assert boxed == ["t__tile_3", "t__tile_4", "t__tile_5", "rot_odd__tile", "rot_odd_bf16__tile"]


def zero(module: ModuleOp) -> SSAValue:
    constant = arith.ConstantOp(FloatAttr(0.0, f32))
    block = function(module, "unrotate").body.block
    assert block.first_op is not None
    Rewriter.insert_op(constant, InsertPoint.before(block.first_op))
    return constant.result


def test_bits_seen_as_other_elements_have_a_word() -> None:
    module = program("rope_c")
    kernel = function(module, "rope_c")
    value = named(kernel, "buf_v2__tile").results[0]
    there = BitcastOp(value, value.type.with_(dtype="i32"))  # pyright: ignore[reportAttributeAccessIssue]
    back = BitcastOp(there.res, value.type)
    owner = value.owner
    assert isinstance(owner, Operation)
    Rewriter.insert_op([there, back], InsertPoint.after(owner))
    value.replace_uses_with_if(back.res, lambda use: use.operation is not there)
    text = program_text(module)
    assert "pl.tile.reinterpret_view(buf_v2__tile, dtype=pl.INT32)" in text
    again = parse_program(text, "p.py")
    assert fingerprint(again, "rope_c") == fingerprint(module, "rope_c")


def test_other_lanes_of_a_slice_have_no_word() -> None:
    """pypto reinterprets whole tiles only."""
    module = program("rope_c")
    value = named(function(module, "rope_c"), "buf_v2__tile").results[0]
    layout = layout_of(value)
    half = layout._replace(rows=layout.rows // 2, valid_rows=layout.rows // 2)
    numbers = [arith.ConstantOp(IntegerAttr(n, IndexType())) for n in (half.rows, 0)]
    window = SubviewOp(value, [n.result for n in numbers], half.shape, TileType(half))
    cast = ReinterpretOp(window.res, TileType(half._replace(dtype="ui16", cols=128, valid_cols=128)))
    back = ReinterpretOp(cast.res, TileType(half))
    into = InsertOp(back.res, value, numbers[1].result, numbers[1].result)
    owner = value.owner
    assert isinstance(owner, Operation)
    Rewriter.insert_op([*numbers, window, cast, back, into], InsertPoint.after(owner))
    value.replace_uses_with_if(into.res, lambda use: use.operation not in (window, into))
    with pytest.raises(UserError, match="of a part of a tile has no word"):
        program_text(module)


def test_scalar_expressions_have_the_parentheses_they_need() -> None:
    expressions = [
        "(row__ssa_v0 + start__ssa_v0) % 64",
        "row__ssa_v0 - (start__ssa_v0 - 1)",
        "row__ssa_v0 - start__ssa_v0 - 1",
        "row__ssa_v0 * (start__ssa_v0 + 2) // 3",
        "row__ssa_v0 // (start__ssa_v0 * 2)",
        "-(row__ssa_v0 + start__ssa_v0)",
        "-row__ssa_v0 * 2",
        "---row__ssa_v0 - -start__ssa_v0",
        f"{'-' * 300}row__ssa_v0",
        "pl.min(row__ssa_v0 + 1, 8) - pl.max(start__ssa_v0, 0)",
        "pl.cast(pl.cast(row__ssa_v0, pl.INT32) + pl.const(2, pl.INT32), pl.INDEX)",
        "row__ssa_v0 * 3 + start__ssa_v0 * 2",
    ]
    for expression in expressions:
        text = text_of("scalars").replace("(row__ssa_v0 + start__ssa_v0) % 64", expression)
        module = parse_program(text, "p.py")
        assert f"[{expression}, 0]" in program_text(module, verbatim=False)


def test_numbers_are_short_and_exact() -> None:
    for number in ("0.1", "1e-06", "3.4028235e+38", "0.33333334", "1e+10", "16777216.0", "-2.5"):
        text = text_of("inplace").replace("2.0", number)
        assert f"muls(x__tile, {number})" in program_text(parse_program(text, "p.py"), verbatim=False)


# -- what has no text ----------------------------------------------------------------------------


def test_a_kernel_from_pto_text_is_no_program() -> None:
    module = parse_text("module { func.func @k(%a: !pto.ptr<f32>) { return } }")
    with pytest.raises(UserError, match="neither kernels nor an orchestration"):
        program_text(module)


def test_an_operation_without_a_word_is_an_error_with_its_place() -> None:
    module = program("inplace")
    kernel = function(module, "shift")
    first = kernel.body.block.first_op
    assert first is not None
    number = arith.ConstantOp(IntegerAttr(1, IndexType()))
    odd = arith.ShLIOp(number.result, number.result)
    Rewriter.insert_op([number, odd], InsertPoint.before(first))
    loop = next(op for op in kernel.walk() if op.name == "scf.for")
    odd.location = loop.location
    loop.operands[0] = odd.result
    with pytest.raises(UserError, match=r"inplace.py:12:9: error: cannot be written as program text: there"):
        program_text(module)


def test_a_function_of_another_kind_is_an_error() -> None:
    module = program("inplace")
    extra = func.FuncOp("extra", ([], []))
    extra.body.block.add_op(func.ReturnOp())
    module.body.block.add_op(extra)
    with pytest.raises(UserError, match="function 'extra' is no kernel of the program"):
        program_text(module)
    extra.attributes["dsv4.role"] = StringAttr("kernel")
    assert "def extra():\n        pass\n" in program_text(module)


def test_a_gather_that_a_pass_made_gets_the_tile_that_pypto_wants(tmp_path: Path) -> None:
    facts = tmp_path / "facts.toml"
    facts.write_text('"even_select*" = "even"\n"odd_select*" = "odd"\n')
    output = tmp_path / "better.py"
    passes = ["-p", "dsv4-rope{chip=a3 form=flat-gather}", "-t", "pypto", "-o", str(output)]
    assert main([str(DATA / "mixed" / "program.py"), "--facts", str(facts), *passes]) == 0
    text = output.read_text()
    gathers = re.findall(r"pl\.tile\.gather\((\w+), (\w+), (\w+)\)", text)
    assert gathers
    assert len(gathers) == text.count("pl.tile.gather(")
    for _, index, workspace in gathers:
        shape = re.search(rf"{index}: pl\.Tile\[(\[\d+, \d+\]), pl\.INT32", text)
        assert shape is not None
        assert f"{workspace}: pl.Tile[{shape[1]}, pl.INT32, pl.Mem.Vec] = pl.tile.create({shape[1]}" in text
    parse_program(text, "better.py")


MOVED = """import pypto.language as pl

@pl.program
class p:
    @pl.function(type=pl.FunctionType.InCore, level=pl.Level.CHIP_DIE, role=pl.Role.SubWorker)
    def k(x: pl.Tensor[[16, 32], pl.BF16], m: pl.Tensor[[32, 32], pl.BF16], y: pl.Out[pl.Tensor[[16, 32], pl.FP32]]) -> pl.Tensor[[16, 32], pl.FP32]:
        x_t: pl.Tile[[16, 32], pl.BF16, pl.Mem.Mat] = pl.tile.load(x, [0, 0], [16, 32], [16, 32], target_memory=pl.Mem.Mat, transpose=False)
        m_t: pl.Tile[[32, 32], pl.BF16, pl.Mem.Mat] = pl.tile.load(m, [0, 0], [32, 32], [32, 32], target_memory=pl.Mem.Mat, transpose=False)
        a: pl.Tile[[16, 32], pl.FP32, pl.Mem.Acc] = pl.tile.matmul(x_t, m_t)
        v: pl.Tile[[16, 32], pl.FP32, pl.Mem.VecVIEW] = pl.tile.move(a, target_memory=pl.Mem.VecWORDS)
        y1: pl.Tensor[[16, 32], pl.FP32] = pl.tile.store(v, [0, 0], y)
        return y1
"""  # noqa: E501
PLAIN = ", blayout=pl.TileLayout.row_major, slayout=pl.TileLayout.none_box"
BOXED = ", pl.TileView(blayout=pl.TileLayout.col_major, slayout=pl.TileLayout.row_major)"


@pytest.mark.parametrize(
    ("view", "given", "written"),
    [("", PLAIN, PLAIN), ("", "", PLAIN), (BOXED, "", ""), (BOXED, PLAIN, PLAIN)],
)
def test_a_move_says_which_layout_pypto_would_not_choose(view: str, given: str, written: str) -> None:
    """pypto moves an accumulator with its boxes, which `assemble` refuses. Words that contradict are kept."""
    text = MOVED.replace("VIEW", view).replace("WORDS", given)
    printed = program_text(parse_program(text, "p.py"), verbatim=False)
    assert f"pl.tile.move(a, target_memory=pl.Mem.Vec{written})" in printed
    assert program_text(parse_program(printed, "p.py"), verbatim=False) == printed


def test_a_move_that_a_view_reads_is_said() -> None:
    """Arithmetic may read an accumulator, a reshape may not: the move is there in the text then."""
    old = "v: pl.Tile[[16, 32], pl.FP32, pl.Mem.VecVIEW] = pl.tile.move(a, target_memory=pl.Mem.VecWORDS)"
    new = "v: pl.Tile[[16, 32], pl.FP32, pl.Mem.Vec] = pl.tile.muls(a, 2.0)"
    module = parse_program(MOVED.replace(old, new), "p.py")
    assert "tile.move" not in program_text(module, verbatim=False)
    doubled = named(module, "v")
    value = doubled.operands[0]
    layout = layout_of(value)
    wide = ReshapeOp(value, TileType(layout._replace(rows=8, cols=64, valid_rows=8, valid_cols=64)))
    back = ReshapeOp(wide.res, value.type)
    Rewriter.insert_op([wide, back], InsertPoint.before(doubled))
    doubled.operands[0] = back.res
    printed = program_text(module, verbatim=False)
    assert f"pl.tile.move(a, target_memory=pl.Mem.Vec{PLAIN})" in printed
    again = parse_program(printed, "p.py")
    assert [op for op in again.walk() if op.name == "dsv4.opaque"] == []
    assert program_text(again, verbatim=False) == printed
