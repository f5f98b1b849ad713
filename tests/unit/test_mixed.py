"""Mixed kernels: joined, split and half rewritten ones give the same bits; what cannot be joined says why."""

from collections import Counter
from functools import lru_cache
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from xdsl.context import Context
from xdsl.dialects import func
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass

from dialects.pto.types import TileLayout
from dsv4_passes.cli.run import run_on_arrays
from dsv4_passes.diagnostics import Diagnostics, UserError, collect
from dsv4_passes.formats.pto.reader import parse_file, parse_text, verify_module
from dsv4_passes.formats.pto.target import PtoTarget
from dsv4_passes.interpreter.channels import Channels, Item
from dsv4_passes.interpreter.kernels import choose_kernel, find_kernels
from dsv4_passes.interpreter.values import Tile
from dsv4_passes.npz import read_npz
from dsv4_passes.transforms.bind_facts import bind_toml
from dsv4_passes.transforms.lowering.lower_tiles import PtoLowerPass, lower_function
from dsv4_passes.transforms.mixed.join_mixed import JOINED, JoinMixedPass
from dsv4_passes.transforms.mixed.split_mixed import SplitMixedPass
from dsv4_passes.transforms.raising.raise_tiles import PtoRaisePass
from dsv4_passes.transforms.rope import RopePass
from tests.unit import rope_halves
from tests.unit.kernels import DATA, function, kernel

Outputs = dict[str, NDArray[Any]]

KERNELS = {"rope_a": ("rope_a/rope_a.pto", 4), "unrotate": ("mixed/unrotate.pto", 16)}
"""File under tests/data, and blocks."""
OWN = Path(__file__).parents[1] / "filecheck" / "transforms" / "join_split_mixed.mlir"


def read(kernel: str) -> ModuleOp:
    return parse_file(DATA / KERNELS[kernel][0])


def apply(module: ModuleOp, *passes: ModulePass) -> Diagnostics:
    with collect() as diagnostics:
        for each in passes:
            each.apply(Context(), module)
            verify_module(module)
    return diagnostics


def messages(diagnostics: Diagnostics) -> list[str]:
    return [entry.message for entry in diagnostics.entries]


def names(module: ModuleOp) -> list[str]:
    return [f.sym_name.data for f in module.ops if isinstance(f, func.FuncOp)]


def text(module: ModuleOp) -> str:
    out = StringIO()
    PtoTarget(ptoas="0.60").emit(Context(), module, out)
    return out.getvalue()


def run(module: ModuleOp, kernel: str) -> Outputs:
    """Run on the inputs of tests/data; arguments are called as at first, whatever is left of their views."""
    file, blocks = KERNELS[kernel]
    found, first = (choose_kernel(find_kernels(m), None, "the test") for m in (module, read(kernel)))
    for index, argument in found.arguments.items():
        argument.name, argument.shape = first.arguments[index].name, first.arguments[index].shape
    inputs = read_npz(str((DATA / file).parent / "inputs.npz"))
    return run_on_arrays(found, inputs, blocks, "inputs.npz")


def require_same(ours: Outputs, theirs: Outputs) -> None:
    assert ours.keys() == theirs.keys()
    assert any(array.any() for array in theirs.values())
    for name, array in theirs.items():
        np.testing.assert_array_equal(ours[name].view(np.uint8), array.view(np.uint8), name)


@pytest.mark.parametrize("kernel", KERNELS)
def test_joined_and_split_kernels_have_the_same_bits(kernel: str) -> None:
    module, expected = read(kernel), run(read(kernel), kernel)
    apply(module, PtoRaisePass(), JoinMixedPass())
    assert names(module) == [kernel]
    assert "dsv4.move" in str(module)
    apply(module, SplitMixedPass())
    assert names(module) == [f"{kernel}_aic", f"{kernel}_aiv"]
    assert "dsv4" not in str(module)
    require_same(run(module, kernel), expected)


@pytest.mark.parametrize("level", ["level2", "level3"])
@pytest.mark.parametrize("kernel", KERNELS)
def test_split_kernels_are_lowered_and_read_again(kernel: str, level: Any) -> None:
    module = read(kernel)
    apply(module, PtoRaisePass(), JoinMixedPass(), SplitMixedPass(), PtoLowerPass(level=level))
    assert "!pto.tile<" not in str(module)
    again = parse_text(text(module), "again.pto")
    require_same(run(again, kernel), run(read(kernel), kernel))
    apply(again, PtoRaisePass(), JoinMixedPass())
    assert names(again) == [kernel]


@pytest.mark.parametrize("kernel", KERNELS)
def test_joining_a_split_kernel_gives_the_joined_one(kernel: str) -> None:
    once, twice = read(kernel), read(kernel)
    apply(once, PtoRaisePass(), JoinMixedPass())
    apply(twice, PtoRaisePass(), JoinMixedPass(), SplitMixedPass(), JoinMixedPass())
    before, after = (Counter(op.name for op in module.walk()) for module in (once, twice))
    assert before == after
    function = next(f for f in twice.ops if isinstance(f, func.FuncOp))
    assert JOINED in function.attributes


def test_a_site_without_a_fact_stays_on_the_cube(tmp_path: Path) -> None:
    facts = tmp_path / "facts.toml"
    facts.write_text('even_select = "even"\n')
    module, before = read("rope_a"), read("rope_a")
    bind_toml(module, str(facts))
    said = messages(apply(module, RopePass()))
    assert names(module) == ["rope_a_aic", "rope_a_aiv"]
    assert "'rope_a' is split into 'rope_a_aic' and 'rope_a_aiv'" in said
    counts = [Counter(op.name for op in m.walk()) for m in (before, module)]
    assert counts[0]["pto.tmatmul"] - counts[1]["pto.tmatmul"] == 1
    assert counts[1]["pto.tshls"] == 1  # its even lanes are taken by bits; the odd ones are a product still
    assert "pto.tpop_from_aic" in counts[1]
    require_same(run(parse_text(text(module), "after.pto"), "rope_a"), run(before, "rope_a"))


def test_a_kernel_without_facts_comes_out_as_it_was() -> None:
    module = read("rope_a")
    apply(module, RopePass())
    assert text(module) == text(read("rope_a"))


# -- both sub-blocks share every tile ----------------------------------------------------------------

SHARED = [(1, "a2a3", True), (1, "a5", False), (2, "a2a3", False), (2, "a5", True)]
"""Split, chip, and whether the sub-block's number is a parameter."""


def halves(split: int, arch: str, parameter: bool = True) -> ModuleOp:
    module = parse_text(rope_halves.kernel(split, arch, parameter), "halves.pto")
    verify_module(module)
    return module


@lru_cache
def expected_of_halves() -> Outputs:
    return run(read("rope_a"), "rope_a")


def run_halves(module: ModuleOp) -> Outputs:
    """Run on the inputs of `rope_a`, whose arguments the kernel has."""
    found, first = (choose_kernel(find_kernels(m), None, "the test") for m in (module, read("rope_a")))
    for index, name in enumerate(rope_halves.ARGUMENTS):
        argument, like = found.arguments[index], first.arguments[index]
        argument.name, argument.shape, argument.size = name, like.shape, like.size
    inputs = read_npz(str(DATA / "rope_a" / "inputs.npz"))
    return {"out": run_on_arrays(found, inputs, rope_halves.BLOCKS, "inputs.npz")["out"]}


def with_facts(module: ModuleOp, facts: str, path: Path) -> ModuleOp:
    (path / "facts.toml").write_text(facts)
    bind_toml(module, str(path / "facts.toml"))
    return module


@pytest.mark.parametrize(("split", "arch", "parameter"), SHARED)
def test_halves_joined_and_split_again_are_what_the_whole_kernel_computes(
    split: int, arch: str, parameter: bool
) -> None:
    expected = expected_of_halves()
    module = halves(split, arch, parameter)
    signatures = [f.function_type for f in module.ops if isinstance(f, func.FuncOp)]
    require_same(run_halves(module), expected)
    said = messages(apply(module, PtoRaisePass(), JoinMixedPass()))
    both = "are seen as one function, which does the work of both sub-blocks"
    assert said == [f"'halves_aic' and 'halves_aiv' {both}"]
    require_same(run_halves(module), expected)
    apply(module, SplitMixedPass())
    assert [f.function_type for f in module.ops if isinstance(f, func.FuncOp)] == signatures
    assert "split = 1" not in str(module)
    assert "split = 2" not in str(module)
    require_same(run_halves(module), expected)
    apply(module, PtoLowerPass(level="level3"))
    require_same(run_halves(parse_text(text(module), "again.pto")), expected)


@pytest.mark.parametrize(("split", "arch", "parameter"), SHARED)
def test_halves_become_one_vector_kernel(split: int, arch: str, parameter: bool, tmp_path: Path) -> None:
    facts = 'even_select = "even"\nodd_select = "odd"\n'
    module = with_facts(halves(split, arch, parameter), facts, tmp_path)
    apply(module, RopePass())
    [function] = [f for f in module.ops if isinstance(f, func.FuncOp)]
    assert function.sym_name.data == "halves"
    assert "kernel_kind<vector>" in str(function.attributes["pto.kernel_kind"])
    assert "subblock" not in str(module)
    written = text(module)
    assert "tmatmul" not in written
    assert "subblock" not in written
    require_same(run_halves(parse_text(written, "after.pto")), expected_of_halves())


@pytest.mark.parametrize(("split", "what"), [(1, "rows"), (2, "columns")])
def test_an_odd_extent_is_not_halved(split: int, what: str) -> None:
    layout = TileLayout("acc", 15, 15, "f32", 15, 15)
    data = np.zeros((15, 15), np.float32)
    tile = Tile(layout, data, np.ones_like(data, bool), (15, 15), frozenset())
    with pytest.raises(UserError, match=f"split = {split} halves {what}, but its tile has 15"):
        Channels(2).push_to_vector(0, split, Item(tile))


def test_halves_of_which_the_cube_keeps_some_work_stay_as_they_are(tmp_path: Path) -> None:
    module = with_facts(halves(1, "a2a3"), 'even_select = "even"\n', tmp_path)
    before = text(module)
    said = messages(apply(module, RopePass()))
    assert (
        "'halves_aic' and 'halves_aiv' stay as they are: something is left for the cube, and they cannot be "
        "split again: one sub-block would do the work of both"
    ) in said
    assert text(module) == before


def joining(old: str, new: str) -> str:
    """The remark on the short kernel of the lit test after a change to it."""
    source = OWN.read_text()
    assert old in source
    module = parse_text(source.replace(old, new), "own.mlir")
    [said] = messages(apply(module, JoinMixedPass()))
    assert names(module) == ["scale_aic", "scale_aiv"]
    return said.removeprefix("'scale_aic' and 'scale_aiv' stay two functions: ")


def test_loops_over_other_ranges_are_not_joined() -> None:
    cube = "  scf.for %i = %c0 to %c32 step %c16 {\n    %x_part"
    why = "the loops around pushes and pops have different bounds"
    assert joining(cube, cube.replace("%c32", "%c16")) == why


def test_a_pop_without_a_push_is_not_joined() -> None:
    push = "    pto.tpush_to_aiv(%p : !acc) {split = 0}\n"
    assert joining(push, "") == "pushes and pops of the two functions do not match"


def test_a_push_without_a_pop_is_not_joined() -> None:
    push = "    pto.tpush_to_aiv(%p : !acc) {split = 0}\n"
    assert joining(push, push + push) == "a push before it is popped behind or inside it"


def test_a_second_subblock_that_stores_is_not_joined() -> None:
    pop = "      %v = pto.tpop_from_aic(%c0, %c0) {split = 0} -> !nothing\n"
    store = (
        "      %part = pto.partition_view %y_view, offsets = [%i, %c0], sizes = [%c16, %c16] "
        ": !pto.tensor_view<?x?xf32> -> !gm_f32\n"
        "      pto.tstore ins(%v : !nothing) outs(%part : !gm_f32)\n"
    )
    assert joining(pop, pop + store) == "the second sub-block stores something"


def test_a_second_subblock_in_another_order_is_not_joined() -> None:
    free = "      pto.tfree_from_aic {split = 0}\n    }\n  }\n"
    why = "the second sub-block uses the channels in another order"
    assert joining(free, free.removeprefix("      pto.tfree_from_aic {split = 0}\n")) == why


def test_a_move_between_cores_is_not_lowered_in_one_function():
    text = kernel(
        """
        %a = load x
        %m = dsv4.move %a : T<16x64xf32> -> !pto.tile<mat, 16x64xf32>
        pto.tstore ins(%m : !pto.tile<mat, 16x64xf32>) outs(%y_part : !pto.partition_tensor_view<16x64xf32>)
        """,
        x="16x64xf32",
        y="16x64xf32",
    )
    with pytest.raises(UserError, match=r"'dsv4\.move' from vec to mat memory has no form in one function"):
        lower_function(function(text), "a2a3", "0.60", "level3")
