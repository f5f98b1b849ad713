"""Operations that nobody knows: what they are given counts as read and written, and passes leave it alone.

`pl.tile.wobble` is such an operation. A program with one cannot be run: what counts is
what is left as it was.
"""

from collections.abc import Callable, Sequence

import pytest
from xdsl.context import Context
from xdsl.dialects import func
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation

from dialects.dsv4.functions import KERNEL, program_functions, visible
from dialects.dsv4.launch import LaunchOp
from dialects.dsv4.opaque import TextCallOp
from dialects.pto.broadcast import TExpandsOp
from dialects.pto.memory import TLoadOp, TStoreOp
from dsv4_passes.diagnostics import Diagnostic, UserError, collect
from dsv4_passes.equivalence.lanes import run_lanes
from dsv4_passes.equivalence.symbolic_memory import INITIAL
from dsv4_passes.formats.pypto import parse_program
from dsv4_passes.formats.pypto.target import program_text
from dsv4_passes.transforms.fusion.forward_copies import forward_copies
from dsv4_passes.transforms.fusion.fuse_loops import fuse_loops
from dsv4_passes.transforms.fusion.fuse_stages import fuse_all
from dsv4_passes.transforms.memory.fit_ub import fit_function
from dsv4_passes.transforms.memory.hoist_fills import HoistFillsPass
from dsv4_passes.transforms.program.drop_dead_args import drop_all
from dsv4_passes.transforms.program.drop_dead_stores import drop_dead_stores
from tests.unit.programs import Kernel, text
from tests.unit.test_pypto_import import path_of

TENSORS = {"x": "64x16xf32", "stage": "64x16xf32", "other": "64x16xf32", "packed": "64x16xf32"}
FIRST = """
v = load(x, [b * 16, 0], "16x16xf32")
y = exp(v, "16x16xf32")
store(y, [b * 16, 0], stage)
"""
SECOND = """
u = load(stage, [b * 16, 0], "16x16xf32")
z = neg(u, "16x16xf32")
store(z, [b * 16, 0], packed)
"""


def read(kernels: Sequence[Kernel], outputs: Sequence[str] = ("packed",)) -> ModuleOp:
    with collect():
        return parse_program(text(kernels, TENSORS, outputs), "p.py")


def unknown(root: Operation) -> list[TextCallOp]:
    return [op for op in root.walk() if isinstance(op, TextCallOp)]


def kernel(module: ModuleOp, name: str) -> func.FuncOp:
    return next(f for f in program_functions(module, KERNEL) if f.sym_name.data == name)


def alone(body: str, **tensors: str) -> func.FuncOp:
    """A kernel that writes `packed`."""
    with collect():
        given = [Kernel("k", 1, ["x", "other"], ["packed"], body)]
        module = parse_program(text(given, {**TENSORS, **tensors}, ["packed"]), "p.py")
    return kernel(module, "k")


def refusals(module: ModuleOp, rewrite: Callable[[ModuleOp], int]) -> list[Diagnostic]:
    """What is said where nothing may be rewritten."""
    before = str(module)
    with collect() as said:
        assert rewrite(module) == 0
    assert str(module) == before
    return said.entries


# -- in a kernel ----------------------------------------------------------------------------------------


def states(function: func.FuncOp) -> set[object]:
    """The states of memory in which what is stored was loaded."""
    run = run_lanes(function)
    (store,) = run.stores
    table = run.context.domain.table
    return {table.head(term)[2] for term in store.ids.reshape(-1).tolist()}


LOOP = """
for t in range(0, 100, 1):
    v = load({tensor}, [0, 0], "16x16xf32")
    store(v, [0, 0], packed)
    {unknown}
"""


@pytest.mark.parametrize(
    ("call", "tensor", "written"),
    [
        ('w = wobble(x, "16x16xf32")', "x", True),
        ("wobble(x)", "x", True),
        ("wobble()", "x", True),
        ("wobble(other)", "x", True),
        ('w = wobble(v, "16x16xf32")', "x", False),
        ('w = neg(v, "16x16xf32")', "x", False),
    ],
)
def test_a_trip_of_a_loop_may_read_what_the_one_before_wrote(call: str, tensor: str, written: bool) -> None:
    """The load stands in front of what may write the tensor, but not in the next trip."""
    found = states(alone(LOOP.format(tensor=tensor, unknown=call)))
    assert (found == {INITIAL}) is not written


def test_what_takes_and_yields_tiles_has_no_effect() -> None:
    body = 'v = load(x, [0, 0], "16x16xf32")\nw = wobble(v, "16x16xf32")\nstore(w, [0, 0], packed)'
    run = run_lanes(alone(body))
    assert len(run.effects) == 1


def test_what_only_takes_a_tile_is_there_to_change_it() -> None:
    body = 'v = load(x, [0, 0], "16x16xf32")\nwobble(v)\nstore(v, [0, 0], packed)'
    with pytest.raises(UserError, match=r"dsv4.opaque may change a tile that it is given"):
        run_lanes(alone(body))


def test_a_tensor_that_is_made_of_another_stays_text() -> None:
    """Nobody knows whether it is a view of the other, and where it begins."""
    source = path_of("inplace").read_text()
    line = next(s for s in source.splitlines(keepends=True) if "x__tile: " in s)
    view = "        w__ssa_v0: pl.Tensor[[4, 64], pl.FP32] = pl.tensor.window(buf__ssa_v0, 4)\n"
    source = source.replace(line, view + line.replace("load(buf__ssa_v0", "load(w__ssa_v0"))
    with collect() as said:
        module = parse_program(source, "p.py")
    assert program_text(module, verbatim=False) == source
    assert [op.text.data.split("(")[0] for op in unknown(module)] == ["pl.tensor.window", "pl.tile.load"]
    assert "nothing is known of 'w__ssa_v0'" in said.entries[1].message


@pytest.mark.parametrize(
    "call",
    [
        "pl.tile.wobble(x__tile, [0, 1], how='so')",
        "pl.tile.wobble(x__tile, 2.0, attrs={'a': {'b': [1, pl.FP32]}})",
        "pl.tile.wobble([x__tile, x__tile], -1)",
    ],
)
def test_a_call_is_printed_as_it_stood(call: str) -> None:
    source = path_of("inplace").read_text().replace("pl.tile.muls(x__tile, 2.0)", call)
    statement = f"        {call}\n"
    source = source.replace("        buf__ssa_v1: ", f"{statement}        buf__ssa_v1: ", 1)
    with collect():
        module = parse_program(source, "p.py")
    assert len(unknown(module)) == 2
    assert program_text(module, verbatim=False) == source


@pytest.mark.parametrize(
    "line",
    [
        "pl.tensor.wobble(x, [1, n])",
        "y: pl.Tensor[[4], pl.FP32] = pl.tensor.wobble(x, how='so')",
        "y: pl.Array[4, pl.INT32] = pl.array.wobble(n)",
    ],
)
def test_a_call_of_an_orchestration_is_printed_as_it_stood(line: str) -> None:
    source = text([Kernel("first", 4, ["x"], ["stage"], FIRST)], TENSORS, ["stage"])
    source = with_line(source, line, "def main(")
    source = with_line(source, "n: pl.Scalar[pl.INDEX] = pl.tensor.dim(x, 0)", "def main(")
    with collect():
        module = parse_program(source, "p.py")
    assert len(unknown(module)) == 1
    assert f"        {line}\n" in program_text(module, verbatim=False)


def test_new_versions_of_tensors_may_be_part_of_a_tuple() -> None:
    source = path_of("inplace").read_text()
    line = next(s for s in source.splitlines(keepends=True) if "buf__ssa_v1: " in s)
    kind = "pl.Tuple[pl.Tensor[[8, 64], pl.FP32], pl.Scalar[pl.INDEX]]"
    call = (
        f"        ret__tmp_v0: {kind} = pl.tile.wobble(y__tile, buf__ssa_v0)\n"
        "        buf__ssa_v1: pl.Tensor[[8, 64], pl.FP32] = ret__tmp_v0[0]\n"
        "        n__ssa_v0: pl.Scalar[pl.INDEX] = ret__tmp_v0[1]\n"
    )
    source = source.replace(line, call).replace("[r__idx_v0, 0], buf__iter", "[n__ssa_v0, 0], buf__iter")
    with collect():
        module = parse_program(source, "p.py")
    assert program_text(module, verbatim=False) == source


# -- kernels that become one ------------------------------------------------------------------------------


def pair(first: str = "", second: str = "", blocks: int = 4) -> ModuleOp:
    """Two kernels of one grid that become one where nothing is in the way."""
    a = Kernel("first", blocks, ["x"], ["stage", "packed"], FIRST + first, ["packed"])
    b = Kernel("second", blocks, ["stage"], ["packed"], second + SECOND, ["packed"])
    return read([a, b])


def test_they_become_one_without() -> None:
    module = pair()
    with collect():
        assert fuse_all(module) == 1


@pytest.mark.parametrize(
    ("first", "second", "reason"),
    [
        ('w = wobble(packed, "16x16xf32")\nstore(w, [b * 16, 0], stage)', "", "blocks share elements"),
        ("wobble(packed)", "", "blocks share elements"),
        ("", "wobble(packed)", "blocks share elements"),
        ("wobble(stage)", "", "blocks share elements"),
        ("", 'w = wobble(stage, "16x16xf32")\nstore(w, [b * 16, 0], packed)', "blocks share elements"),
        ("wobble(y)", "", "cannot be followed"),
        ("", 'v = load(packed, [b * 16, 0], "16x16xf32")\nwobble(v)', "cannot be followed"),
    ],
)
def test_what_an_unknown_operation_touches_keeps_kernels_apart(first: str, second: str, reason: str) -> None:
    (entry,) = refusals(pair(first, second), fuse_all)
    assert entry.reason == reason


@pytest.mark.parametrize("where", ["first", "second"])
def test_also_where_there_is_one_block(where: str) -> None:
    (entry,) = refusals(pair(**{where: "wobble(stage)"}, blocks=1), fuse_all)
    assert entry.reason == "not stored in the same block"
    assert "'dsv4.opaque' touches it" in entry.message


def test_work_with_unknown_effects_stays_in_its_block() -> None:
    """Of another grid than the producer."""
    second = SECOND.replace("16, 0]", "8, 0]").replace("16x16", "8x16")
    for call, why in (
        ("wobble()", "'second' has 'dsv4.opaque', of which not all effects are known"),
        ("wobble(packed)", "where 'second' touches 'packed' is not known"),
        ("wobble(stage)", "where 'second' touches 'stage' is not known"),
    ):
        a = Kernel("first", 4, ["x"], ["stage"], FIRST)
        b = Kernel("second", 8, ["stage"], ["packed"], f"{call}\n{second}")
        (entry,) = refusals(read([a, b]), fuse_all)
        assert entry.reason == "not a map"
        assert why in entry.message


def test_loops_of_an_orchestration_stay_two() -> None:
    source = path_of("sibling_loops").read_text()
    lines = source.splitlines(keepends=True)
    at = next(i for i, line in enumerate(lines) if "def mix(" in line)
    name = lines[at].split("(")[1].split(":")[0]
    lines.insert(at + 1, f"        pl.tile.wobble({name})\n")
    with collect():
        module = parse_program("".join(lines), "p.py")
    (entry,) = refusals(module, fuse_loops)
    assert "a trip of one may touch what another trip of the other writes" in entry.message


# -- other passes -----------------------------------------------------------------------------------------


def test_stores_that_an_unknown_operation_may_read_stay() -> None:
    reader = 'w = wobble(stage, "16x16xf32")\nstore(w, [b * 16, 0], packed)'
    for more in (reader, "wobble(stage)"):
        body = f"{FIRST}\nstore(y, [b * 16, 0], packed)\n{more}"
        module = read([Kernel("first", 4, ["x"], ["stage", "packed"], body)])
        assert refusals(module, drop_dead_stores) == []
    body = f"{FIRST}\nstore(y, [b * 16, 0], packed)"
    with collect():
        assert drop_dead_stores(read([Kernel("first", 4, ["x"], ["stage", "packed"], body)])) == 1


def test_other_stores_go_and_the_changed_tile_stays() -> None:
    """Two equal conversions stay two where one of them may be changed."""
    body = """
v = load(x, [b * 16, 0], "16x16xf32")
y = cast(v, "16x16xf32", target_type=pl.FP32, mode="rint")
z = cast(v, "16x16xf32", target_type=pl.FP32, mode="rint")
wobble(y)
store(y, [b * 16, 0], packed)
store(z, [b * 16, 0], other)
store(z, [b * 16, 0], stage)
"""
    module = read([Kernel("first", 4, ["x"], ["stage", "other", "packed"], body)], ["other", "packed"])
    with collect():
        assert drop_dead_stores(module) == 1
    stores = [op for op in module.walk() if isinstance(op, TStoreOp)]
    assert len({op.ins[0] for op in stores}) == 2


def test_an_argument_of_an_unknown_operation_is_used() -> None:
    module = read([Kernel("first", 4, ["x", "other"], ["packed"], f"wobble(other)\n{SECOND_ALONE}")])
    with collect():
        drop_all(module)
    assert [p.name for p in visible(kernel(module, "first"))] == ["packed", "x", "other"]


SECOND_ALONE = SECOND.replace("stage", "x")


@pytest.mark.parametrize("call", ['w = wobble(v, "512x64xf32")', "wobble(packed)", "wobble(v)"])
def test_rows_of_an_unknown_operation_are_not_cut(call: str) -> None:
    body = f"""
v = load(x, [0, 0], "512x64xf32")
u = load(other, [0, 0], "512x64xf32")
{call}
y = add(v, u, "512x64xf32")
z = mul({"w" if call.startswith("w =") else "v"}, y, "512x64xf32")
store(z, [0, 0], packed)
"""
    function = alone(body, x="512x64xf32", other="512x64xf32", packed="512x64xf32")
    before = str(function)
    with collect():
        assert not fit_function(function, "a2a3")
    assert str(function) == before


@pytest.mark.parametrize(
    ("call", "moves"),
    [("wobble(z)", False), ("wobble(s)", False), ('w = wobble(z, "16x16xf32")', False), ("wobble(x)", True)],
)
def test_a_fill_that_may_be_changed_is_made_in_every_trip(call: str, moves: bool) -> None:
    """By an operation that is given it or a slice of it, also one that may return it changed."""
    body = f"""
for t in range(0, 4, 1):
    z = full([16, 16], "16x16xf32", dtype=pl.FP32, value=1.0)
    s = slice(z, [8, 16], [0, 0], "8x16xf32")
    v = load(x, [t * 16, 0], "16x16xf32")
    y = add(v, z, "16x16xf32")
    store(y, [t * 16, 0], packed)
    {call}
"""
    with collect():
        module = parse_program(text([Kernel("k", 1, ["x"], ["packed"], body)], TENSORS, ["packed"]), "p.py")
        HoistFillsPass("a3").apply(Context(), module)
    (fill,) = (op for op in module.walk() if isinstance(op, TExpandsOp))
    assert isinstance(fill.parent_op(), func.FuncOp) is moves


# -- between launches ---------------------------------------------------------------------------------------


def with_line(module_text: str, line: str, behind: str) -> str:
    """The text with a line of the orchestration behind the one that holds `behind`."""
    lines = module_text.splitlines(keepends=True)
    at = max(i for i, each in enumerate(lines) if behind in each)
    lines.insert(at + 1, f"        {line}\n")
    return "".join(lines)


@pytest.mark.parametrize(
    ("line", "blocked"),
    [
        ("pl.tensor.wobble(x)", True),
        ("pl.tensor.wobble()", True),
        ("pl.tensor.write(x, [0, 0], 1.0)", True),
        (
            "x__v9: pl.Tensor[[64, 16], pl.FP32] = pl.tensor.assemble(x, other, [0, 0])",
            True,
        ),
        ("pl.tensor.write(other, [0, 0], 1.0)", False),
        ("n: pl.Scalar[pl.INDEX] = pl.tensor.dim(x, 0)", False),
        ("e: pl.Scalar[pl.FP32] = pl.tensor.read(x, [0, 0])", False),
    ],
)
def test_a_launch_is_not_moved_behind_what_changes_what_it_reads(line: str, blocked: bool) -> None:
    a = Kernel("first", 4, ["x"], ["stage"], FIRST)
    b = Kernel("second", 4, ["stage", "x", "other"], ["packed"], SECOND)
    with collect():
        source = with_line(text([a, b], TENSORS, ["packed"]), line, "self.first_spmd(")
        module = parse_program(source, "p.py")
    if blocked:
        (entry,) = refusals(module, fuse_all)
        assert entry.reason == "kernel in between"
        assert "stands between 'first' and 'second'" in entry.message
    else:
        with collect():
            assert fuse_all(module) == 1


def test_a_tensor_of_unknown_origin_may_be_any_other() -> None:
    a = Kernel("first", 4, ["x"], ["stage"], FIRST)
    b = Kernel("second", 4, ["stage"], ["packed", "other"], SECOND, ["other"])
    source = text([a, b], TENSORS, ["packed"])
    line = "y: pl.Tensor[[64, 16], pl.FP32] = pl.tensor.wobble(x)"
    source = with_line(source, line, "def main(").replace(
        "self.second_spmd(packed, other,", "self.second_spmd(packed, y,"
    )
    with collect():
        module = parse_program(source, "p.py")
    assert any(isinstance(op, LaunchOp) and op.callee == "second" for op in module.walk())
    (entry,) = refusals(module, fuse_all)
    assert "nothing is known of what 'other' of 'second' is made of (what would lift it: " in entry.message


COPY = """
v = load(x, [b * 16, 0], "16x16xf32")
store(v, [b * 16, 0], stage)
"""


@pytest.mark.parametrize(
    "line",
    [
        "pl.tensor.wobble(x)",
        "pl.tensor.write(x, [0, 0], 1.0)",
        "x__v9: pl.Tensor[[64, 16], pl.FP32] = pl.tensor.assemble(x, other, [0, 0])",
    ],
)
def test_a_copy_of_what_changes_later_stays(line: str) -> None:
    a = Kernel("copy", 4, ["x"], ["stage"], COPY)
    b = Kernel("second", 4, ["stage", "other"], ["packed"], SECOND)
    source = text([a, b], TENSORS, ["packed"])
    with collect():
        module = parse_program(with_line(source, line, "self.copy_spmd("), "p.py")
    (entry,) = refusals(module, forward_copies)
    assert entry.message.endswith("the copy of 'x' stays: 'x' is written, too")
    module = parse_program(source, "p.py")
    with collect():
        assert forward_copies(module) == 1
    assert sum(isinstance(op, TLoadOp) for op in module.walk()) == 1
