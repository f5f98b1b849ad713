"""Programs compared with the kernels that both have taken as functions of their arguments."""

import pytest

from dsv4_passes.diagnostics import collect
from dsv4_passes.formats.pypto import parse_program
from dsv4_passes.validation.modules import unchanged_kernels
from dsv4_passes.validation.programs import ModuleProgram, compare_program_modules, compare_programs
from dsv4_passes.validation.proved_alone import ProvedAlone, proved_alone
from dsv4_passes.validation.verdict import Allowed, Verdict

KERNEL = """
    @pl.function(type=pl.FunctionType.InCore, level=pl.Level.CHIP_DIE, role=pl.Role.SubWorker)
    def {name}({given}, out__ssa_v0: pl.Out[pl.Tensor[[8, 16], pl.FP32]]) -> pl.Tensor[[8, 16], pl.FP32]:
        x__tile: pl.Tile[[8, 16], pl.FP32, pl.Mem.Vec] = pl.tile.load({first}__ssa_v0, [0, 0], [8, 16], [8, 16], target_memory=pl.Mem.Vec, transpose=False)
{body}        out__tile: pl.Tensor[[8, 16], pl.FP32] = pl.tile.store(x__tile_9, [0, 0], out__ssa_v0)
        return out__tile"""  # noqa: E501
STEP = "        {result}: pl.Tile[[8, 16], pl.FP32, pl.Mem.Vec] = pl.tile.{op}({source}, {number})\n"
SMALL, LARGE = "pl.Tensor[[8, 16], pl.FP32]", "pl.Tensor[[8192, 8192], pl.FP32]"
MAIN = """
    @pl.function(type=pl.FunctionType.Orchestration, level=pl.Level.CHIP, role=pl.Role.Orchestrator)
    def main(self, w__ssa_v0: {LARGE}, flag__ssa_v0: pl.Tensor[[1], pl.INT32], y__ssa_v0: pl.Out[{SMALL}], z__ssa_v0: pl.Out[{SMALL}]) -> {SMALL}:
        n__ssa_v0: pl.Scalar[pl.INT32] = pl.tensor.read(flag__ssa_v0, [0])
        if {condition}:
            y__ssa_v1: {SMALL} = self.head(w__ssa_v0, y__ssa_v0)
            y__phi_v2: {SMALL} = pl.yield_(y__ssa_v1)
        else:
            y__phi_v2: {SMALL} = pl.yield_(y__ssa_v0)
{calls}        y__ssa_v3: {SMALL} = self.small({last}, y__phi_v2)
        return y__ssa_v3
"""  # noqa: E501
TWO = """        s__ssa_v0: {SMALL} = pl.tensor.create([8, 16], dtype=pl.FP32, layout=pl.TensorLayout.ND)
        s__ssa_v1: {SMALL} = self.first(y__phi_v2, s__ssa_v0)
        z__ssa_v1: {SMALL} = self.second(s__ssa_v1, z__ssa_v0)
"""
ONE = "        z__ssa_v1: {SMALL} = self.both(y__phi_v2, z__ssa_v0)\n"


def kernel(name: str, type_: str, *steps: tuple[str, float]) -> str:
    body = ""
    for number, (op, value) in enumerate(steps):
        result = "x__tile_9" if number == len(steps) - 1 else f"x__tile_{number + 1}"
        source = "x__tile" if not number else f"x__tile_{number}"
        body += STEP.format(result=result, op=op, source=source, number=value)
    return KERNEL.format(name=name, given=f"x__ssa_v0: {type_}", first="x", body=body)


def program(calls: str, *kernels: str, condition: str = "n__ssa_v0 == 0", last: str = "z__ssa_v1") -> str:
    unchanged = kernel("head", LARGE, ("muls", 2.0)), kernel("small", SMALL, ("adds", 0.25))
    main = MAIN.replace("{calls}", calls).replace("{condition}", condition).replace("{last}", last)
    main = main.replace("{SMALL}", SMALL).replace("{LARGE}", LARGE)
    head = "# pypto.program: p\nimport pypto.language as pl\n\n@pl.program\nclass p:"
    return "".join([head, *unchanged, *kernels, main])


BEFORE = program(TWO, kernel("first", SMALL, ("adds", 1.0)), kernel("second", SMALL, ("muls", 3.0)))


def fused(*steps: tuple[str, float], condition: str = "n__ssa_v0 == 0", last: str = "z__ssa_v1") -> str:
    return program(ONE, kernel("both", SMALL, *steps), condition=condition, last=last)


def verdict(after: str, before: str = BEFORE) -> Verdict:
    """What is said of the program, or else of the first kernel of which something is wrong."""
    with collect():
        found = compare_program_modules(
            parse_program(before, "a.py"), parse_program(after, "b.py"), Allowed(), 10.0
        )
    return next((v for v in found if not v.fine), found[0])


def test_only_what_changed_is_run() -> None:
    """A tensor of 67 million elements and a branch on what a tensor holds stand in front of what is fused."""
    after = fused(("adds", 1.0), ("muls", 3.0))
    assert verdict(after).outcome == "proved"
    # without that, neither the size nor the branch can be followed
    whole = [ModuleProgram(parse_program(text, "p.py")) for text in (BEFORE, after)]
    assert compare_programs(whole[0], whole[1], Allowed(), 10.0).outcome == "undecided"


@pytest.mark.parametrize(
    "after",
    [
        fused(("adds", 1.0), ("muls", 5.0)),
        fused(("muls", 3.0), ("adds", 1.0)),
        fused(("adds", 1.0), ("muls", 3.0), condition="n__ssa_v0 == 1"),
        fused(("adds", 1.0), ("muls", 3.0), last="y__phi_v2"),
        fused(("adds", 1.0), ("muls", 3.0)).replace("head(w__ssa_v0, y", "head(w__ssa_v0, z"),
        fused(("adds", 1.0), ("muls", 3.0)).replace("flag__ssa_v0, [0])", "flag__ssa_v0, [-1])"),
    ],
    ids=["number", "order", "condition", "argument", "output", "index"],
)  # fmt: skip
def test_another_program_is_not_proved(after: str) -> None:
    """A kernel that computes something else, and the same kernels on other tensors or in another case."""
    modules = [parse_program(text, "p.py") for text in (BEFORE, after)]
    same = unchanged_kernels(*modules)
    assert {"head", "small"} <= set(same)
    found = compare_programs(
        ModuleProgram(modules[0], same), ModuleProgram(modules[1], same), Allowed(), 10.0
    )
    assert found.outcome != "proved"
    assert verdict(after).outcome != "proved"


HEAD = kernel("head", LARGE, ("muls", 2.0))
AFTER = fused(("adds", 1.0), ("muls", 3.0))


def test_a_kernel_that_is_proved_by_itself_is_not_run() -> None:
    """Its tensor is too large for that; beside it two kernels became one."""
    after = AFTER.replace(HEAD, kernel("head", LARGE, ("muls", 2.0), ("muls", 1.0)))
    found = proved_alone(parse_program(BEFORE, "a.py"), parse_program(after, "b.py"), ["small", "main"])
    assert found == {"head": ProvedAlone(frozenset({"x__ssa_v0", "out__ssa_v0"}), ())}
    assert verdict(after).outcome == "proved"
    assert verdict(AFTER.replace(HEAD, kernel("head", LARGE, ("muls", 4.0)))).outcome != "proved"


def test_a_tensor_that_is_passed_twice_is_none_that_a_kernel_is_proved_for() -> None:
    before = BEFORE.replace("self.small(z__ssa_v1, y__phi_v2)", "self.small(y__phi_v2, y__phi_v2)")
    assert before != BEFORE
    old, new = (
        kernel("small", SMALL, *steps) for steps in ([("adds", 0.25)], [("adds", 0.25), ("muls", 1.0)])
    )
    modules = [parse_program(text, "p.py") for text in (before, before.replace(old, new))]
    assert proved_alone(modules[0], modules[1], ["head", "main"]).keys() == {"first", "second"}


def looped(
    text: str, bounds: str = "0, m__ssa_v0, 1", callee: str = "small", given: str = "y__phi_v2"
) -> str:
    """The program with a loop of `n` trips, which a tensor says, in front of the last launch."""
    lines = f"""        m__ssa_v0: pl.Scalar[pl.INDEX] = pl.cast(n__ssa_v0, pl.INDEX)
        for i__idx_v0, (z__iter_v2,) in pl.range({bounds}, init_values=(z__ssa_v1,)):
            z__ssa_v3: {SMALL} = self.{callee}({given}, z__iter_v2)
            z__rv_v4: {SMALL} = pl.yield_(z__ssa_v3)
"""
    last = f"        y__ssa_v3: {SMALL} = self.small(z__ssa_v1, "
    assert last in text
    return text.replace(last, lines + last.replace("z__ssa_v1", "z__rv_v4"))


def test_a_loop_of_an_unknown_number_of_trips_is_a_function_of_what_it_is_given() -> None:
    assert verdict(looped(AFTER), looped(BEFORE)).outcome == "proved"


@pytest.mark.parametrize(
    "after",
    [
        looped(AFTER, bounds="1, m__ssa_v0, 1"),
        looped(AFTER, bounds="0, m__ssa_v0, 2"),
        looped(AFTER, given="z__iter_v2"),
        looped(fused(("adds", 1.0), ("muls", 5.0))),
    ],
    ids=["start", "step", "argument", "carried"],
)
def test_another_loop_is_not_proved(after: str) -> None:
    assert verdict(after, looped(BEFORE)).outcome != "proved"


def test_a_loop_that_launches_what_changed_is_not_proved() -> None:
    before = looped(BEFORE, callee="first")
    after = before.replace(kernel("first", SMALL, ("adds", 1.0)), kernel("first", SMALL, ("adds", 2.0)))
    assert after != before
    assert verdict(after, before).outcome != "proved"
