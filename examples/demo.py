"""`make demo`: the way of a kernel from the cube to shifts of words, what each form costs, and what is said.

The kernel comes from tests/data/staged, as pypto emitted it. It and the results run on the same numbers: exit
code 1 if any bit differs.
"""

import re
import shlex
import sys
from collections.abc import Iterator, Mapping
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path

from xdsl.context import Context
from xdsl.dialects import func
from xdsl.dialects.builtin import ModuleOp

from dsv4_passes.cli import opt
from dsv4_passes.cli.run import run_on_arrays
from dsv4_passes.diagnostics import collect
from dsv4_passes.formats.pto.reader import parse_text
from dsv4_passes.interpreter.kernels import choose_kernel, find_kernels
from dsv4_passes.npz import Array, read_npz
from dsv4_passes.targets import chip, total
from dsv4_passes.transforms.bind_facts import bind_arrays
from dsv4_passes.transforms.common.cost import function_cost
from dsv4_passes.transforms.common.decisions import record
from dsv4_passes.transforms.lanes.ways import STYLES
from dsv4_passes.transforms.rope import RopePass

Arrays = Mapping[str, Array]

FOLDER = Path(__file__).resolve().parents[1] / "tests" / "data" / "staged"
KERNEL, ARRAYS = FOLDER / "reassemble.pto", FOLDER / "cpu_sim.npz"
BLOCKS = 4
PASSES = ["-p", 'dsv4-rope{chip=a3 ptoas="0.60"}', "-t", 'pto{ptoas="0.60"}']
WAIT = 100
"""Cycles that a task is said to wait for a product. Nobody publishes a number: this one is an example."""


def main() -> int:
    before = KERNEL.read_text(encoding="utf-8")
    title("A cube kernel that puts even and odd lanes back together, as pypto emitted it. Its heart:")
    show(heart(before))

    title("What it costs in each form by the model, alone: the products, then what `form=` writes")
    for form, cycles in costs(before):
        show(f"{form:14}{cycles:>14} cycles")

    title("So, counted alone, nothing is cheaper than the two products, and they stay:")
    facts = ["--facts", str(ARRAYS)]
    stays, remarks = dsv4_opt(*facts)
    show(remarks)

    title(
        "But the task that uses their result waits for the cube. State how long, and it is counted"
        f"\n(here {WAIT} cycles, as an example: no number is published). The command:"
    )
    assumed = ["--assume", f"task_hand_over={WAIT}"]
    arguments = [shown(KERNEL), "--facts", shown(ARRAYS), *assumed, "--remarks", *PASSES]
    show(shlex.join(["dsv4-opt", *arguments]))
    after, remarks = dsv4_opt(*facts, *assumed)
    if "tmatmul" in after:
        sys.exit(f"the kernel was not rewritten:\n{remarks}")

    title("What it prints: a kernel without matmul, bits that are shifted and joined, for ptoas 0.60")
    print(after)
    title("What it says about it:")
    show(remarks)

    title("Without the facts, nothing is known of the two select matrices, and the kernel stays:")
    unchanged, remarks = dsv4_opt()
    show(remarks)

    title(f"All of them on numpy, {BLOCKS} blocks, the same inputs:")
    stored = read_npz(str(ARRAYS))
    old, new = run(before, stored), run(after, stored)
    expected = {name: stored[name] for name in old}
    return not all(
        [
            verdict("before and after", old, new),
            verdict("after and the real toolchain", new, expected),
            verdict("before and the kernels left alone", old, run(unchanged, stored)),
            verdict("before and the products that stay", old, run(stays, stored)),
        ]
    )


def dsv4_opt(*options: str) -> tuple[str, str]:
    """What the command writes on stdout and on stderr; ends the demo if it fails."""
    with redirect_stdout(StringIO()) as text, redirect_stderr(StringIO()) as remarks:
        code = opt.main([str(KERNEL), *options, "--remarks", *PASSES])
    if code:
        sys.exit(remarks.getvalue())
    said = remarks.getvalue()
    for path in (KERNEL, ARRAYS):
        said = said.replace(str(path), shown(path))
    return text.getvalue(), said


def costs(text: str) -> Iterator[tuple[str, str]]:
    """Model cycles of the kernel as it is, and in each form that `dsv4-rope{form=…}` writes."""
    yield "matmul", cycles_of(parse_text(text, shown(KERNEL)))
    for form in STYLES:
        module = parse_text(text, shown(KERNEL))
        with record() as decisions, collect():
            bind_arrays(module, str(ARRAYS))
            RopePass("a3", form=form).apply(Context(), module)
        if form in {decision.form for decision in decisions.entries}:  # the others do not put lanes together
            yield form, cycles_of(module)


def cycles_of(module: ModuleOp) -> str:
    functions = (op for op in module.walk() if isinstance(op, func.FuncOp))
    return str(total(function_cost(function, chip("a3")).cycles for function in functions))


def run(text: str, stored: Arrays) -> Arrays:
    """The outputs of a kernel. What is stored of them is not among its inputs: they start as zeros."""
    kernel = choose_kernel(find_kernels(parse_text(text, shown(KERNEL))), None, shown(KERNEL))
    outputs = {argument.name for argument in kernel.arguments.values() if argument.stored}
    inputs = {name: array for name, array in stored.items() if name not in outputs}
    return run_on_arrays(kernel, inputs, BLOCKS, shown(ARRAYS))


def verdict(what: str, left: Arrays, right: Arrays) -> bool:
    """Compare bits, so that -0 is not +0 and a NaN is what it is."""
    same = left.keys() == right.keys() and all(left[n].tobytes() == right[n].tobytes() for n in left)
    lanes = ", ".join(f"{name}: {array.size} lanes of {array.dtype}" for name, array in left.items())
    show(f"{what}: {'equal bit for bit' if same else 'THEY DIFFER'} ({lanes})")
    return same


# -- on the screen -----------------------------------------------------------------------------------


def heart(text: str) -> str:
    """The products and what surrounds them, without types."""
    lines = [line.strip() for line in text.splitlines()]
    kept = [line for line in lines if line.startswith(("pto.tload", "pto.tmov", "pto.tmatmul", "pto.tstore"))]
    return "\n".join(re.sub(r" : !pto[^()]*\)", ")", line) for line in kept)


def title(text: str) -> None:
    print(f"\n{text}\n")


def show(text: str) -> None:
    for line in text.splitlines():
        print(f"    {line}")


def shown(path: Path) -> str:
    return str(path.relative_to(FOLDER.parents[2]))


if __name__ == "__main__":
    code = main()
    print(
        "\nThe toolchain's result was computed by ptoas 0.60 and the CPU simulator of pto-isa."
        "\nA simulator is not an NPU: nothing here was run on one."
    )
    sys.exit(code)
