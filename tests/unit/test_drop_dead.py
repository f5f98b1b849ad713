"""Parameters and stores that nobody needs go, everywhere at once; the rest stays."""

import pytest
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp

from dialects.dsv4.functions import KERNEL, ORCHESTRATION, parameters, program_functions
from dialects.dsv4.launch import LaunchOp
from dialects.dsv4.tensors import CreateOp
from dialects.pto.memory import TStoreOp
from dsv4_passes.diagnostics import Diagnostic, collect
from dsv4_passes.formats.pto.reader import verify_module
from dsv4_passes.formats.pypto import parse_program
from dsv4_passes.formats.pypto.target import program_text
from dsv4_passes.transforms.program.drop_dead_args import DropDeadArgsPass, drop_all
from dsv4_passes.transforms.program.drop_dead_stores import DropDeadStoresPass, drop_dead_stores
from tests.unit.programs import Kernel, arrays, program, same_bits, text

TENSORS = {"x": "64x16xf32", "dead": "64x16xf32", "stage": "64x16xf32", "out": "64x16xf32"}
COPY = 'v = load(x, [b * 16, 0], "16x16xf32")\nw = neg(v, "16x16xf32")\nstore(w, [b * 16, 0], {})\n'


def kernel(name: str = "work", body: str = COPY.format("out"), writes: tuple[str, ...] = ("out",)) -> Kernel:
    return Kernel(name, 4, ["x", "dead"], writes, body)


def after_both(module: ModuleOp) -> list[Diagnostic]:
    """Drop stores, then parameters; the program computes the same, also when it is printed and read again."""
    before = module.clone()
    with collect() as said:
        DropDeadStoresPass().apply(Context(), module)
        DropDeadArgsPass().apply(Context(), module)
    verify_module(module)
    again = parse_program(program_text(module), "p.py")
    for other in (module, again):
        assert same_bits(before, other, arrays(TENSORS))
    return said.entries


def names(module: ModuleOp, kind: str) -> list[list[str]]:
    return [[p.name for p in parameters(f) if p.hidden is None] for f in program_functions(module, kind)]


# -- parameters -----------------------------------------------------------------------------------------


def test_a_parameter_goes_from_kernel_wrapper_and_calls() -> None:
    module = program([kernel()], TENSORS, ["out"])
    said = after_both(module)
    assert names(module, KERNEL) == [["out", "x"]]
    assert [e.message for e in said] == [
        "'work' no longer takes 'dead': nothing in it uses it",
        "'main' does not use 'dead', 'stage'; kept, as callers pass them (entry=true drops them)",
    ]
    printed = program_text(module)
    assert printed.count("dead") == 1
    assert "self.work(out, x)" in printed
    assert "self.work_spmd(out, x)" in printed


def test_all_calls_of_a_kernel_change() -> None:
    source = text([kernel()], TENSORS, ["out"])
    call = "        out__v0: pl.Tensor[[64, 16], pl.FP32] = self.work_spmd(out, x, dead)\n"
    assert call in source
    source = source.replace(call, call + call.replace("out__v0", "out__v1").replace("(out,", "(out__v0,"))
    module = parse_program(source.replace("return out__v0", "return out__v1"), "p.py")
    after_both(module)
    launches = [op for op in module.walk() if isinstance(op, LaunchOp)]
    assert [len(op.args) for op in launches] == [2, 2]
    assert launches[1].args[0] is launches[0].res[0]


def test_what_is_declared_written_and_is_not_goes_too() -> None:
    """The tensor is what it was."""
    module = program([kernel(writes=("out", "stage"))], TENSORS, ["out", "stage"])
    after_both(module)
    assert names(module, KERNEL) == [["out", "x"]]
    (launch,) = (op for op in module.walk() if isinstance(op, LaunchOp))
    assert len(launch.res) == 1


@pytest.mark.parametrize("entry", [False, True])
def test_parameters_of_the_entry_go_where_that_is_wanted(entry: bool) -> None:
    module = program([kernel()], TENSORS, ["out"])
    before = module.clone()
    with collect() as said:
        DropDeadArgsPass(entry=entry).apply(Context(), module)
    verify_module(module)
    assert names(module, ORCHESTRATION) == [["x", "out"] if entry else ["x", "dead", "stage", "out"]]
    assert said.entries[1].outcome == ("rewritten" if entry else "note")
    if entry:
        assert said.entries[1].message == "'main' no longer takes 'dead', 'stage': callers must change"
    again = parse_program(program_text(module), "p.py")
    assert same_bits(before, again, arrays(TENSORS))


def test_nothing_dead_is_no_change() -> None:
    module = program(
        [Kernel("work", 4, ["x"], ["out"], COPY.format("out"))],
        {"x": TENSORS["x"], "out": TENSORS["out"]},
        ["out"],
    )
    before = program_text(module)
    with collect() as said:
        assert drop_all(module) == 0
    assert (program_text(module), said.entries) == (before, [])


# -- stores ---------------------------------------------------------------------------------------------

STORES = COPY.format("out") + "store(v, [b * 16, 0], stage)\n"


def stores(module: ModuleOp) -> int:
    return sum(isinstance(op, TStoreOp) for op in module.walk())


def test_a_store_that_nobody_reads_goes_with_its_tensor() -> None:
    module = program([kernel(body=STORES, writes=("out", "stage"))], TENSORS, ["out"])
    said = after_both(module)
    assert stores(module) == 1
    assert not any(isinstance(op, CreateOp) for op in module.walk())
    assert said[0].message == "nobody reads 'stage': 'work' does not store to it"
    assert names(module, KERNEL) == [["out", "x"]]


READ_IT = 'v = load(stage, [b * 16, 0], "16x16xf32")\nstore(v, [b * 16, 0], out)\n'


@pytest.mark.parametrize(
    ("kernels", "outputs"),
    [
        pytest.param([kernel(body=STORES, writes=("out", "stage"))], ["out", "stage"], id="comes out"),
        pytest.param(
            [kernel(body=COPY.format("stage"), writes=("stage",)),
             Kernel("second", 4, ["stage"], ["out"], READ_IT)],
            ["out"],
            id="read by another",
        ),
        pytest.param(
            [kernel(body=COPY.format("stage"), writes=("stage",)),
             Kernel("second", 4, ["x"], ["stage", "out"], READ_IT, ["stage"])],
            ["out"],
            id="read by one that may write it",
        ),
        pytest.param(
            [kernel(body=STORES + 'u = load(stage, [b * 16, 0], "16x16xf32")\nstore(u, [b * 16, 0], out)\n',
                    writes=("out", "stage"))],
            ["out"],
            id="read back",
        ),
    ],
)  # fmt: skip
def test_a_store_that_somebody_may_read_stays(kernels: list[Kernel], outputs: list[str]) -> None:
    module = program(kernels, TENSORS, outputs)
    before = stores(module)
    with collect() as said:
        assert drop_dead_stores(module) == 0
    assert (stores(module), said.entries) == (before, [])


def test_a_kernel_keeps_unused_parameters_that_have_nothing_to_do_with_the_stores() -> None:
    """They are for the other pass, which says so."""
    other = Kernel("other", 4, ["x", "dead"], ["out"], COPY.format("out"))
    first = Kernel("first", 4, ["x"], ["stage"], COPY.format("stage"))
    module = program([first, other], TENSORS, ["out"])
    with collect() as said:
        assert drop_dead_stores(module) == 1
    assert names(module, KERNEL) == [["out", "x", "dead"]]
    assert said.entries[1].message == "'first' does nothing any more and is not launched"
