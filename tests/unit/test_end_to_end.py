"""What dsv4-opt writes is compared with what it read: errors that no pass can see are seen."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from xdsl.context import Context
from xdsl.dialects import arith
from xdsl.dialects.builtin import IndexType, ModuleOp
from xdsl.dialects.func import FuncOp
from xdsl.ir import Operation
from xdsl.rewriter import InsertPoint, Rewriter

from dialects.dsv4.attributes import SelectorAttr
from dialects.dsv4.functions import ORCHESTRATION, parameters, program_functions, set_argument_attribute
from dialects.pto.base import layout_of
from dialects.pto.convert import TCvtOp
from dialects.pto.memory import MakeTensorViewOp, PartitionViewOp
from dialects.pto.types import TileType
from dsv4_passes.cli.opt import main
from dsv4_passes.equivalence.alike import alike
from dsv4_passes.equivalence.budget import Budget, current, limited
from dsv4_passes.formats.pto.reader import parse_text
from dsv4_passes.formats.pto.writer import PtoPrinter
from dsv4_passes.formats.pypto import parse_program
from dsv4_passes.transforms.fusion.fuse_stages import FuseStagesPass
from dsv4_passes.transforms.lowering.lower_tiles import PtoLowerPass
from dsv4_passes.transforms.memory.hoist_fills import HoistFillsPass
from dsv4_passes.transforms.mixed.split_mixed import SplitMixedPass
from dsv4_passes.transforms.raising.raise_tiles import PtoRaisePass
from dsv4_passes.validation import programs
from dsv4_passes.validation.programs import compare_program_modules, unchanged_program
from dsv4_passes.validation.verdict import Allowed, Verdict

DATA = Path(__file__).resolve().parents[1] / "data"
FACTS = 'even_select = "even"\nodd_select = "odd"\n'


@pytest.fixture
def facts(tmp_path: Path) -> str:
    path = tmp_path / "facts.toml"
    path.write_text(FACTS)
    return str(path)


def opt(kernel: Path, out: Path, *more: str, passes: str = "dsv4-rope{chip=a3}") -> int:
    return main([str(kernel), "-p", passes, "-o", str(out), *(() if "-t" in more else ("-t", "pto")), *more])


def swap_operands(module: Operation, name: str) -> bool:
    """Make `b - a` of an `a - b` somewhere; whether there was one."""
    for op in module.walk():
        if op.name == name:
            a, b, *_ = op.operands
            op.operands[0], op.operands[1] = b, a
            return True
    return False


def wrong(apply: Callable[..., None], name: str) -> Callable[..., None]:
    """A pass that does its work and then exchanges the operands of an operation."""

    def broken(self: Any, ctx: Context, op: ModuleOp) -> None:
        apply(self, ctx, op)
        swap_operands(op, name)

    return broken


@pytest.mark.parametrize("pass_", [HoistFillsPass, SplitMixedPass, PtoLowerPass])
def test_a_pass_that_changes_bits_is_named(
    pass_: type[Any], facts: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
):
    monkeypatch.setattr(pass_, "apply", wrong(pass_.apply, "pto.tsub"))
    out, saved = tmp_path / "out.pto", tmp_path / "saved"
    kernel = DATA / "rope_a" / "rope_a.pto"
    assert opt(kernel, out, "--facts", facts, "--reproducer", str(saved)) == 1
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith(f"internal error in pass {pass_.name}: 'rope_a' would not store what it did")
    assert not out.exists()
    texts = {"before.pto", "after.pto", "counterexample.txt"}
    assert {p.name for p in saved.iterdir()} == {*texts, "input.npz"}
    report = (saved / "counterexample.txt").read_text()
    assert "before: " in report
    assert "after: " in report


def test_a_difference_that_is_not_looked_for_is_written(
    facts: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(PtoLowerPass, "apply", wrong(PtoLowerPass.apply, "pto.tsub"))
    out = tmp_path / "out.pto"
    assert opt(DATA / "rope_a" / "rope_a.pto", out, "--facts", facts, "--no-validate") == 0
    assert out.exists()


def test_a_writer_that_changes_bits_is_named(
    facts: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
):
    print_op = PtoPrinter.print_op

    def broken(self: PtoPrinter, op: Operation) -> None:
        swap_operands(op, "pto.tsub")
        print_op(self, op)

    monkeypatch.setattr(PtoPrinter, "print_op", broken)
    out = tmp_path / "out.pto"
    assert opt(DATA / "rope_a" / "rope_a.pto", out, "--facts", facts) == 1
    assert "internal error in writing the text" in capsys.readouterr().err
    assert not out.exists()


def test_addresses_that_overlap_are_seen(
    facts: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
):
    """The memory planner puts tiles that are alive together at one place."""
    apply = PtoLowerPass.apply

    def broken(self: PtoLowerPass, ctx: Context, op: ModuleOp) -> None:
        apply(self, ctx, op)
        tiles = [o for o in op.walk() if o.name == "pto.alloc_tile" and "vec" in str(o.results[0].type)]
        by_type: dict[str, list[Operation]] = {}
        for tile in tiles:
            by_type.setdefault(str(tile.results[0].type), []).append(tile)
        first, *others = max(by_type.values(), key=len)
        for tile in others:
            tile.operands[0] = first.operands[0]

    monkeypatch.setattr(PtoLowerPass, "apply", broken)
    out = tmp_path / "out.pto"
    assert opt(DATA / "rope_a" / "rope_a.pto", out, "--facts", facts) == 1
    assert "pass pto-lower" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["rope_a", "rope_b", "rope_c", "rope_d"])
@pytest.mark.parametrize("options", ["", " signed-zero=ignore", " guard=contract-rounding"])
def test_right_output_is_written(name: str, options: str, facts: str, tmp_path: Path, capsys: Any):
    out = tmp_path / "out.pto"
    more = ("--facts", facts) if name == "rope_a" else ()
    passes = f"dsv4-rope{{chip=a3{options}}}"
    assert opt(DATA / name / f"{name}.pto", out, "--remarks", *more, passes=passes) == 0
    assert out.exists()
    assert "without being compared" not in capsys.readouterr().err


def test_what_cannot_be_compared_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any):
    """A function that is changed although lanes cannot be followed in it."""
    from dsv4_passes.diagnostics import UserError
    from dsv4_passes.validation import kernels

    def fails(*_: Any, **__: Any) -> None:
        raise UserError("too large")

    monkeypatch.setattr(kernels, "run_lanes", fails)
    out = tmp_path / "out.pto"
    kernel = DATA / "rope_c" / "rope_c.pto"
    assert opt(kernel, out, passes="pto-raise,pto-lower") == 0
    assert "'rope_c' is written without being compared with what was read: too large" in (
        capsys.readouterr().err
    )


def test_raising_alone_is_not_a_target(tmp_path: Path):
    """Without the target pto nothing is compared."""
    out = tmp_path / "out.mlir"
    kernel = DATA / "rope_c" / "rope_c.pto"
    assert main([str(kernel), "-p", PtoRaisePass.name, "-o", str(out)]) == 0


# -- whole programs ------------------------------------------------------------------------------------

PROGRAMS = ["staged", "mixed", "rope_b"]


def opt_program(name: str, facts: str, out: Path, *more: str) -> int:
    path = DATA / name / "program.py"
    return opt(path, out, "--facts", facts, *more) if name != "rope_b" else opt(path, out, *more)


@pytest.fixture
def all_facts(tmp_path: Path) -> str:
    path = tmp_path / "facts.toml"
    path.write_text('"even_select*" = "even"\n"odd_select*" = "odd"\n')
    return str(path)


@pytest.mark.parametrize("name", PROGRAMS)
@pytest.mark.parametrize("target", ["pto", "pypto"])
def test_programs_are_compared(name: str, target: str, all_facts: str, tmp_path: Path, capsys: Any):
    out = tmp_path / "out"
    assert opt_program(name, all_facts, out, "--remarks", "-t", target) == 0
    assert "without being compared" not in capsys.readouterr().err


@pytest.mark.parametrize("target", ["pto", "pypto"])
def test_a_fused_kernel_that_reads_another_row_is_seen(
    target: str, all_facts: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
):
    """An offset in a fused stage is off by one."""
    apply = FuseStagesPass.apply

    def broken(self: FuseStagesPass, ctx: Context, op: ModuleOp) -> None:
        apply(self, ctx, op)
        for inner in op.walk():
            view = inner.source.owner if isinstance(inner, PartitionViewOp) else None
            if isinstance(view, MakeTensorViewOp) and str(view.ptr.name_hint).startswith("cos"):
                one = arith.ConstantOp.from_int_and_width(1, IndexType())
                more = arith.AddiOp(inner.operands[1], one.result)
                Rewriter.insert_op([one, more], InsertPoint.before(inner))
                inner.operands[1] = more.result
                return

    monkeypatch.setattr(FuseStagesPass, "apply", broken)
    out = tmp_path / "out"
    assert opt_program("staged", all_facts, out, "-t", target) == 1
    assert "internal error in pass dsv4-fuse-stages" in capsys.readouterr().err
    assert not out.exists()


def test_a_description_that_launches_otherwise_is_seen(
    all_facts: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
):
    """program.json passes two tensors in the wrong order."""
    from dsv4_passes.cli import program_folder

    json_text = program_folder.json_text

    def broken(value: dict[str, Any]) -> str:
        arguments = value["orchestration"][0]["steps"][0]["arguments"]
        at = [i for i, a in enumerate(arguments) if a.startswith(("cos", "sin"))]
        arguments[at[0]], arguments[at[1]] = arguments[at[1]], arguments[at[0]]
        return json_text(value)

    monkeypatch.setattr(program_folder, "json_text", broken)
    out = tmp_path / "out"
    assert opt_program("staged", all_facts, out, "-t", "pto") == 1
    assert "internal error in writing the text" in capsys.readouterr().err


def test_what_is_unchanged_is_known_without_running_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Functions of two modules are compared operation by operation, and their types are, too."""
    text = (DATA / "programs" / "products.py").read_text()
    before, after = parse_program(text), parse_program(text)
    monkeypatch.setattr(programs, "compare_programs", None)
    assert unchanged_program(before, after)
    verdicts = compare_program_modules(before, after, Allowed(), 1)
    assert {v.outcome for v in verdicts} == {"unchanged"}
    changed = next(op for op in after.walk() if isinstance(op, TCvtOp))
    wider = layout_of(changed.res[0])._replace(dtype="f16")
    Rewriter.replace_value_with_new_type(changed.res[0], TileType(wider))
    assert not unchanged_program(before, after)


def test_a_name_that_makes_an_argument_the_block_counts() -> None:
    kernels = [
        "func.func @k(%x: !pto.ptr<f32>, %arg1: i32) { func.return }".replace("%arg1", name)
        for name in ("%__pypto_spmd_block_idx", "%n", "%m")
    ]
    block, n, m = (next(iter(parse_text(text).ops)) for text in kernels)
    assert isinstance(block, FuncOp)
    assert isinstance(n, FuncOp)
    assert isinstance(m, FuncOp)
    assert alike(n, m)
    assert not alike(block, n)


LARGE = DATA / "large" / "large_weights.py"


def test_large_products_take_little_memory(facts: str, tmp_path: Path) -> None:
    """Weights of 4096 x 8192: nothing is made for each of their elements, by the passes or by the proof."""
    out = tmp_path / "out.py"
    call = [
        str(LARGE),
        "--facts",
        facts,
        "-p",
        "dsv4-rope{chip=a3}",
        "-t",
        "pypto",
        "-o",
        str(out),
        "--remarks",
    ]
    script = (
        "import resource, sys\n"
        f"resource.setrlimit(resource.RLIMIT_AS, ({2 << 30}, {2 << 30}))\n"
        "from dsv4_passes.cli.opt import main\n"
        f"sys.exit(main({call!r}))\n"
    )
    env = os.environ | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, env=env, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert "4 -> 0 selector products" in done.stderr
    assert "without being compared" not in done.stderr
    assert "pl.tile.matmul(x__tile, weight__tile)" in out.read_text()


@pytest.fixture(scope="module")
def rewritten_large(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("large")
    facts, out = folder / "facts.toml", folder / "out.py"
    facts.write_text(FACTS)
    assert opt(LARGE, out, "-t", "pypto", "--facts", str(facts)) == 0
    return out.read_text()


def verdicts(after: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """By kernel, how the program compares with a text; nothing where launches have to be run for that."""
    before, read = parse_program(LARGE.read_text()), parse_program(after)
    for main_ in program_functions(before, ORCHESTRATION):
        for parameter in parameters(main_):
            if (word := parameter.name.partition("_select")[0]) in ("even", "odd"):
                set_argument_attribute(main_, parameter.index, "dsv4.selector", SelectorAttr(word))
    monkeypatch.setattr(programs, "compare_programs", lambda *_: Verdict("", "undecided"))
    found = compare_program_modules(before, read, Allowed(), 1)
    return {v.name: v.outcome for v in found if v.name}


def test_a_program_is_proved_launch_by_launch(rewritten_large: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A kernel lost two arguments: the others are passed as before."""
    assert verdicts(rewritten_large, monkeypatch) == {"project": "unchanged", "rotate": "proved"}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("stage__ssa_v1, cos__ssa_v0, sin__ssa_v0)", "stage__ssa_v1, sin__ssa_v0, cos__ssa_v0)"),
        ('attrs={"core_num": 16})\n    def rotate_spmd', 'attrs={"core_num": 8})\n    def rotate_spmd'),
        ("pl.tile.col_expand_mul(", "pl.tile.col_expand_add("),
    ],
)
def test_launches_that_differ_prove_nothing(
    old: str, new: str, rewritten_large: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    changed = new.join(rewritten_large.rsplit(old, 1))
    assert changed != rewritten_large
    assert verdicts(changed, monkeypatch) == {}


def test_a_text_that_cannot_be_read_back_is_our_fault(
    facts: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
):
    """The user gave nothing wrong, so that no place in the output is of help."""
    print_op = PtoPrinter.print_op

    def broken(self: PtoPrinter, op: Operation) -> None:
        print_op(self, op)
        self.print_string("}")

    monkeypatch.setattr(PtoPrinter, "print_op", broken)
    out = tmp_path / "out.pto"
    assert opt(DATA / "rope_a" / "rope_a.pto", out, "--facts", facts) == 1
    assert (
        "internal error in writing the text: it cannot be read back: the output:" in capsys.readouterr().err
    )
    assert not out.exists()


@pytest.mark.parametrize(
    ("budget", "reason"), [(Budget(1 << 20, 60), "--max-memory"), (Budget(2 << 30, 0), "0 s")]
)
def test_the_proof_keeps_to_the_budget(budget: Budget, reason: str, tmp_path: Path) -> None:
    """A fused program is run on terms; where that costs too much, it is not known what it means."""
    path, out = DATA / "programs" / "compressor_chain.py", tmp_path / "out.py"
    assert opt(path, out, "-t", "pypto", passes="dsv4-fuse-stages{chip=a3 scope=all}") == 0
    before, after = parse_program(path.read_text()), parse_program(out.read_text())
    with limited(budget):
        (verdict,) = compare_program_modules(before, after, Allowed(), current().seconds)
    assert verdict.outcome == "undecided"
    assert reason in verdict.reason
    (verdict,) = compare_program_modules(before, after, Allowed(), 60)
    assert verdict.outcome == "proved"
