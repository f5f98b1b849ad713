"""Tile programs in: what a program text becomes, and what is no program text."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from xdsl.dialects import func, scf
from xdsl.dialects.builtin import FileLineColLoc, ModuleOp, StringAttr
from xdsl.ir import Operation

from dialects.dsv4.attributes import Loop, LoopAttr
from dialects.dsv4.functions import parameters, program_functions, returned
from dialects.dsv4.launch import LaunchOp
from dialects.dsv4.opaque import CoreMoveOp, SourceOp, TextCallOp
from dialects.dsv4.tensors import AssembleOp, UpdateOp
from dialects.pto.base import layout_of
from dialects.pto.memory import MakeTensorViewOp, TLoadOp, TStoreOp
from dialects.pto.types import DYNAMIC, TileType
from dsv4_passes.diagnostics import UserError, collect
from dsv4_passes.formats.pto.reader import verify_module
from dsv4_passes.formats.pypto import parse_program
from dsv4_passes.formats.pypto.reader.kernel import KernelReader
from dsv4_passes.formats.pypto.target import program_text
from dsv4_passes.source_names import written_name
from tests.unit.kernels import DATA

COMPILED = ("staged", "mixed", "rope_a", "rope_b", "rope_c", "rope_d")
SMALL = tuple(sorted(path.stem for path in (DATA / "programs").glob("*.py")))


def path_of(name: str) -> Path:
    return DATA / name / "program.py" if name in COMPILED else DATA / "programs" / f"{name}.py"


def program(name: str) -> ModuleOp:
    return parse_program(path_of(name).read_text(), f"{name}.py")


def function(module: ModuleOp, name: str) -> func.FuncOp:
    return next(op for op in module.ops if isinstance(op, func.FuncOp) and op.sym_name.data == name)


def named(root: Operation, name: str) -> Operation:
    """The operation whose result the text gave that name."""
    return next(op for op in root.walk() if op.results and written_name(op.results[0]) == name)


def of(root: Operation, kind: type[Operation]) -> list[Operation]:
    return [op for op in root.walk() if isinstance(op, kind)]


@pytest.mark.parametrize("name", [*COMPILED, *SMALL])
def test_modules_verify_and_nothing_is_kept_as_text(name: str) -> None:
    with collect() as diagnostics:
        module = program(name)
    verify_module(module)
    assert diagnostics.entries == []
    assert not of(module, TextCallOp)


# -- kernels -------------------------------------------------------------------------------------


def test_a_kernel_has_pointers_described_by_attributes() -> None:
    kernel = function(program("staged"), "write_back")
    out, joined, *hidden = parameters(kernel)
    assert (out.name, out.direction, out.dims) == ("out__ssa_v0", "inout", (64, 1024))
    assert (joined.direction, joined.written) == ("in", False)
    assert [p.hidden for p in hidden] == ["block_idx", "block_num"]
    assert [str(a.type) for a in kernel.body.block.args] == ["!pto.ptr<bf16>", "!pto.ptr<f32>", "i32", "i32"]
    assert returned(kernel) == (0,)


def test_a_product_gets_the_moves_that_the_text_leaves_out() -> None:
    kernel = function(program("staged"), "reassemble")
    names = [op.name for op in kernel.body.block.ops if op.name.startswith("pto.tm")]
    assert names == ["pto.tmov", "pto.tmov", "pto.tmatmul", "pto.tmov", "pto.tmov", "pto.tmatmul.acc"]
    product = named(kernel, "joined__tile_1")
    assert [layout_of(v).loc for v in product.operands] == ["acc", "left", "right"]
    moves = of(kernel, type(product.operands[1].owner))  # pyright: ignore[reportArgumentType]
    assert all("dsv4.implicit" in op.attributes for op in moves)


def test_between_cube_and_vector_there_is_a_move_of_another_kind() -> None:
    kernel = function(program("rope_a"), "rope_a")
    paths = [(layout_of(op.operands[0]).loc, layout_of(op.results[0]).loc) for op in of(kernel, CoreMoveOp)]
    assert paths == [("acc", "vec"), ("acc", "vec"), ("vec", "mat"), ("vec", "mat"), ("acc", "vec")]


def test_a_transposed_load_goes_through_a_dn_view() -> None:
    kernel = function(program("mixed"), "unrotate")
    load = named(kernel, "even_select__mat_1")
    layout = layout_of(load.results[0])
    assert (layout.shape, layout.blayout, layout.slayout) == ((16, 32), "row_major", "col_major")
    views = [op for op in of(kernel, MakeTensorViewOp) if '"nd"' not in str(op) and "dn" in str(op)]
    assert len(views) == 2


def test_a_vector_tile_is_never_boxed_but_the_text_is_remembered() -> None:
    rotated = named(function(program("mixed"), "unrotate"), "rot_even_bf16__tile")
    assert layout_of(rotated.results[0]).slayout == "none_box"


def test_columns_are_computed_as_rows() -> None:
    kernel = function(program("rope_b"), "rope_b")
    column = named(kernel, "scatter_row_base")
    assert (column.name, "dsv4.implicit" in column.attributes) == ("pto.reshape", True)
    row = column.operands[0].owner
    assert isinstance(row, Operation)
    assert row.name == "pto.tmuls"
    assert layout_of(row.results[0]).shape == (1, 32)


def test_loops_and_branches_carry_tiles_but_not_memory() -> None:
    (loop,) = of(function(program("mixed"), "unrotate"), scf.ForOp)
    assert not loop.results
    kernel = function(program("products"), "project")
    (loop,) = of(kernel, scf.ForOp)
    assert loop.attributes["dsv4.loop"] == LoopAttr(Loop("pipeline", 2))
    (result,) = loop.results
    assert layout_of(result).loc == "acc"
    start = loop.operands[3].owner
    assert isinstance(start, CoreMoveOp)
    assert layout_of(start.source).loc == "vec"
    (branch,) = of(kernel, scf.IfOp)
    assert [layout_of(r).loc for r in branch.results] == ["acc"]


def test_a_valid_extent_that_has_a_name_is_an_operand() -> None:
    kernel = function(program("dynamic"), "copy")
    (load,) = of(kernel, TLoadOp)
    assert layout_of(load.results[0]).valid == (DYNAMIC, 64)
    left = named(kernel, "left__ssa_v0").results[0]
    assert load.operands[-1] is left
    hidden = [(p.name, p.hidden) for p in parameters(kernel) if p.hidden]
    assert hidden == [("ROWS", "dim"), ("COLS_DYN", "dim")]


def test_one_and_three_dimensions_become_two() -> None:
    kernel = function(program("shapes"), "odd_shapes")
    assert layout_of(named(kernel, "gamma__tile").results[0]).shape == (1, 64)
    assert layout_of(named(kernel, "cube__tile").results[0]).shape == (8, 64)
    part = layout_of(named(kernel, "part__tile").results[0])
    assert (part.shape, part.valid) == ((8, 64), (3, 64))
    assert named(kernel, "padded__tile").name == "pto.tfillpad"
    assert named(kernel, "merged__tile").name == "pto.tmrgsort"


def test_scalars_that_a_kernel_returns_are_its_results() -> None:
    module = program("scalars")
    kernel = function(module, "walk")
    assert [str(t) for t in kernel.function_type.outputs.data] == ["index", "index"]
    assert returned(kernel) == (0, 2, 3)
    launch = of(module, LaunchOp)[0]
    assert [str(r.type) for r in launch.results] == [
        "tensor<16x32xf32>",
        "tensor<4x16xi32>",
        "index",
        "index",
    ]


def test_operations_know_where_they_come_from() -> None:
    module = program("staged")
    store = of(function(module, "write_back"), TStoreOp)[0]
    assert isinstance(store.location, FileLineColLoc)
    where = store.location.filename.data, store.location.line.data, store.location.column.data
    assert where == ("staged.py", 53, 55)
    for op in module.walk():
        if op.name.startswith(("pto.", "scf.", "dsv4.launch", "arith.")):
            assert isinstance(op.location, FileLineColLoc), op


# -- orchestration -------------------------------------------------------------------------------


def test_a_call_has_a_result_for_every_written_tensor() -> None:
    (main,) = program_functions(program("directions"), "orchestration")
    double, increment, total = of(main, LaunchOp)
    assert len(double.results) == 2
    (loop,) = of(main, scf.ForOp)
    assert [a.name_hint for a in loop.regions[0].block.args] == [
        "i__idx_v0",
        "again__iter_v1",
        "copy__iter_v1",
    ]
    assert loop.operands[4] is double.results[0]
    assert increment.operands[0] is loop.regions[0].block.args[2]
    assert total.operands[0] is loop.results[1]
    last = main.body.block.last_op
    assert isinstance(last, func.ReturnOp)
    assert list(last.operands) == [double.results[1], total.results[0]] or list(last.operands) == [
        loop.results[0],
        total.results[0],
    ]


def test_launches_know_blocks_and_wrapper() -> None:
    (main,) = program_functions(program("mixed"), "orchestration")
    first, second = of(main, LaunchOp)
    assert isinstance(first, LaunchOp)
    assert (first.callee, first.block_count, first.via and first.via.string_value()) == (
        "unrotate",
        16,
        "unrotate_spmd",
    )
    assert second.operands[1] is first.results[0]


def test_what_is_written_through_a_view_comes_back() -> None:
    (main,) = program_functions(program("views"), "orchestration")
    assert [len(of(main, kind)) for kind in (AssembleOp, UpdateOp)] == [3, 2]
    assert sum("dsv4.implicit" in op.attributes for op in of(main, AssembleOp)) == 2


# -- text that is not understood -----------------------------------------------------------------


def replaced(name: str, *pairs: tuple[str, str]) -> str:
    text = path_of(name).read_text()
    for old, new in pairs:
        assert old in text
        text = text.replace(old, new)
    return text


def kept(text: str) -> Iterator[tuple[str, str]]:
    with collect() as diagnostics:
        module = parse_program(text, "p.py")
    verify_module(module)
    assert diagnostics.entries
    for op in of(module, TextCallOp):
        assert isinstance(op, TextCallOp)
        yield op.text.data, op.annotation.data


@pytest.mark.parametrize(
    ("old", "new", "text"),
    [
        (
            "pl.tile.muls(x__tile, 2.0)",
            "pl.tile.wobble(x__tile, [0, 1], how='so')",
            "pl.tile.wobble({0}, [0, 1], how='so')",
        ),
        (
            "pl.tile.muls(x__tile, 2.0)",
            "pl.tile.muls(x__tile, 2.0, attrs={'a': 1})",
            "pl.tile.muls({0}, 2.0, attrs={{'a': 1}})",
        ),
        (
            "pl.tile.add(above__tile, here__tile)",
            "pl.tile.gemv(above__tile, here__tile)",
            "pl.tile.gemv({0}, {1})",
        ),
        (
            "pl.tile.store(y__tile, [0, 0], buf__ssa_v0)",
            "pl.tile.store(y__tile, [0, 0], buf__ssa_v0, atomic=1)",
            "pl.tile.store({0}, [0, 0], {1}, atomic=1)",
        ),
    ],
)
def test_what_is_not_understood_stays_text(old: str, new: str, text: str) -> None:
    assert [t for t, _ in kept(replaced("inplace", (old, new)))] == [text]


def test_a_program_is_read_for_any_chip() -> None:
    """A product of bf16 is one, although a2a3 has none, until the module names that chip."""
    narrow = [
        ("pl.Tensor[[8, 64], pl.FP32]", "pl.Tensor[[8, 64], pl.BF16]"),
        ("[1, 64], pl.FP32", "[1, 64], pl.BF16"),
    ]
    with collect() as diagnostics:
        module = parse_program(replaced("inplace", *narrow), "p.py")
    assert not any("is kept as text" in str(entry) for entry in diagnostics.entries)
    verify_module(module)
    module.attributes["pto.target_arch"] = StringAttr("a2a3")
    with pytest.raises(UserError, match=r"'pto.tmuls' op expects element type to be .* on a2a3, found bf16"):
        verify_module(module)


def test_a_memory_that_the_text_leaves_open_is_that_of_the_operation() -> None:
    described = program("products")
    short = parse_program(replaced("products", (", pl.Mem.Mat]", "]")), "p.py")
    assert str(function(short, "project")) == str(function(described, "project"))


def test_tile_types_of_all_layouts_are_read() -> None:
    kernel = function(program("products"), "project")
    types = {str(r.type) for op in kernel.walk() for r in op.results if isinstance(r.type, TileType)}
    assert "!pto.tile<mat, 64x32xbf16, slayout=col_major>" in types
    assert "!pto.tile<vec, 32x1xf32, blayout=col_major>" in types


# -- reading again -------------------------------------------------------------------------------


def test_kernels_known_from_another_text_are_not_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    text = path_of("staged").read_text()
    known = parse_program(text, "a.py")
    changed = text.replace("pl.tile.cast(", "pl.tile.cast( ", 1)
    assert changed != text
    expected = str(parse_program(changed, "a.py"))
    read: list[str] = []
    plain = KernelReader.read

    def spied(self: KernelReader) -> func.FuncOp:
        read.append(self.signature.name)
        return plain(self)

    monkeypatch.setattr(KernelReader, "read", spied)
    assert str(parse_program(changed, "a.py", known)) == expected
    kernels = [f.sym_name.data for f in program_functions(known, "kernel")]
    assert 0 < len(read) < len(kernels)
    read.clear()
    assert "@pl.program" in text
    parse_program(text.replace("@pl.program", "# another text\n@pl.program"), "a.py", known)
    assert read == kernels


def test_a_function_may_have_the_name_of_what_stands_around_it() -> None:
    text = path_of("staged").read_text().replace("write_back", "before")
    module = parse_program(text, "a.py")
    kernel = function(module, "before")
    pieces = {op.function.data: op.text.data for op in module.walk() if isinstance(op, SourceOp)}
    assert "def before(" in pieces[kernel.sym_name.data]
    assert program_text(module) == text
