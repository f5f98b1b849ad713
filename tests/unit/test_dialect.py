"""The classes of the `pto` dialect: effects, names of operands, what raise and lower rely on."""

from io import StringIO

import pytest
from xdsl.context import Context
from xdsl.dialects.arith import Arith
from xdsl.dialects.builtin import Builtin, ModuleOp
from xdsl.dialects.func import Func
from xdsl.ir import Operation
from xdsl.parser import Parser
from xdsl.passes import ModulePass
from xdsl.printer import Printer
from xdsl.transforms.canonicalize import CanonicalizePass
from xdsl.transforms.common_subexpression_elimination import CommonSubexpressionElimination
from xdsl.transforms.dead_code_elimination import DeadCodeElimination

from dialects.pto import PTO
from dialects.pto.allocation import AllocTileOp
from dialects.pto.attributes import QuantTypeAttr
from dialects.pto.base import OrderedOp, TileOp
from dialects.pto.quantize import TQuantOp
from dialects.pto.scalars import TGetValOp
from dialects.pto.types import TileBufType, parse_layout

BUFFER = TileBufType(parse_layout("vec, 8x64xf32"))
TILE_OPS = [op for op in PTO.operations if issubclass(op, TileOp)]


def context() -> Context:
    ctx = Context()
    for dialect in (Builtin, Arith, Func, PTO):
        ctx.load_dialect(dialect)
    return ctx


def parse(text: str) -> ModuleOp:
    return Parser(context(), text).parse_module()


def show(op: Operation) -> str:
    stream = StringIO()
    Printer(stream).print_op(op)
    return stream.getvalue()


def in_buffer_form(cls: type[TileOp]) -> tuple[Operation, TileOp]:
    """Something that makes a buffer, and the operation with that buffer everywhere, unverified."""
    maker = AllocTileOp(BUFFER)
    buffer = maker.results[0]
    if cls is TGetValOp:
        return maker, TGetValOp(buffer, buffer)
    reads = [name for name in cls.OPERANDS.split() if name != "old?"]
    writes = max(1, len(cls.DESTINATIONS.split()))
    properties = {"quant_type": QuantTypeAttr("INT8_SYM")} if cls is TQuantOp else None
    return maker, cls([buffer] * len(reads), outs=[buffer] * writes, properties=properties)


@pytest.mark.parametrize("cls", TILE_OPS, ids=lambda cls: cls.name)
@pytest.mark.parametrize("passes", [DeadCodeElimination(), CanonicalizePass()], ids=lambda p: p.name)
def test_no_tile_operation_is_erased(cls: type[TileOp], passes: ModulePass):
    maker, op = in_buffer_form(cls)
    module = ModuleOp([maker, op])
    passes.apply(context(), module)
    kept = [found.name for found in module.walk() if isinstance(found, TileOp)]
    # Reading a lane into a scalar writes nothing, so it may go when nobody wants the scalar.
    assert kept == ([] if cls is TGetValOp else [cls.name])


def test_ordered_operations_are_kept_in_order():
    text = """
    func.func @f(%t: !pto.tile_buf<vec, 8x64xf32>, %v: !pto.partition_tensor_view<1x1xi32>, %n: i32) {
      pto.barrier <PIPE_ALL>
      pto.barrier <PIPE_ALL>
      pto.comm.twait(%v, %n : !pto.partition_tensor_view<1x1xi32>, i32) {cmp = #pto<wait_cmp ge>}
      pto.tpush_to_aic(%t : !pto.tile_buf<vec, 8x64xf32>) {split = 0}
      %unused = pto.tpop_from_aic {split = 0} -> !pto.tile_buf<vec, 8x64xf32>
      %unused2 = pto.tpop_from_aic {split = 0} -> !pto.tile_buf<vec, 8x64xf32>
      pto.tfree_from_aic {split = 0}
      pto.tfree_from_aic {split = 0}
      pto.tprint ins(%t : !pto.tile_buf<vec, 8x64xf32>)
      func.return
    }"""
    module = parse(text)
    before = show(module)
    for module_pass in (DeadCodeElimination(), CommonSubexpressionElimination(), CanonicalizePass()):
        module_pass.apply(context(), module)
    assert show(module) == before
    ordered = [op for op in module.walk() if op.name.startswith("pto.")]
    assert all(isinstance(op, OrderedOp) for op in ordered)


def test_values_have_no_effect():
    module = parse("""
    func.func @f(%t: !pto.tile<vec, 8x64xf32>) {
      %unused = pto.tadd ins(%t, %t : !pto.tile<vec, 8x64xf32>, !pto.tile<vec, 8x64xf32>)
        -> !pto.tile<vec, 8x64xf32>
      func.return
    }""")
    DeadCodeElimination().apply(context(), module)
    assert "tadd" not in show(module)


def operation(text: str) -> TileOp:
    """The only tile operation of a function whose arguments are its operands."""
    aliases = "!b = !pto.tile_buf<vec, 8x64xf32>\n!t = !pto.tile<vec, 8x64xf32>\n"
    aliases += "!q = !pto.tile_buf<vec, 8x64xui8>\n!s = !pto.tile_buf<scaling, 1x64xui64>\n"
    aliases += "!acc = !pto.tile_buf<acc, 16x64xf32, blayout=col_major, slayout=row_major, fractal=1024>\n"
    aliases += "!mat = !pto.tile_buf<mat, 16x64xbf16, blayout=col_major, slayout=row_major>\n"
    arguments = "%b: !b, %c: !b, %d: !b, %t: !t, %u: !t, %q: !q, %s: !s, %acc: !acc, %m: !mat, %i: index"
    arguments += ", %x: f32, %n: i64, %k: i32, %v: vector<4xi16>"
    module = parse(f"{aliases}func.func @f({arguments}) {{\n{text}\nfunc.return\n}}")
    (op,) = (op for op in module.walk() if isinstance(op, TileOp))
    return op


@pytest.mark.parametrize(
    ("text", "names", "scratch"),
    [
        ("pto.trowexpandmul ins(%b, %c, %d : !b, !b, !b) outs(%b : !b)", "src col tmp", ["d"]),
        ("pto.trowexpandmul ins(%b, %c : !b, !b) outs(%b : !b)", "src col", []),
        ("pto.tsels ins(%q, %b, %x : !q, !b, f32) outs(%b : !b)", "mask src scalar", []),
        ("pto.tsels ins(%q, %b, %c, %x : !q, !b, !b, f32) outs(%b : !b)", "mask src tmp scalar", ["c"]),
        ("pto.tgather ins(%b, %x, %q : !b, f32, !q) outs(%b, %c : !b, !b)", "src k tmp", ["q"]),
        (
            "pto.tquant ins(%b, %c : !b, !b) outs(%q, %d : !q, !b) {quant_type = #pto<quant_type INT8_SYM>}",
            "src fp tmp",
            ["d"],
        ),
        (
            "pto.tquant ins(%b, %c, %d : !b, !b, !b) outs(%q : !q) {quant_type = #pto<quant_type INT8_ASYM>}",
            "src fp offset",
            [],
        ),
        ("pto.tmov ins(%acc : !acc, %n : i64) outs(%m : !mat)", "src pre_quant", []),
        ("pto.tmov ins(%acc : !acc, %s : !s) outs(%m : !mat)", "src fp", []),
        (
            "pto.tinsert ins(%acc, %i, %i : !acc, index, index fp %s : !s) outs(%m : !mat)",
            "src row col fp",
            [],
        ),
        ("pto.tsetval ins(%i, %x : index, f32) outs(%b : !b)", "offset value", []),
        ("%r = pto.tsetval ins(%i, %x, %t : index, f32, !t) -> !t", "offset value old", []),
        ("pto.tmrgsort ins(%b, %k : !b, i32) outs(%c : !b)", "src block_len", []),
        (
            "pto.tmrgsort ins(%b, %c, %d {exhausted = false} : !b, !b, !b) outs(%b, %v : !b, vector<4xi16>)",
            "src0 src1 tmp",
            ["d"],
        ),
        (
            "pto.tmrgsort ins(%b, %c, %d no_tmp : !b, !b, !b) outs(%b, %v : !b, vector<4xi16>)",
            "src0 src1 src2",
            [],
        ),
    ],
)
def test_operands_have_names(text: str, names: str, scratch: list[str]):
    op = operation(text)
    assert list(op.operand_names()) == names.split()
    assert [value.name_hint for value in op.scratch_operands()] == scratch
    assert len(op.inputs()) == len(op.ins) - len(scratch)


@pytest.mark.parametrize("cls", TILE_OPS, ids=lambda cls: cls.name)
def test_class_data_is_consistent(cls: type[TileOp]):
    names = [name.removesuffix("?") for name in cls.OPERANDS.split()]
    assert len(set(names)) == len(names)
    tied = cls.TIED
    assert tied is None or tied in names
    assert cls.reads_destination() == ("old" in names)
    if cls.reads_destination():
        assert tied == "old"
    forms = {"src", "block_len"} if cls.name == "pto.tmrgsort" else set[str]()
    assert set(cls.NOT_IN_PLACE) <= {*names, *forms}
    assert set(cls.CLAUSES) <= set(names)
    assert cls.__doc__


def test_destinations_in_both_forms():
    buffer = operation("pto.tadd ins(%b, %c : !b, !b) outs(%d : !b)")
    value = operation("%r = pto.tadd ins(%t, %u : !t, !t) -> !t")
    assert (buffer.is_value_form, value.is_value_form) == (False, True)
    assert [v.name_hint for v in buffer.destinations()] == ["d"]
    assert [v.name_hint for v in value.destinations()] == ["r"]
    scalar = operation("%r = pto.tgetval ins(%t, %i : !t, index) outs : f32")
    assert scalar.is_value_form
    assert scalar.destinations() == []
