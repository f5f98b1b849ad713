"""What `dsv4-rope` makes of the kernels and programs of the tests, against split-half, by the cost model.

Split-half moves no lanes: it is what the rotation costs by itself, with the shape, element types and tables
of the kernel. A program's kernels are added up, one task each.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lane_costs import form_costs
from lane_forms import Case, ends, halves
from value_kernel import Kernel, Value
from xdsl.context import Context
from xdsl.dialects import func
from xdsl.dialects.builtin import ModuleOp

from dialects.pto.base import TileOp
from dsv4_passes.formats.pto.reader import parse_text
from dsv4_passes.formats.pypto import parse_program
from dsv4_passes.targets import chip
from dsv4_passes.transforms.bind_facts import BindFactsPass
from dsv4_passes.transforms.common.cost import function_cost
from dsv4_passes.transforms.rope import RopePass

DATA = Path(__file__).parents[1] / "tests" / "data"


@dataclass(frozen=True)
class Input:
    """A kernel or program, and the rotation in it."""

    path: str
    case: Case
    tables: str = "half"
    """Width of the tables: `half` or `full`, or `row` for one row of half the width."""
    table_dtype: str = "bf16"
    besides: str = ""
    """What it does that split-half does not."""

    @property
    def failing(self) -> list[str]:
        """Which preconditions of the bit and transpose forms do not hold for the shape."""
        rows, cols = self.case.rows, self.case.cols
        failing: list[str] = []
        if rows * cols // 2 % 64:
            failing.append("halves do not fill vectors of 64 lanes")
        if cols // 2 * 2 % 32:
            failing.append("half a bf16 row is no multiple of 32 bytes")
        if rows % 16:
            failing.append("transposes want a multiple of 16 rows")
        return failing + [self.besides] * bool(self.besides)


_ROPE = Case(32, 64, "bf16", "bf16")
INPUTS: tuple[Input, ...] = tuple(
    Input(f"{name}/{file}", case, tables, besides="(scales every row, too)" if name == "staged" else "")
    for name, files, case, tables in (
        ("rope_a", ("rope_a.pto", "program.py"), _ROPE, "half"),
        ("rope_b", ("rope_b.pto", "program.py"), _ROPE, "half"),
        ("rope_c", ("rope_c.pto", "program.py"), _ROPE, "half"),
        ("rope_d", ("rope_d.pto", "program.py"), _ROPE, "full"),
        ("staged", ("program.py",), Case(64, 64, "f32", "bf16"), "half"),
        ("mixed", ("program.py",), _ROPE, "row"),
    )
    for file in files
)


def facts_of(path: Path) -> Path | None:
    """The arrays that a kernel or program of the tests is run with."""
    beside = (path.with_name(name) for name in ("inputs.npz", "cpu_sim.npz"))
    return next((file for file in beside if file.exists()), None)


@dataclass(frozen=True)
class Result:
    """Model cycles of an input, of what it becomes, and of split-half."""

    source: Input
    before: float
    after: float
    yardstick: float
    left: tuple[str, ...]
    """Operations that no good form has on A2/A3 and that are still there."""


def result(source: Input, target: str = "a3") -> Result:
    """Run `dsv4-rope` with all facts."""
    path = DATA / source.path
    text = path.read_text(encoding="utf-8")
    parse = parse_program if path.suffix == ".py" else parse_text
    before, after = parse(text, path.name), parse(text, path.name)
    context = Context()
    if (facts := facts_of(path)) is not None:
        BindFactsPass(file=str(facts)).apply(context, after)
    RopePass(chip=target).apply(context, after)
    yardsticks = [
        form_costs(lambda k, case, joined=joined: split_half(k, case, source, joined), source.case, target)
        for joined in (True, False)
    ]
    yardstick = min(costs.cycles.cycles for costs in yardsticks)
    left = {name for function in _kernels(after) for op in function.walk() if (name := _costly(op))}
    return Result(source, _cycles(before, target), _cycles(after, target), yardstick, tuple(sorted(left)))


def split_half(k: Kernel, case: Case, source: Input, joined: bool) -> None:
    """Split-half with the tables of the input, which may be converted by one operation."""
    low, high = (k.wide(k.load(case.rows, case.half, case.source)) for _ in range(2))
    if case.source != "f32":
        low, high = k.apart(k.convert(k.beside(low, high), "f32"))
    ends(k, case, *halves(k, low, high, *_tables(k, case, source, joined)))


def _tables(k: Kernel, case: Case, source: Input, joined: bool) -> tuple[Value, Value]:
    """Cosine and sine as f32."""
    if joined and source.tables == "half" and source.table_dtype != "f32":
        cos, sin = (k.wide(k.load(case.rows, case.half, source.table_dtype)) for _ in range(2))
        return k.apart(k.convert(k.beside(cos, sin), "f32"))
    return _table(k, case, source), _table(k, case, source)


def _table(k: Kernel, case: Case, source: Input) -> Value:
    if source.tables == "row":
        row = k.convert(k.load(1, case.half, source.table_dtype), "f32")
        return k.wide(k.op("tcolexpand", [row], shape=(case.rows, case.half)))
    if source.tables == "full":
        whole = k.wide(k.load(case.rows, case.cols, source.table_dtype))
        return k.convert(k.apart(whole)[0], "f32")
    return k.convert(k.wide(k.load(case.rows, case.half, source.table_dtype)), "f32")


def _costly(op: object) -> str:
    if not isinstance(op, TileOp):
        return ""
    name = op.mnemonic()
    return name if name.startswith(("tscatter", "tmatmul")) else ""


def _cycles(module: ModuleOp, target: str) -> float:
    return sum(function_cost(f, chip(target)).cycles.cycles for f in _kernels(module))


def _kernels(module: ModuleOp) -> Sequence[func.FuncOp]:
    return [
        f
        for f in module.walk()
        if isinstance(f, func.FuncOp) and any(isinstance(o, TileOp) for o in f.walk())
    ]
