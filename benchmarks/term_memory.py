"""What lanes and terms take in memory: `python benchmarks/term_memory.py [TEXT.pto …]`.

Each kernel runs on terms once, in value form, while every allocation is counted (`tracemalloc`). Per term:
all that is held in the end, tiles and memoised results aside, over the number of terms (`BYTES_PER_TERM`).
Per lane: the most that was held, over the lanes by which a run is judged before it begins (`BYTES_PER_LANE`).
Without texts those of the tests are taken, and half a million products of loads. Nothing is asserted.
"""

import sys
import tracemalloc
from pathlib import Path

from rich.console import Console
from rich.table import Table

from dsv4_passes.diagnostics import UserError
from dsv4_passes.equivalence.lanes import LaneContext
from dsv4_passes.equivalence.term_domain import BYTES_PER_TERM
from dsv4_passes.equivalence.trip_limit import lanes
from dsv4_passes.formats.pto.reader import parse_file, parse_text
from dsv4_passes.validation.kernels import comparables

DATA = Path(__file__).resolve().parents[1] / "tests" / "data"


def products(count: int = 64) -> str:
    """A kernel of loads and their products, in which nearly every lane is a term of its own."""
    tile, view = "!pto.tile<vec, 64x64xf32>", "!pto.tensor_view<?x?xf32>"
    part = "!pto.partition_tensor_view<64x64xf32>"
    lines = [f"%c{n} = arith.constant {n} : index" for n in (0, 1, *(64 * i for i in range(1, count + 1)))]
    lines.append(
        f"%v = pto.make_tensor_view %x, shape = [%c{64 * count}, %c64], strides = [%c64, %c1] : {view}"
    )
    for i in range(count):
        at = f"offsets = [%c{64 * i}, %c0], sizes = [%c64, %c64]"
        lines.append(f"%p{i} = pto.partition_view %v, {at} : {view} -> {part}")
        lines.append(f"%t{i} = pto.tload ins(%p{i} : {part}) -> {tile}")
        lines.append(f"%m{i} = pto.tmul ins(%t{i}, %t{max(i - 1, 0)} : {tile}, {tile}) -> {tile}")
        lines.append(f"pto.tstore ins(%m{i} : {tile}) outs(%p{i} : {part})")
    body = "\n".join(lines)
    return f"func.func @products(%x: !pto.ptr<f32>) {{\n{body}\nreturn\n}}\n"


def main() -> None:
    given = [Path(name) for name in sys.argv[1:]] or sorted(DATA.rglob("*.pto"))
    modules = [parse_text(products(), "products.pto"), *map(parse_file, given)]
    table = Table("kernel", "terms", "lanes", "MB", "bytes per term", "bytes per lane")
    worst = [0.0, 0.0]
    for module in modules:
        for name, kernel in comparables(module).items():
            context = LaneContext()
            tracemalloc.start()
            try:
                run = kernel.run(context)
                held, most = tracemalloc.get_traced_memory()
            except UserError as error:
                table.add_row(name, "", "", "", str(error)[:60])
                continue
            finally:
                tracemalloc.stop()
            terms, counted = len(context.domain.table), lanes(kernel.kernel.functions, context.trips)
            results = context.domain.bytes - terms * BYTES_PER_TERM
            each = (held - run.bytes - results) / terms, most / counted
            worst = [max(pair) for pair in zip(worst, each, strict=True)]
            row = [f"{terms}", f"{counted}", f"{most / 1e6:.1f}", *(f"{figure:.0f}" for figure in each)]
            table.add_row(name, *row)
    table.add_row("most", "", "", "", *(f"{figure:.0f}" for figure in worst), style="bold")
    Console(width=120).print(table)


if __name__ == "__main__":
    main()
