"""What pypto's language has beyond what is read: the function around it stays text."""

import re

import pytest

from dialects.dsv4.attributes import LoopAttr
from dialects.dsv4.functions import KERNEL, program_functions
from dialects.dsv4.launch import KeptOp
from dialects.dsv4.opaque import SourceOp
from dsv4_passes.cli.program_folder import program_files
from dsv4_passes.diagnostics import UserError, collect
from dsv4_passes.formats.pypto import parse_program
from dsv4_passes.formats.pypto.target import program_text
from dsv4_passes.transforms.program.drop_dead_args import drop_all
from tests.unit.kernels import DATA

ATTRS = (DATA / "programs/loop_attrs.py").read_text(encoding="utf-8")
TEXT = (DATA / "programs/wrapper_returns_parameter.py").read_text(encoding="utf-8")
LOAD = "        x__tile: pl.Tile[[16, 64]"
MAIN, PARAMETERS = "type=pl.FunctionType.Orchestration", "def main(self, "
LAUNCH = "        y__ssa_v1: pl.Tensor[[64, 64], pl.FP32] = self.twice_spmd(x__ssa_v0, y__ssa_v0)\n"


def test_options_of_a_loop_stay_with_it() -> None:
    module = parse_program(ATTRS)
    loops = [op.attributes["dsv4.loop"] for op in module.walk() if "dsv4.loop" in op.attributes]
    assert [loop.data.options for loop in loops if isinstance(loop, LoopAttr)] == [
        '{"loop_origin": pl.LoopOrigin.ChunkInner}'
    ]
    assert program_text(module) == ATTRS
    header = 'pl.parallel(4, init_values=(y__ssa_v0,), attrs={"loop_origin": pl.LoopOrigin.ChunkInner})'
    assert header in program_text(module, verbatim=False)


def test_a_plain_loop_may_have_options() -> None:
    text = ATTRS.replace("pl.parallel(", "pl.range(").replace("pl.LoopOrigin.ChunkInner", "3")
    printed = program_text(parse_program(text), verbatim=False)
    assert 'pl.range(4, init_values=(y__ssa_v0,), attrs={"loop_origin": 3})' in printed


def test_options_that_name_values_are_an_error() -> None:
    with pytest.raises(UserError, match="expected a dictionary of constants"):
        parse_program(ATTRS.replace("pl.LoopOrigin.ChunkInner", "x__ssa_v0"))


@pytest.mark.parametrize(
    "lines",
    [
        "while k < 4:\n            pass\n",
        "for (k,) in pl.while_(init_values=(0,)):\n            k2 = pl.yield_(k + 1)\n",
        "with pl.auto_scope():\n            pass\n",
        "k: pl.Scalar[pl.INDEX] = 2 ** i__ssa_v0\n",
        "k: pl.Scalar[pl.INDEX] = abs(i__ssa_v0)\n",
        "k: pl.Scalar[pl.INDEX] = ~i__ssa_v0\n",
        "pld.tile.put(x__ssa_v0, y__ssa_v0)\n",
        "k: pl.Scalar[pl.INDEX] = i__ssa_v0 << 2\n",
    ],
)
def test_a_kernel_with_unread_statements_stays_text_and_so_do_its_callers(lines: str) -> None:
    text = TEXT.replace(LOAD, f"        {lines}{LOAD}")
    with collect() as said:
        module = parse_program(text)
    assert [op.sym_name.data for op in module.ops if isinstance(op, KeptOp)] == [
        "twice",
        "twice_spmd",
        "main",
    ]
    assert "'twice' is kept as text: " in said.entries[0].message
    assert "(line " in said.entries[0].message
    assert program_text(module) == text == program_text(module, verbatim=False)
    with pytest.raises(UserError, match="function 'twice' is only known as text"):
        program_files(module)


@pytest.mark.parametrize(
    "line",
    [
        "ret = pl.submit(self.twice, x__ssa_v0, y__ssa_v0, deps=[])\n",
        "ret = pl.spmd_submit(self.twice, x__ssa_v0, y__ssa_v0, core_num=4)\n",
        "with pl.manual_scope():\n            self.twice_spmd(x__ssa_v0, y__ssa_v0)\n",
        'y__ssa_v1 = self.twice_spmd(x__ssa_v0, y__ssa_v0, attrs={"arg_directions": [pl.adir.input]})\n',
        "y__ssa_v1 = self.twice_spmd(x__ssa_v0, y__ssa_v0, device=0)\n",
        "y__ssa_v1 = self.twice_spmd(x__ssa_v0, y__ssa_v0, dumps=[x__ssa_v0])\n",
        "both = (x__ssa_v0, y__ssa_v0)\n        self.twice_spmd(x__ssa_v0, y__ssa_v0)\n",
        'for i in pl.range(0, 8, 1, chunk=4, chunk_policy="guarded"):\n'
        "            self.twice_spmd(x__ssa_v0, y__ssa_v0)\n",
    ],
)
def test_an_orchestration_stays_text_alone_and_what_it_calls_keeps_its_parameters(line: str) -> None:
    before = "def twice(x__ssa_v0: pl.Tensor[[64, 64], pl.FP32], "
    text = TEXT.replace(LAUNCH, f"        {line}").replace(before, f"{before}dead: pl.Scalar[pl.INDEX], ")
    text = text.replace("self.twice(x__ssa_v0, ", "self.twice(x__ssa_v0, dead, ")
    text = text.replace("def twice_spmd(self, ", "def twice_spmd(self, dead: pl.Scalar[pl.INDEX], ")
    module = parse_program(text)
    assert [op.sym_name.data for op in module.ops if isinstance(op, KeptOp)] == ["main"]
    assert [f.sym_name.data for f in program_functions(module, KERNEL)] == ["twice"]
    assert drop_all(module) == 0
    assert program_text(module) == text


@pytest.mark.parametrize(
    ("old", "new", "lifts"),
    [
        (LAUNCH, "        r = pl.submit(self.twice, x__ssa_v0, y__ssa_v0)\n", "plain calls are read"),
        (LAUNCH, f"        with pl.scope():\n    {LAUNCH}", "without it the same statements are read"),
        (f"{MAIN}, level=pl.Level.CHIP", "level=pl.Level.HOST", "are rewritten alone"),
        (PARAMETERS, f"{PARAMETERS}w: pld.DistributedTensor[[8], pl.FP32], ", "other chips write to"),
        (
            PARAMETERS,
            f"{PARAMETERS}w: pl.Tensor[[n__ssa_v0, 8], pl.FP32], ",
            "with 'n__ssa_v0 = pl.dynamic(\"n__ssa_v0\")' above the class it is read",
        ),
        ("FunctionType.InCore", "FunctionType.AIV", "the text in front of that pass is read"),
    ],
)
def test_what_would_be_read_instead_is_said(old: str, new: str, lifts: str) -> None:
    assert old in TEXT
    with collect() as said:
        parse_program(TEXT.replace(old, new))
    assert any("is kept as text: " in entry.message and lifts in entry.message for entry in said.entries)


@pytest.mark.parametrize("kind", ["Opaque", "AIC", "AIV", "Group", "Inline", "Graph"])
def test_functions_of_other_kinds_stay_text(kind: str) -> None:
    text = TEXT.replace("type=pl.FunctionType.InCore", f"type=pl.FunctionType.{kind}")
    module = parse_program(text)
    assert program_text(module) == text
    assert not program_functions(module, KERNEL)


@pytest.mark.parametrize(
    "type_",
    [
        "pl.Array[4, pl.INT32]",
        "pl.Tensor[[8, 8], pl.FP4]",
        "pl.Tensor[[n__ssa_v0, 8], pl.FP32]",
        "pld.DistributedTensor[[8], pl.FP32]",
        "pl.Ptr",
    ],
)
def test_parameters_of_other_types_keep_the_function_as_text(type_: str) -> None:
    text = TEXT.replace("def main(self, ", f"def main(self, more: {type_}, ")
    assert program_text(parse_program(text)) == text


def test_conditions_are_read_and_written() -> None:
    line = "        if i__ssa_v0 < 2 and not (i__ssa_v0 == 1 or i__ssa_v0 % 3 == 2):\n            pass\n"
    text = TEXT.replace(LOAD, line + LOAD)
    module = parse_program(text)
    assert program_text(module) == text
    printed = program_text(module, verbatim=False)
    assert "if (i__ssa_v0 < 2) and (not ((i__ssa_v0 == 1) or (i__ssa_v0 % 3 == 2))):" in printed
    assert program_text(parse_program(printed), verbatim=False) == printed
    mask = TEXT.replace(LOAD, f"        k__ssa_v0: pl.Scalar[pl.INDEX] = (i__ssa_v0 + 1) & 2\n{LOAD}")
    assert "k__ssa_v0: pl.Scalar[pl.INDEX] = i__ssa_v0 + 1 & 2" in program_text(
        parse_program(mask), verbatim=False
    )


# -- several names at once -----------------------------------------------------------------------------

ADD = "pl.tile.add(x__tile, x__tile)"


@pytest.mark.parametrize(
    ("line", "used"),
    [
        ("a__tile, b__tile = pl.tile.deinterleave(x__tile, x__tile)", "pl.tile.add(a__tile, b__tile)"),
        ("a__tile, b__tile, c__tile = pl.tile.parts(x__tile, count=3)", "pl.tile.sub(c__tile, x__tile)"),
        ("a__tile = pl.tile.mystery(x__tile)", "pl.tile.mul(a__tile, a__tile)"),
        ("a__tile, b__tile = pl.tile.deinterleave(x__tile, x__tile)", ADD),
    ],
)
def test_unknown_results_without_types_stay_with_their_names(line: str, used: str) -> None:
    text = TEXT.replace(LOAD, f"{LOAD}", 1).replace(ADD, used)
    text = text.replace("        d__tile:", f"        {line}\n        d__tile:")
    with collect() as said:
        module = parse_program(text)
    assert not any(isinstance(op, KeptOp) for op in module.ops)
    assert "'pl.tile.deinterleave' is kept as text" in said.entries[0].message or "deint" not in line
    assert program_text(module) == text
    again = program_text(module, verbatim=False)
    assert f"        {line}\n" in again
    assert f" = {used}\n" in again
    assert program_text(parse_program(again), verbatim=False) == again


def test_as_many_names_as_values() -> None:
    text = TEXT.replace("        d__tile:", f"        a__tile, b__tile = {ADD}\n        d__tile:")
    with pytest.raises(UserError, match="expected 2 values, found 1"):
        parse_program(text)


@pytest.mark.parametrize("call", ["self.own_spmd(x__ssa_v0, unused", "self.both(in__ssa_v0, unused"])
def test_orchestrations_and_wrappers_take_the_parts_of_a_call(call: str) -> None:
    named = (DATA / "programs/wrappers.py").read_text(encoding="utf-8")
    parts = r"\n +(\w+): [^\n]*\[0\]\n +(\w+): [^\n]*\[1\]\n"
    pattern = rf"        ret__tmp_v0: [^\n]* = ({re.escape(call)}[^\n]*){parts}"
    unpacked, count = re.subn(pattern, r"        \2, \3 = \1\n", named)
    assert count == 1
    module = parse_program(unpacked)
    assert program_text(module) == unpacked
    found, expected = (
        [str(op) for op in each.ops if not isinstance(op, SourceOp)]
        for each in (module, parse_program(named))
    )
    assert found == expected


def test_unknown_parts_in_an_orchestration_keep_it_as_text() -> None:
    line = "        a, b = pl.tensor.parts(x__ssa_v0)\n"
    module = parse_program(TEXT.replace(LAUNCH, line + LAUNCH))
    assert [op.sym_name.data for op in module.ops if isinstance(op, KeptOp)] == ["main"]
    assert line in program_text(module, verbatim=False)
