"""`make demo`: a kernel before and after, what was said about it, and both run on the same numbers.

The kernel comes from tests/data/staged, as pypto emitted it. Exit code 1 if any bit differs.
"""

import re
import shlex
import sys
from collections.abc import Mapping
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path

from dsv4_passes.cli import opt
from dsv4_passes.cli.run import run_on_arrays
from dsv4_passes.formats.pto.reader import parse_text
from dsv4_passes.interpreter.kernels import choose_kernel, find_kernels
from dsv4_passes.npz import Array, read_npz

Arrays = Mapping[str, Array]

FOLDER = Path(__file__).resolve().parents[1] / "tests" / "data" / "staged"
KERNEL, ARRAYS = FOLDER / "reassemble.pto", FOLDER / "cpu_sim.npz"
BLOCKS = 4
PASSES = ["-p", 'dsv4-rope{chip=a3 ptoas="0.60" form=bit-pack}', "-t", 'pto{ptoas="0.60"}']


def main() -> int:
    before = KERNEL.read_text(encoding="utf-8")
    title("A cube kernel that puts even and odd lanes back together, as pypto emitted it. Its heart:")
    show(heart(before))

    title("The command:")
    arguments = [shown(KERNEL), "--facts", shown(ARRAYS), "--remarks", *PASSES]
    show(shlex.join(["dsv4-opt", *arguments]))
    after, remarks = dsv4_opt("--facts", str(ARRAYS))
    if "tmatmul" in after:
        sys.exit(f"the kernel was not rewritten:\n{remarks}")

    title("What it prints: a kernel without matmul, for ptoas 0.60")
    print(after)
    title("What it says about it:")
    show(remarks)

    title("Without the facts, nothing is known of the two select matrices, and the kernel stays:")
    unchanged, remarks = dsv4_opt()
    show(remarks)

    title(f"Both kernels on numpy, {BLOCKS} blocks, the same inputs:")
    stored = read_npz(str(ARRAYS))
    old, new = run(before, stored), run(after, stored)
    expected = {name: stored[name] for name in old}
    return not all(
        [
            verdict("before and after", old, new),
            verdict("after and the real toolchain", new, expected),
            verdict("before and the kernel left alone", old, run(unchanged, stored)),
        ]
    )


def dsv4_opt(*options: str) -> tuple[str, str]:
    """What the command writes on stdout and on stderr; ends the demo if it fails."""
    with redirect_stdout(StringIO()) as text, redirect_stderr(StringIO()) as remarks:
        code = opt.main([str(KERNEL), *options, "--remarks", *PASSES])
    if code:
        sys.exit(remarks.getvalue())
    return text.getvalue(), remarks.getvalue().replace(str(KERNEL), shown(KERNEL))


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
