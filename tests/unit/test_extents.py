"""Extents of 0 and extents beyond what they are of; whatever else cannot be run is an error with a place."""

import json
import re

import numpy as np
import pytest
from xdsl.context import Context

from dsv4_passes.cli.common import explain
from dsv4_passes.cli.program_folder import program_files
from dsv4_passes.diagnostics import PassFailure, UserError, collect
from dsv4_passes.formats.pto.reader import parse_text
from dsv4_passes.formats.pypto import parse_program
from dsv4_passes.formats.pypto.target import program_text
from dsv4_passes.interpreter.numpy_domain import NumpyDomain
from dsv4_passes.interpreter.program import run_program
from dsv4_passes.transforms.raising.raise_tiles import PtoRaisePass
from tests.unit.kernels import DATA, kernel, run
from tests.unit.test_raise_lower import same_in_every_form

# -- extents ----------------------------------------------------------------------------------------------

COLUMN = "16x1xf32, valid=?x?, blayout=col_major"


@pytest.mark.parametrize("extent", ["valid_row = %c0 valid_col = %c1", "valid_row = %c16 valid_col = %c0"])
def test_an_operand_of_which_nothing_is_valid_may_be_read(extent: str) -> None:
    """The destination says which lanes an operation looks at."""
    same_in_every_form(
        kernel(
            f"""
%a0 = arith.constant 0 : i64
%a1 = arith.constant 1024 : i64
%a2 = arith.constant 2048 : i64
%x = pto.alloc_tile addr = %a0 : B<16x16xf32>
%x : B<16x16xf32> := load x
%row = pto.alloc_tile addr = %a1 : B<1x16xf32>
%row : B<1x16xf32> := load r
%col = pto.alloc_tile addr = %a1 {extent} : B<{COLUMN}>
%sum = pto.alloc_tile addr = %a2 : B<16x16xf32>
pto.trowexpandadd ins(%x, %col : B<16x16xf32>, B<{COLUMN}>) outs(%sum : B<16x16xf32>)
store %sum : B<16x16xf32> to y""",
            x="16x16xf32",
            r="1x16xf32",
            y="16x16xf32",
        ),
        x=np.arange(256, dtype=np.float32).reshape(16, 16),
        r=np.arange(16, dtype=np.float32)[None] * 1000,
    )


BEYOND = "16x16xf32, valid=?x?"


@pytest.mark.parametrize(
    ("tile", "found"),
    [
        (f"%t = pto.alloc_tile addr = %a0 valid_row = %c17 valid_col = %c16 : B<{BEYOND}>", "rows, found 17"),
        (
            f"%t = pto.alloc_tile addr = %a0 valid_row = %c16 valid_col = %m : B<{BEYOND}>",
            "columns, found -1",
        ),
        (
            f"%t = pto.alloc_tile addr = %a0 valid_row = %c16 valid_col = %c16 : B<{BEYOND}>\n"
            f"pto.set_validshape %t, %c16, %c40 : B<{BEYOND}>",
            "columns, found 40",
        ),
        (
            "%w = pto.alloc_tile addr = %a0 : B<16x16xf32>\n%t = pto.subview %w[%c0, %c0] sizes [8, 8] "
            "valid [%c9, %c8] : B<16x16xf32> -> B<8x8xf32, valid=?x?>",
            "between 0 and 8 valid rows, found 9",
        ),
    ],
)
def test_an_extent_beyond_its_tile_is_an_error_with_a_place(tile: str, found: str) -> None:
    source = kernel(
        f"%a0 = arith.constant 0 : i64\n%m = arith.constant -1 : index\n{tile}\n"
        "%u = pto.alloc_tile addr = %a0 : B<16x16xf32>\n%u : B<16x16xf32> := load x\n"
        "store %u : B<16x16xf32> to y",
        x="16x16xf32",
        y="16x16xf32",
    )
    with pytest.raises(UserError, match=found) as problem:
        run(source, x=np.zeros((16, 16), np.float32))
    assert str(problem.value).startswith("test.pto:")
    module = parse_text(source, "test.pto")
    with collect() as said:
        PtoRaisePass().apply(Context(), module)
    (entry,) = said.entries
    assert found in entry.message
    assert "stays in buffer form" in entry.message


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ("[%c16, %c0]", "pto.tload moves 16x16 lanes, but its view has 16x0 elements"),
        ("[%c0, %c0]", "pto.tload moves 16x16 lanes, but its view has 0x0 elements"),
        ("[%m, %c16]", "pto.partition_view expects extents of 0 or more, found -1"),
    ],
)
def test_a_part_of_no_elements_is_an_error_with_a_place(sizes: str, message: str) -> None:
    whole = "!pto.tensor_view<?x?xf32>"
    source = kernel(
        f"""%m = arith.constant -1 : index
%p = pto.partition_view %x_view, offsets = [%c0, %c0], sizes = {sizes} : {whole}
  -> !pto.partition_tensor_view<16x16xf32>
%t = pto.tload ins(%p : !pto.partition_tensor_view<16x16xf32>) -> T<16x16xf32>
store %t to y""",
        x="16x16xf32",
        y="16x16xf32",
    )
    with pytest.raises(UserError, match=message) as problem:
        run(source, x=np.zeros((16, 16), np.float32))
    assert str(problem.value).startswith("test.pto:")


def test_a_view_that_is_pushed_is_an_error_with_a_place() -> None:
    source = kernel("pto.tpush_to_aiv(%x_view : !pto.tensor_view<?x?xf32>) {split = 0}", x="16x16xf32")
    with pytest.raises(UserError, match=r"tpush_to_aiv of !pto.tensor_view<\?x\?xf32>, no tile") as problem:
        run(source, x=np.zeros((16, 16), np.float32))
    assert str(problem.value).startswith("test.pto:")


def test_a_defect_has_a_place(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise KeyError("lost")

    monkeypatch.setattr(NumpyDomain, "unary", broken)
    source = kernel("%a = load x\n%b = pto.tneg ins(%a : T<16x16xf32>) -> T<16x16xf32>", x="16x16xf32")
    with pytest.raises(PassFailure) as problem:
        run(source, x=np.zeros((16, 16), np.float32))
    assert re.fullmatch(
        r"test.pto:\d+:\d+: internal error in pto.tneg: KeyError: 'lost' \(run .*\)", explain(problem.value)
    )


# -- tensors that loops of a program carry ------------------------------------------------------------------


@pytest.mark.parametrize(("one", "other"), [("0", "0"), ("1", "0"), ("1", "1")])
def test_a_loop_that_exchanges_tensors_it_writes_to_stays_text(one: str, other: str) -> None:
    """Kernels write in place: which tensor is written under a name depends on the trip."""
    source = (DATA / "programs" / "loops_in_place.py").read_text()
    for name, number in (("sums", one), ("rest", other)):
        source, count = re.subn(
            rf"({name}__ssa_v1: .* = ret__tmp_v0)\[\d\]", rf"\1[{number}]", source, count=1
        )
        assert count == 1
    with collect() as said:
        module = parse_program(source, "p.py")
        files = program_files(module)
    (reason,) = [e.message for e in said.entries if "is kept as text" in e.message]
    assert "exchanges it for another tensor is not read: carry every tensor under one name" in reason
    assert program_text(module) == source
    assert not json.loads(files["program.json"])["orchestration"]


TAKES_TURNS = """import pypto.language as pl

@pl.program
class p:
    @pl.function(type=pl.FunctionType.InCore, level=pl.Level.CHIP_DIE, role=pl.Role.SubWorker)
    def copy(o: pl.Out[pl.Tensor[[16, 32], pl.FP32]], x: pl.Tensor[[16, 32], pl.FP32]) -> pl.Tensor[[16, 32], pl.FP32]:
        t: pl.Tile[[16, 32], pl.FP32, pl.Mem.Vec] = pl.tile.load(x, [0, 0], [16, 32], [16, 32], target_memory=pl.Mem.Vec, transpose=False)
        o1: pl.Tensor[[16, 32], pl.FP32] = pl.tile.store(t, [0, 0], o)
        return o1
    @pl.function(type=pl.FunctionType.Orchestration, level=pl.Level.CHIP, role=pl.Role.Orchestrator)
    def main(self, a: pl.Tensor[[16, 32], pl.FP32], b: pl.Tensor[[16, 32], pl.FP32], c: pl.Tensor[[16, 32], pl.FP32], o: pl.Out[pl.Tensor[[16, 32], pl.FP32]]) -> pl.Tensor[[16, 32], pl.FP32]:
        for t, (p, q, r, u) in pl.range(TRIPS, init_values=(a, b, c, o)):
            u1: pl.Tensor[[16, 32], pl.FP32] = self.copy(u, p)
            p2, q2, r2, u2 = pl.yield_(q, r, p, u1)
        return u2
"""  # noqa: E501


@pytest.mark.parametrize("trips", [0, 1, 2, 5])
def test_tensors_that_are_only_read_may_take_turns(trips: int) -> None:
    """Three of them: the program runs, and has no steps for a folder."""
    with collect():
        module = parse_program(TAKES_TURNS.replace("TRIPS", str(trips)), "p.py")
        files = program_files(module)
    (orchestration,) = json.loads(files["program.json"])["orchestration"]
    assert "goes on with another tensor than it was given" in orchestration["not written"]
    inputs = {name: np.full((16, 32), i, np.float32) for i, name in enumerate("abco")}
    found = run_program(module, inputs)["o"]
    assert (found == ((trips - 1) % 3 if trips else 3)).all()
