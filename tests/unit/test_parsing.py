"""Text to IR: places, spellings, and one clean error for whatever is wrong."""

from io import StringIO
from pathlib import Path
from random import Random

import pytest
from xdsl.dialects.builtin import ModuleOp, StringAttr
from xdsl.dialects.func import FuncOp
from xdsl.utils.exceptions import ParseError
from xdsl.utils.lexer import Input
from xdsl.utils.mlir_lexer import MLIRLexer, MLIRTokenKind

from dsv4_passes import source_names as spelling
from dsv4_passes.diagnostics import UserError, collect, location_text
from dsv4_passes.formats.pto.reader import parse_file, parse_text, verify_module
from dsv4_passes.formats.pto.writer import SpelledPrinter
from dsv4_passes.formats.pypto import parse_program
from dsv4_passes.formats.pypto.target import program_text
from dsv4_passes.xdsl_extras.dominance import undominated_uses
from dsv4_passes.xdsl_extras.lexer import QuickLexer
from tests.unit.kernels import DATA


def printed(module: ModuleOp) -> str:
    output = StringIO()
    SpelledPrinter(output).print_op(module)
    return output.getvalue()


def error_of(text: str) -> str:
    with pytest.raises(UserError) as caught:
        verify_module(parse_text(text, "k.pto"))
    return str(caught.value)


def test_every_operation_has_the_place_of_its_first_token():
    module = parse_text(
        "func.func @f(%c: i1) {\n  scf.if %c {\n    %a = arith.constant 1 : i32\n"
        '  "test.op"() : () -> ()\n  }\n  func.return }',
        "k.pto",
    )
    places = {op.name: location_text(op.location) for op in module.walk()}
    assert places == {
        "builtin.module": "k.pto:1:1",
        "func.func": "k.pto:1:1",
        "scf.if": "k.pto:2:3",
        "arith.constant": "k.pto:3:5",
        "test.op": "k.pto:4:3",
        "scf.yield": "k.pto:2:3",
        "func.return": "k.pto:6:3",
    }


def test_an_explicit_location_is_kept_and_its_place_too():
    module = parse_text('%a = arith.constant 1 : i32 loc("model.py":7:1)', "k.pto")
    op = module.body.block.first_op
    assert op is not None
    assert str(op.location) == 'loc("model.py":7:1)'
    assert location_text(op.location) == "k.pto:1:1"


def test_operations_that_share_a_location_have_their_own_places():
    text = "#l = loc(unknown)\n%a = arith.constant 1 : i32 loc(#l)\n%b = arith.constant 1 : i32 loc(#l)\n"
    module = parse_text(text, "k.pto")
    assert [location_text(op.location) for op in module.body.block.ops] == ["k.pto:2:1", "k.pto:3:1"]
    assert printed(module).count(" loc(unknown)") == 2


def test_names_survive_a_clone_where_they_are_carried():
    module = parse_text("%27 = arith.constant 1 : i32\n%x_1 = arith.addi %27, %27 : i32", "k.pto")
    copied = {}
    clone = module.clone(copied)
    assert "%0 = arith.constant" in printed(clone)
    spelling.carry_names(copied)
    assert printed(clone) == printed(module)


def test_a_new_value_never_takes_a_name_of_the_input():
    names = ("0", "x", "x_1")
    module = parse_text("".join(f"%{name} = arith.constant 1 : i32\n" for name in names))
    block = module.body.block
    first = block.first_op
    assert first is not None
    for hint in (None, "x"):
        copy = first.clone()
        copy.results[0].name_hint = hint
        block.insert_op_before(copy, first)
    names = [line.split(" = ")[0].strip() for line in printed(module).splitlines()[1:-1]]
    assert names == ["%1", "%x_2", "%0", "%x", "%x_1"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("%a = arith.addi %b, %b : i32", "k.pto:1:17: error: use of undeclared SSA value %b"),
        ("func.func @f() {\n  func.return\n", "k.pto:3:1: error: "),
        ("%a = arith.constant 1 : i32\n%a = arith.constant 2 : i32", "k.pto:2:1: error: SSA value %a is"),
        ("%a = arith.constant 0x1FFFFFFFFF : f32", "k.pto:1:39: error: "),
        ("%a = arith.constant 1 : i32\n%b = arith.addi %a, %a : i64", "k.pto:2:17: error: operand is used"),
        ('"nope"() : () -> ()', "k.pto:1:2: error: unknown operation 'nope'"),
        ("%a = arith.constant 1 : i32\nretrn", "k.pto:2:1: error: unknown operation 'retrn'"),
        ("%a = nope.op", "k.pto:1:6: error: cannot tell the types of the 1 results"),
        ("%a = arith.constant 1 : !nope.type", "k.pto:1:"),
        ("module {\n  module {\n", "k.pto:3:1: error: "),
        ('"pto.tadd"() : () -> ()', "k.pto:1:1: error: 'pto.tadd' op "),
        ('"pto.alloc_tile"() : () -> i32', "k.pto:1:1: error: 'pto.alloc_tile' op "),
        ("²", "k.pto:1:1: error: "),
        (
            "%a = arith.constant 1 : i32\nscf.for %i = %a to %a step %b : i32 {\n"
            "%b = arith.constant 1 : i32\n}",
            "k.pto:2:1: error: 'scf.for' op operand #2 does not dominate this use",
        ),
        ("func.func @f() { ^a: cf.br ^b }", "k.pto:1:"),
    ],
)
def test_an_error_is_one_line_with_its_place(text: str, expected: str):
    message = error_of(text)
    assert message.startswith(expected)
    assert "\n" not in message


def test_unknown_operations_are_kept_with_a_remark_each():
    text = """builtin.module {
  %a = arith.constant 1 : i32
  %b = new.op %a {mode = #some<thing 3>} : i32 -> i32
  "new.generic"(%b) {x = 1 : i32} : (i32) -> ()
  new.region(%i = %b) {
    %i_1 = arith.addi %i, %i : i32
  }
}"""
    with collect() as diagnostics:
        module = parse_text(text, "k.pto")
    verify_module(module)
    assert printed(module) == text
    assert [str(entry) for entry in diagnostics.entries] == [
        f"k.pto:{line}:3: remark: operation 'new.{name}' is not known here and is kept as it stands"
        for line, name in ((3, "op"), (4, "generic"), (5, "region"))
    ]


def test_deep_nesting_is_an_error_and_not_a_crash():
    depth = 3000
    text = "module {\n" * depth + "}\n" * depth
    assert error_of(text).endswith("error: nested too deeply")


def test_an_unclosed_string_takes_no_time():
    assert "closing string literal" in error_of('"test.op"() {a = "' + "a, " * 20000)


def test_files_that_cannot_be_read(tmp_path: Path):
    with pytest.raises(UserError, match=r"missing.pto: error: No such file"):
        parse_file(tmp_path / "missing.pto")
    with pytest.raises(UserError, match=r"error: Is a directory"):
        parse_file(tmp_path)
    bad = tmp_path / "bad.pto"
    bad.write_bytes(b"module {\n  \xff\n}")
    with pytest.raises(UserError, match=r"bad.pto:2:3: error: not UTF-8 text: byte 0xff"):
        parse_file(bad)


def test_an_empty_text_is_an_empty_module():
    assert not parse_text("// nothing\n").body.block.ops


DOMINANCE = """
func.func @f(%c: i1, %lo: index) {
  %one = arith.constant 1 : index
  scf.for %i = %lo to %one step %one {
    %inside = arith.addi %i, %one : index
    scf.yield
  }
  cf.cond_br %c, ^left, ^right
^left:
  %left = arith.constant 2 : index
  %nested = scf.if %c -> (index) {
    scf.yield %left : index
  } else {
    scf.yield %one : index
  }
  cf.br ^join
^right:
  cf.br ^join
^join:
  %end = arith.addi %one, %one : index
  func.return
}
"""


def test_dominance_follows_nesting_and_branches():
    module = parse_text(DOMINANCE)
    verify_module(module)
    ops = {op.results[0].name_hint: op for op in module.walk() if op.results}
    function = next(op for op in module.walk() if isinstance(op, FuncOp))
    # Operand by operand: what another loop, branch or block defines is not seen from the last block.
    for name, seen in (("one", True), ("inside", False), ("left", False), ("nested", False), ("end", False)):
        ops["end"].operands[0] = ops[name].results[0]
        assert (not list(undominated_uses(function))) is seen, name
    ops["end"].operands[0] = ops["one"].results[0]
    ops["one"].detach()
    function.body.blocks[-1].insert_op_before(ops["one"], ops["end"])
    assert {(op.name, index) for op, index in undominated_uses(function)} == {
        ("scf.for", 1),
        ("scf.for", 2),
        ("arith.addi", 1),
        ("scf.yield", 0),
    }


def test_strings_may_have_letters_beyond_ascii() -> None:
    text = printed(parse_text('module attributes {a = "\\C3\\A9", b = "é", c = "\\FF"} {}'))
    assert text == 'builtin.module attributes {a = "\\C3\\A9", b = "\\C3\\A9", c = "\\FF"} {\n}'
    module = parse_text(text)
    assert isinstance(module.attributes["a"], StringAttr)
    assert module.attributes["a"] == module.attributes["b"] == StringAttr("é")
    source = (DATA / "programs" / "inplace.py").read_text().replace("import pypto", "# 旋转\nimport pypto", 1)
    assert program_text(parse_text(printed(parse_program(source, "p.py")))) == source


def test_tokens_are_those_of_xdsl():
    """The quick way through the frequent tokens ends where xDSL's lexer does."""
    random = Random(1)
    alphabet = "ab_$.%!^#@-+*/?|{}()[]<>:=, \n\t012\u00e9//%a"

    def tokens(lexer: MLIRLexer) -> list[tuple[object, int, int]]:
        found: list[tuple[object, int, int]] = []
        while True:
            try:
                token = lexer.lex()
            except ParseError as error:
                return [*found, (error.msg, error.span.start, error.span.end)]
            found.append((token.kind, token.span.start, token.span.end))
            if token.kind is MLIRTokenKind.EOF:
                return found

    texts = ["".join(random.choices(alphabet, k=random.randrange(12))) for _ in range(5000)]
    for text in [*texts, (DATA / "mixed" / "unrotate.pto").read_text()]:
        source = Input(text, "test.pto")
        assert tokens(QuickLexer(source)) == tokens(MLIRLexer(source)), text
