"""One name per argument: for inputs, outputs, facts and remarks, before and after rewriting."""

from pathlib import Path

import numpy as np
import pytest
from xdsl.dialects import func

from dsv4_passes.argument_names import argument_names, argument_spellings, nearest_first
from dsv4_passes.cli.opt import main
from dsv4_passes.cli.run import main as run_main
from dsv4_passes.diagnostics import UserError, collect
from dsv4_passes.equivalence.facts import facts_of
from dsv4_passes.formats.pto.reader import parse_file, parse_text
from dsv4_passes.interpreter.kernels import find_kernels
from dsv4_passes.npz import write_npz
from dsv4_passes.transforms.bind_facts import bind_arrays, bind_toml
from tests.unit.kernels import DATA

SPECIAL = {"staged": "cpu_sim", "mixed": "inputs", "rope_a": "inputs"}


def text(views: dict[str, str], arguments: str | None = None, shape: str = "8x4") -> str:
    """A kernel that views its arguments `%arg0`, … under these names, and stores nothing."""
    rows, cols = shape.split("x")
    names = arguments.split() if arguments else [f"arg{i}" for i in range(len(views))]
    lines = [
        f"%{view} = pto.make_tensor_view %{argument}, shape = [%r, %c], strides = [%c, %one] : "
        "!pto.tensor_view<?x?xf32>"
        for view, argument in views.items()
    ]
    header = ", ".join(f"%{name}: !pto.ptr<f32>" for name in names)
    return (
        f"func.func @k({header}) {{\n%one = arith.constant 1 : index\n%r = arith.constant {rows} : index\n"
        f"%c = arith.constant {cols} : index\n" + "\n".join(lines) + "\nreturn\n}\n"
    )


def function(source: str) -> func.FuncOp:
    return next(op for op in parse_text(source, "k.pto").walk() if isinstance(op, func.FuncOp))


@pytest.mark.parametrize(
    ("source", "names"),
    [
        (text({"w__ssa_v0_view": "arg0"}), ["w"]),
        (text({"w__ssa_v0": "arg0"}), ["w"]),
        (text({"w__ssa_v0_dn_view": "arg0"}), ["w"]),
        (text({"w_view1": "arg0"}), ["w"]),
        (text({"t_dn_view": "arg0", "w_view": "arg0"}, "arg0"), ["w"]),
        (text({"other_view": "w__ssa_v0"}, "w__ssa_v0"), ["w"]),
        (text({"x__ssa_v0_view": "arg0", "x__ssa_v1_view": "arg1"}), ["x__ssa_v0", "x__ssa_v1"]),
        (text({}, "arg0 arg1"), ["arg0", "arg1"]),
        (text({"17": "arg0"}), ["arg0"]),
        (text({"w_view": "arg0"}).replace("<f32>)", '<f32> {dsv4.name = "z__ssa_v3"})'), ["z"]),
    ],
    ids="view no-suffix transposed numbered plain-first own versions none unnamed program".split(),
)
def test_one_spelling(source: str, names: list[str]) -> None:
    assert argument_names(function(source)) == names
    (kernel,) = find_kernels(parse_text(source, "k.pto")).values()
    assert [argument.name for argument in kernel.arguments.values()] == names


def test_all_spellings_mean_the_argument(tmp_path: Path) -> None:
    source = text({"s__ssa_v0_view": "arg0"})
    assert argument_spellings(function(source), 0) == ["s", "s__ssa_v0", "arg0", "s__ssa_v0_view"]
    matrix = np.zeros((8, 4), np.float32)
    matrix[2 * np.arange(4), np.arange(4)] = 1
    for name in ("s", "s__ssa_v0", "arg0", "s__ssa_v0_view"):
        write_npz(tmp_path / "in.npz", {name: matrix})
        module = parse_text(source, "k.pto")
        with collect() as said:
            bind_arrays(module, str(tmp_path / "in.npz"))
        (kernel,) = (op for op in module.ops if isinstance(op, func.FuncOp))
        assert [fact.word for fact in facts_of(kernel).values()] == ["even"]
        assert [e.message for e in said.entries] == [
            f"taken for facts that hold in every run, from {tmp_path / 'in.npz'}: 's' = even"
        ]


@pytest.mark.parametrize("name", ["staged/reassemble.pto", "mixed/unrotate.pto", "rope_a/rope_a.pto"])
def test_names_outlive_the_views_that_said_them(name: str, tmp_path: Path) -> None:
    """The rewritten kernel takes the arrays and the facts of the one it was made from, and stays as it is."""
    folder = Path(name).parent.name
    before = find_kernels(parse_file(DATA / name))
    given = f"{DATA / folder / SPECIAL[folder]}.npz"
    first, second = tmp_path / "first.pto", tmp_path / "second.pto"
    passes = ["-p", "dsv4-rope{chip=a3}", "-t", "pto", "--facts", given]
    assert main([str(DATA / name), *passes, "-o", str(first)]) == 0
    after = find_kernels(parse_file(first))
    for kernel in before:
        names = [a.name for a in before[kernel].arguments.values()]
        assert [a.name for a in after[kernel].arguments.values()] == names
    assert main([str(first), *passes, "-o", str(second)]) == 0
    assert first.read_text() == second.read_text()


def test_a_second_run_with_the_same_description(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    facts = tmp_path / "facts.toml"
    facts.write_text('"even_select_t" = "even"\n"odd_sel*" = "odd"\n')
    first, second = tmp_path / "first.pto", tmp_path / "second.pto"
    passes = ["-p", "dsv4-rope{chip=a3}", "-t", "pto", "--facts", str(facts)]
    asked = [word.replace("chip=a3", "chip=a3 form=bit-pack") for word in passes]
    assert main([str(DATA / "staged/reassemble.pto"), *asked, "-o", str(first)]) == 0
    capsys.readouterr()
    assert main([str(first), *passes, "-o", str(second)]) == 0
    assert first.read_text() == second.read_text()
    assert capsys.readouterr().err == "".join(
        f"{first}:2:3: remark: 'reassemble' does not read '{name}': a fact about it is not used\n"
        for name in ("even_select_t", "odd_select_t")
    )


# -- what names nothing ------------------------------------------------------------------------------


def said_of(source: str, facts: str, tmp_path: Path) -> list[str]:
    path = tmp_path / "facts.toml"
    path.write_text(facts)
    with collect() as said:
        bind_toml(parse_text(source, "k.pto"), str(path))
    return [entry.message for entry in said.entries]


def test_a_line_that_names_nothing_is_an_error_with_the_nearest_first(tmp_path: Path) -> None:
    source = text({"a_view": "arg0", "odd_select_view": "arg1", "even_select_view": "arg2"})
    with pytest.raises(
        UserError, match="'even_selekt' matches no argument; there are even_select, odd_select, a"
    ):
        said_of(source, 'even_selekt = "even"', tmp_path)


def test_it_may_be_about_an_argument_that_lost_its_name(tmp_path: Path) -> None:
    source = text({"x_view": "arg0"}, "arg0 arg1")
    assert said_of(source, 'select = "even"', tmp_path) == [
        "fact 'select' matches no argument; there are arg1, x; arg1 has no name, as nothing reads it"
    ]


def test_what_is_not_read_needs_no_shape(tmp_path: Path) -> None:
    source = text({"x_view": "x"}, "x even_select")
    assert said_of(source, '"*_select" = "even"', tmp_path) == [
        "'k' does not read 'even_select': a fact about it is not used"
    ]


def test_what_is_read_under_a_shape_that_is_not_known_is_an_error(tmp_path: Path) -> None:
    source = text({"x_view": "x"}, "x").replace("%x: ", "%n: index, %x: ").replace("[%r, %c],", "[%n, %c],")
    with pytest.raises(UserError, match="the shape of 'x' is not known from its views"):
        said_of(source, 'x = "even"', tmp_path)


def test_arrays_that_name_nothing_are_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = text({"weights_view": "arg0", "x_view": "arg1"})
    kernel, path = tmp_path / "k.pto", tmp_path / "in.npz"
    kernel.write_text(source)
    np.savez(path, weight=np.zeros((8, 4), np.float32), x=np.zeros((8, 4), np.float32))
    assert main([str(kernel), "--facts", str(path), "-t", "pto", "-o", str(tmp_path / "o.pto")]) == 0
    assert capsys.readouterr().err == (
        f"{kernel}:1:1: remark: array 'weight' of {path} names no argument; there are weights, x\n"
    )
    assert run_main([str(kernel), "--inputs", str(path), "--outputs", str(tmp_path / "o.npz")]) == 0
    assert capsys.readouterr().err == (
        f"{path}: remark: array 'weight' names no argument of 'k'; there are weights, x\n"
    )


def test_nearest_first() -> None:
    assert nearest_first(["joined", "odd_t", "even_t"], "evn_t") == ["even_t", "odd_t", "joined"]
