"""What is no tile program: one line with the place, and nothing of the text is run."""

import contextlib
from pathlib import Path

import pytest

from dsv4_passes.diagnostics import UserError, collect
from dsv4_passes.formats.pto.reader import verify_module
from dsv4_passes.formats.pypto import parse_program
from dsv4_passes.formats.pypto.target import program_text
from tests.unit.test_pypto_import import path_of, replaced

CASES = [
    (
        "products",
        "blayout=pl.TileLayout.col_major",
        "blayout=pl.TileLayout.askew",
        "pl.TileLayout.askew",
        "unknown layout 'askew'",
    ),
    (
        "staged",
        "def reassemble(",
        "def reassemble(:",
        ":joined__ssa_v0: pl.Out[pl",
        "not a program text: invalid syntax",
    ),
    (
        "staged",
        "@pl.program\n",
        "",
        "class staged_rope:",
        "expected a tile program: a class with @pl.program, found 'class staged_rope: @pl.function(",
    ),
    (
        "staged",
        "import pypto.language as pl",
        "import os",
        "import os",
        "expected 'import pypto.language as pl', found 'import os'",
    ),
    (
        "staged",
        "head__ssa_v0 * 256",
        "head__ssa_v1 * 256",
        "head__ssa_v1 * 256 + 192",
        "undefined name 'head__ssa_v1'",
    ),
    (
        "staged",
        "mul(even__tile, cos__tile)",
        "mul(even__tile, x__tile)",
        "pl.tile.mul(even__tile, x_",
        "'tile.mul' cannot combine tiles of [64, 32] and [64, 64]",
    ),
    (
        "staged",
        "scale__tile: pl.Tile[[64, 1]",
        "scale__tile: pl.Tile[[32, 1]",
        "pl.tile.reshape(scale_row_",
        "'tile.reshape' yields a tile of [64, 1], but 'scale__tile' is declared as [32, 1]",
    ),
    (
        "staged",
        "mul(even__tile, cos__tile)",
        "mul(even__tile, 2.0)",
        "2.0)",
        "expected a name, found '2.0'",
    ),
    (
        "inplace",
        "pl.tile.muls(x__tile, 2.0)",
        "pl.tile.muls(x__tile, x__tile)",
        "x__tile)",
        "expected a scalar, 'x__tile' is none",
    ),
    (
        "staged",
        "mul(even__tile, cos__tile)",
        "mul(even__tile)",
        "pl.tile.mul(even__tile)",
        "expected 2 arguments for pl.tile.mul, found 1",
    ),
    (
        "staged",
        "inv_rms__ssa_v0, [head__ssa_v0, 0]",
        "inv_rms__ssa_v0, [0]",
        "[0], [1, 64], [1, 64], tar",
        "expected 2 indices, found 1",
    ),
    (
        "staged",
        "matmul(even__tile, t__tile)",
        "matmul(t__tile, t__tile)",
        "pl.tile.matmul(t__tile, t_",
        "'tile.matmul' cannot multiply tiles of [32, 64] and [32, 64]",
    ),
    (
        "staged",
        "self.reassemble_spmd(joined__ssa_v0, pair_stage__ssa_v1,",
        "self.reassemble_spmd(joined__ssa_v0,",
        "self.reassemble_spmd(joine",
        "expected 4 arguments for 'reassemble_spmd', found 3",
    ),
    (
        "staged",
        "self.write_back_spmd(",
        "self.write_forth_spmd(",
        "self.write_forth_spmd(out_",
        "undefined function 'write_forth_spmd'",
    ),
    (
        "staged",
        "self.write_back_spmd(out__ssa_v0, joined__ssa_v1)",
        "self.write_back_spmd(joined__ssa_v1, out__ssa_v0)",
        "joined__ssa_v1, out__ssa_v",
        "expected pl.Tensor[[64, 1024], pl.BF16] for 'out__ssa_v0' of 'write_back_spmd', found pl.T",
    ),
    (
        "staged",
        "return out__rv_v1\n    @pl.function(type=pl.FunctionType.Orch",
        "return out__rv_v1, out__rv_v1\n    @pl.function(type=pl.FunctionType.Orch",
        "return out__rv_v1, out__rv",
        "expected 1 returned values, found 2",
    ),
    (
        "staged",
        "pl.Out[pl.Tensor[[256, 64], pl.FP32]], pair",
        "pl.Tensor[[256, 64], pl.FP32], pair",
        "joined__ssa_v0)",
        "writes 'joined__ssa_v0', which is neither pl.Out nor pl.InOut",
    ),
    (
        "staged",
        "pl.FP32, pl.Mem.Vec] = pl.tile.cast(cos_raw",
        "pl.FP16, pl.Mem.Vec] = pl.tile.cast(cos_raw",
        "pl.tile.cast(cos_raw__tile",
        "'tile.cast' yields f32 elements, but 'cos__tile' is declared as f16",
    ),
    (
        "staged",
        "mode='rint')\n        rot_odd",
        "mode='up')\n        rot_odd",
        "'up')",
        "unknown rounding mode 'up'",
    ),
    (
        "staged",
        "mask_pattern=1",
        "mask_pattern=9",
        "9)",
        "unknown mask_pattern 9",
    ),
    (
        "staged",
        "pl.BF16, pl.Mem.Vec] = pl.tile.load(cos",
        "pl.BF17, pl.Mem.Vec] = pl.tile.load(cos",
        "pl.BF17, pl.Mem.Vec] = pl.",
        "unknown element type 'BF17'",
    ),
    (
        "staged",
        '{"core_num": 4}',
        "{}",
        "def head_rotate_spmd(self,",
        "expected attrs with core_num for 'head_rotate_spmd'",
    ),
    (
        "staged",
        "FunctionType.InCore",
        "FunctionType.Core",
        "pl.FunctionType.Core, level",
        "unknown function type 'Core'; known are InCore, Spmd, Orchestration",
    ),
    (
        "mixed",
        "for chunk__idx_v0, (even_buf__iter_v1, odd_buf__iter_v1) in pl.range(",
        "for chunk__idx_v0, (even_buf__iter_v1, odd_buf__iter_v1) in range(",
        "range(0, 32, 16, init_valu",
        "expected pl.range, pl.pipeline or pl.parallel, found 'range(0, 32, 16, init_values=(even_b",
    ),
    (
        "mixed",
        "init_values=(even_buf__ssa_v0, odd_buf__ssa_v0)",
        "init_values=(even_buf__ssa_v0,)",
        "pl.range(0, 32, 16, init_v",
        "expected 2 initial values, found 1",
    ),
    (
        "mixed",
        "pl.yield_(even_buf__tile, odd_buf__tile)",
        "pl.yield_(odd_buf__tile, even_buf__tile)",
        "odd_buf__tile, even_buf__t",
        "'odd_buf__tile' is not the tensor that the loop carries here",
    ),
    (
        "scalars",
        "pl.yield_(y__tile)",
        "pl.yield_(y__tile, y__tile)",
        "w__tile: pl.Tile[[1, 32], ",
        "expected 1 yielded values, found 2",
    ),
    (
        "scalars",
        "if skip__ssa_v0:",
        "if count__ssa_v0:",
        "count__ssa_v0:",
        "expected a condition, found 'count__ssa_v0'",
    ),
    (
        "scalars",
        "total__iter_v1 + row__ssa_v0",
        "total__iter_v1 + entry__ssa_v0",
        "entry__ssa_v0",
        "expected numbers of one type, found index and i32",
    ),
    (
        "scalars",
        "pl.const(4, pl.INT32)",
        "pl.const(1 @ 40, pl.INT32)",
        "1 @ 40, pl.INT32)",
        "'1 @ 40' is no operation on i32 numbers",
    ),
    (
        "scalars",
        "pl.const(4, pl.INT32)",
        "pl.const(4294967296, pl.INT32)",
        "4294967296, pl.INT32)",
        "4294967296 is no i32 number",
    ),
    (
        "scalars",
        "ret__tmp_v0[2]",
        "ret__tmp_v0[3]",
        "ret__tmp_v0[3]",
        "'ret__tmp_v0' has 3 parts, no number 3",
    ),
    (
        "directions",
        "self.increment_spmd(copy__ssa_v0)",
        "x__ssa_v0: pl.Tensor[[4, 32], pl.FP32] = self.increment_spmd(copy__ssa_v0)",
        "self.increment_spmd(copy__",
        "'self.increment_spmd' returns nothing to be called 'x__ssa_v0'",
    ),
    (
        "dynamic",
        "pl.Tensor[[ROWS, 64], pl.FP32], out",
        "pl.Tensor[[LINES, 64], pl.FP32], out",
        "LINES, 64], pl.FP32], out_",
        "undefined name 'LINES' in a shape",
    ),
    (
        "views",
        "[4, 64])\n        top",
        "[4, 65])\n        top",
        "pl.tensor.reshape(data__ss",
        "yields pl.Tensor[[4, 65], pl.FP32], but is declared as pl.Tensor[[4, 64], pl.FP32]",
    ),
]


@pytest.mark.parametrize(("name", "old", "new", "at", "message"), CASES)
def test_errors_say_what_and_where(name: str, old: str, new: str, at: str, message: str) -> None:
    text = replaced(name, (old, new))
    with pytest.raises(UserError) as error:
        parse_program(text, "p.py")
    file, line, column, _ = str(error.value).split(":", 3)
    assert error.value.message.startswith(message)
    assert file == "p.py"
    assert text.splitlines()[int(line) - 1][int(column) - 1 :].startswith(at)


@pytest.mark.parametrize(
    "expression",
    [
        "__import__('os').system('true')",
        "[x for x in ()]",
        "lambda: 0",
        "(yield)",
        "pl.__class__",
        "open('/etc/passwd')",
        "f'{1}'",
        "head__ssa_v0 if True else 0",
        "head__ssa_v0 and 1",
        "head__ssa_v0 @ 1",
        "'text'",
        "None",
        "{}",
        "head__ssa_v0 < 1 < 2",
    ],
)
def test_python_outside_of_the_grammar_is_refused(expression: str) -> None:
    with pytest.raises(UserError, match=r"^p.py:11:\d+: error: "):
        parse_program(replaced("staged", ("head__ssa_v0 * 64\n", f"{expression}\n")), "p.py")


@pytest.mark.parametrize(
    "statement",
    [
        "x = y = 1",
        "del head__ssa_v0",
        "import os",
        "def f(): pass",
        "assert True",
        "global x",
        "with head__ssa_v0: pass",
        "try: pass\n        finally: pass",
        "raise 1",
        "x += 1",
        "print(1)",
        "x, y = 1, 2",
    ],
)
def test_statements_outside_of_the_grammar_are_refused(statement: str) -> None:
    line = "        row__ssa_v0: pl.Scalar[pl.INDEX] = head__ssa_v0 * 64\n"
    with pytest.raises(UserError, match=r"^p.py:\d+:\d+: error: "):
        parse_program(replaced("staged", (line, f"        {statement}\n{line}")), "p.py")


@pytest.mark.parametrize(
    "text",
    ["", "\0", "x = " + "(" * 300, "class a: pass", "1", "pass\n" * 3, "@pl.program\nclass a:\n    x = 1\n"],
)
def test_other_texts_are_no_programs(text: str) -> None:
    with pytest.raises(UserError, match=r"^p.py.*: error: "):
        parse_program(text, "p.py")


@pytest.mark.filterwarnings("error")
def test_what_python_thinks_of_a_literal_is_not_said() -> None:
    parse_program(replaced("staged", ("class staged_rope:\n", "class staged_rope:\n    '\\d'\n")), "p.py")


DEEP = [
    ("head__ssa_v0 * 64\n", "head__ssa_v0" + " + 1" * 900 + "\n"),
    ("head__ssa_v0 * 64\n", "head__ssa_v0" + " + 1" * 20000 + "\n"),
    ("head__ssa_v0 * 64\n", "-" * 100000 + "head__ssa_v0\n"),
    ("head__ssa_v0 * 64\n", "pl" + ".a" * 20000 + "\n"),
    ("head__ssa_v0 * 64\n", "pl.min(" * 150 + "head__ssa_v0" + ", 1)" * 149 + ", 1, 1)\n"),
]


@pytest.mark.parametrize(("old", "new"), DEEP, ids=range(len(DEEP)))
def test_deep_nesting_is_an_error_in_that_line(old: str, new: str) -> None:
    with pytest.raises(UserError, match=r"^p.py:11:\d+: error: "):
        parse_program(replaced("staged", (old, new)), "p.py")


NINES = "9" * 30
ODD = [
    ('{"core_num": 4}', f'{{"core_num": {NINES}}}', f"{NINES}}}", "expected 1 to 65536 blocks, found 999"),
    ('{"core_num": 4}', '{"core_num": -4}', "-4}", "expected 1 to 65536 blocks, found -4"),
    ('{"core_num": 4}', '{"core_num": True}', "True}", "expected a number, found 'True'"),
    ('{"core_num": 4}', '{"core_num": n.m}', "n.m}", "expected a number of blocks, found 'n.m'"),
    ("[64, 1024]", "[64, -1]", "-1]", "expected a positive extent, found -1"),
    ("head__ssa_v0 * 256", f"head__ssa_v0 * {NINES}", NINES, f"{NINES} is no index number"),
    ("head__ssa_v0 * 256", f"head__ssa_v0 * {'9' * 5000}", "999", "not a program text: Exceeds the limit"),
    (
        "head__ssa_v0 * 256",
        "head__ssa_v0\0 * 256",
        "\0 * 256",
        "not a program text: source code string cannot",
    ),
    ("head__ssa_v0 * 256", "head__ssa_v0 \ud800 * 256", "\ud800 * 256", "not a program text: 'utf-8' codec"),
    ("head__ssa_v0 * 256", "head__ssa_v0 \v * 256", "\v * 256", "not a program text: invalid non-printable"),
    ("        row__ssa_v0", "\trow__ssa_v0", "\trow__ssa_v0", "not a program text: inconsistent use of tabs"),
    ("class staged_rope:", "class staged_rope(print(1)):", "print(1)", "expected a class without parameters"),
    (
        "dtype=pl.INT32, ",
        "dtype=pl.INT32, dtype=pl.INT32, ",
        "dtype=pl.INT32, desc",
        "the argument 'dtype' is there",
    ),
]


@pytest.mark.parametrize(("old", "new", "at", "message"), ODD, ids=range(len(ODD)))
def test_odd_numbers_and_characters(old: str, new: str, at: str, message: str) -> None:
    text = path_of("staged").read_text()
    text = text.replace(old, new, 1) if old in text else path_of("rope_d").read_text().replace(old, new, 1)
    with pytest.raises(UserError) as error:
        parse_program(text, "p.py")
    file, line, column, rest = str(error.value).split(":", 3)
    assert (file, rest.startswith(f" error: {message}")) == ("p.py", True), str(error.value)
    assert "\n" not in rest
    assert text.split("\n")[int(line) - 1][int(column) - 1 :].startswith(at)


KEPT = "pl.tile.muls(x__tile, 2.0)"


@pytest.mark.parametrize(
    "argument",
    [
        "lambda: 0",
        "[y for y in x__tile]",
        "(y := x__tile)",
        "*x__tile",
        "f'{x__tile}'",
        "x__tile if 1 else 2",
    ],
)
def test_what_is_kept_as_text_is_in_the_grammar_too(argument: str) -> None:
    text = replaced("inplace", (KEPT, f"pl.tile.wobble(x__tile, {argument})"))
    with pytest.raises(UserError, match=r"^p.py:10:8\d: error: expected an argument of an operation, found"):
        parse_program(text, "p.py")
    text = replaced(
        "inplace", ("x__tile: pl.Tile[[1, 64], pl.FP32, pl.Mem.Vec]", f"x__tile: pl.Array[{argument}]")
    )
    with pytest.raises(UserError, match=r"^p.py:9:\d+: error: expected an argument of an operation, found"):
        parse_program(text, "p.py")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("        x__tile:", "\f        x__tile:"),
        ("x__tile", "ünï__tile"),
        ("x__tile", "ﬁrst__tile"),
        ("shift", "schieß"),
        ("# A kernel", "# A \u2028 \x1c \x85 kernel"),
        (KEPT, "pl.tile.wobble(x__tile, 'a\u2028b\\n{0}{{', k={1: 2})"),
        (KEPT, "pl.tile.wobble(x__tile, 'dsv4_operand0_', 'dsv4_operand_7_')"),
        (KEPT, "pl.tile.muls(x__tile, 1e999)"),
    ],
)
def test_odd_texts_that_are_programs_come_back(old: str, new: str) -> None:
    text = path_of("inplace").read_text().replace(old, new)
    with collect():
        module = parse_program(text, "p.py")
        verify_module(module)
        assert program_text(module) == text
        printed = program_text(module, verbatim=False)
        assert program_text(parse_program(printed, "q.py"), verbatim=False) == printed


def test_nothing_of_a_text_is_run(tmp_path: Path) -> None:
    """Wherever an expression may stand."""
    mark = tmp_path / "run"
    call = f"open({str(mark)!r}, 'w')"
    source = path_of("staged").read_text()
    places = [
        ("@pl.program", f"@{call}\n@pl.program"),
        ("class staged_rope:", f"class staged_rope({call}):"),
        ("import pypto.language as pl", f"import pypto.language as pl\n{call}"),
        ("level=pl.Level.CHIP_DIE", f"level={call}"),
        ('{"core_num": 4}', f'{{"core_num": {call}}}'),
        ("pl.Tensor[[64, 64], pl.BF16]", call),
        ("pl.Scalar[pl.INDEX] =", f"{call} ="),
        ("[64, 1024]", f"[64, {call}]"),
        ("head__ssa_v0 * 256", call),
        ("mode='rint'", f"mode={call}"),
        ("return out__rv_v1", f"return {call}"),
        ("FP32, pl.Mem.Vec]", f"FP32, {call}]"),
    ]
    for old, new in places:
        assert old in source
        with contextlib.suppress(UserError), collect():
            program_text(parse_program(source.replace(old, new, 1), "p.py"), verbatim=False)
    assert not mark.exists()
