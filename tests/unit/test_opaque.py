"""Unknown operations survive reading and printing, and nothing removes or reorders them."""

from io import StringIO
from typing import Any

import pytest
from xdsl.context import Context
from xdsl.dialects.arith import Arith
from xdsl.dialects.builtin import Builtin, ModuleOp
from xdsl.dialects.func import Func
from xdsl.dialects.scf import Scf
from xdsl.ir import Operation
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.transforms.canonicalize import CanonicalizePass
from xdsl.transforms.common_subexpression_elimination import CommonSubexpressionElimination
from xdsl.transforms.dead_code_elimination import DeadCodeElimination
from xdsl.utils.exceptions import ParseError

from dialects.pto import PTO
from dialects.pto.opaque import OpaqueOp, opaque_class


class OpaqueParser(Parser):
    """Takes every operation that the context does not know as an opaque one."""

    def _get_op_by_name(self, name: str) -> type[Operation]:
        known = self.ctx.get_optional_op(name, dialect_stack=self._parser_state.dialect_stack)
        return known or opaque_class(name)


def context() -> Context:
    ctx = Context()
    for dialect in (Builtin, Arith, Func, Scf, PTO):
        ctx.load_dialect(dialect)
    return ctx


def parse(text: str) -> ModuleOp:
    return OpaqueParser(context(), text).parse_module()


def show(module: ModuleOp) -> str:
    stream = StringIO()
    Printer(stream).print_op(module)
    return stream.getvalue()


def opaque(module: ModuleOp) -> list[OpaqueOp]:
    return [op for op in module.walk() if isinstance(op, OpaqueOp)]


def in_function(body: str) -> str:
    return f"func.func @f(%a: i32, %b: index, %p: !pto.ptr<f32>) {{\n{body}\n  func.return\n}}"


@pytest.mark.parametrize(
    ("text", "operands", "results"),
    [
        ("%0 = pto.tile_fold %a, %b : i32, index -> f32", 2, 1),
        ("%0 = other.make : i64", 0, 1),
        ("%0, %1 = other.pair %a : i32 -> (f32, i32)", 1, 2),
        ("%0:2 = other.pair %a : i32 -> (f32, i32)", 1, 2),
        ("%0 = pto.tile_fold %a : i32 -> !pto.tile_buf<vec, 8x16xf32, valid=?x?>", 1, 1),
        ("other.nothing", 0, 0),
        ('other.text "%a : not a value" %a // nor is %b', 1, 0),
        ("pto.tile_store ins(%a : i32)\n      outs(%p : !pto.ptr<f32>)\n      {k = 1 : i32}", 2, 0),
        ("other.list %a,\n  %b :\n  i32, index", 2, 0),
        ("pto.lanes <<<32, 1, 1>>> %a", 1, 0),
        ("other.map affine_map<(d0) -> (d0 + 1)> %b", 1, 0),
        ("other.loop %a {\n    %x = other.twice %a : i32\n    other.use %x : i32\n  }", 2, 0),
        ("other.call @other::@callee(%a) : (i32) -> ()", 1, 0),
    ],
)
def test_text_is_kept(text: str, operands: int, results: int):
    module = parse(in_function(text))
    (op,) = opaque(module)
    module.verify()
    assert (len(op.operands), len(op.results)) == (operands, results)
    # What results print as is the printer's choice, and it drops the hints that are numbers.
    behind = text.split("= ")[-1] if text.startswith("%0") else text
    expected = "\n".join(line.split("//")[0].rstrip() for line in behind.splitlines())
    printed = show(module)
    assert expected in "\n".join(line.split("//")[0].rstrip() for line in printed.splitlines())
    assert show(parse(printed)) == printed


def test_operands_follow_their_values():
    module = parse(in_function("%0 = arith.addi %a, %a : i32\n other.use %0, %a, %0 : i32, i32, i32"))
    (use,) = opaque(module)
    addition = use.operands[0].owner
    assert isinstance(addition, Operation)
    addition.results[0].replace_all_uses_with(addition.operands[0])
    assert "other.use %a, %a, %a : i32, i32, i32" in show(module)


def test_inner_values_give_way_to_outer_names():
    module = parse(in_function("%0 = arith.addi %a, %a : i32\n other.loop {\n %1 = other.one : i32\n }"))
    (loop,) = opaque(module)
    (addition,) = (op for op in module.walk() if op.name == "arith.addi")
    addition.results[0].name_hint = "x"
    loop.properties["pieces"] = OpaqueOp.make("other.loop", [" { %x = other.one : i32 }"], [], []).properties[
        "pieces"
    ]
    assert "{ %x_0 = other.one : i32 }" in show(module)


def test_results_are_used_by_others():
    module = parse(in_function("%0 = other.one : i32\n %1 = arith.addi %0, %a : i32\n other.use %1 : i32"))
    one, use = opaque(module)
    assert use.operands[0].owner.operands[0] is one.results[0]  # pyright: ignore


def test_aliases_are_spelled_out():
    module = parse("!t = i32\n" + in_function("%0 = other.one %b : index -> !t"))
    assert "other.one %b : index -> i32" in show(module)


def test_nothing_is_removed_or_merged():
    body = "%0 = other.one : i32\n %1 = other.one : i32\n other.two\n other.two"
    module = parse(in_function(body))
    passes: list[Any] = [DeadCodeElimination(), CommonSubexpressionElimination(), CanonicalizePass()]
    for module_pass in passes:
        module_pass.apply(context(), module)
    assert [op.name for op in opaque(module)] == ["other.one", "other.one", "other.two", "other.two"]


def test_region_on_one_line():
    module = parse(in_function("%c = arith.cmpi eq, %a, %a : i32\n scf.if %c { other.use %a : i32 }"))
    (op,) = opaque(module)
    assert op.pieces == [" ", " : i32"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("%0 = other.what %a", "cannot tell the types of the 1 results of unknown operation 'other.what'"),
        ("%0 = other.what %a, %b : i32, index", "found 2"),
        ("other.jump ^bb1", "cannot keep unknown operation 'other.jump', which branches to another block"),
        ("other.open (%a", "expected ')', found '}'"),
    ],
)
def test_refusals(text: str, message: str):
    with pytest.raises(ParseError) as error:
        parse(in_function(text))
    assert message in str(error.value)
