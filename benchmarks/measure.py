"""What is measured: each function runs in a process of its own and returns plain numbers.

All times are CPU seconds of one process (user and system): other work on the machine disturbs them least.
"""

import gc
import io
import math
import os
import platform
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import redirect_stderr, redirect_stdout
from multiprocessing import get_context
from pathlib import Path
from typing import TypeVar

from generate import kernel

T = TypeVar("T")
DATA = Path(__file__).parents[1] / "tests" / "data"
KERNELS = (
    "rope_a/rope_a",
    "rope_b/rope_b",
    "rope_c/rope_c",
    "rope_d/rope_d",
    "staged/head_rotate",
    "mixed/unrotate",
)
PROGRAMS = ("rope_a", "rope_b", "rope_c", "rope_d", "staged", "mixed")
TARGETS = {"-t pto": ["-t", "pto"], "-p dsv4-rope -t pto": ["-p", "dsv4-rope", "-t", "pto"]}


def apart(function: Callable[..., T], *arguments: object) -> T:
    """Call a function of this module in a fresh process, so that neither caches nor memory are shared."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(function, *arguments).result()


def here(function: Callable[..., T], *arguments: object) -> T:
    """Call it in this process: quick, and good enough to see that everything runs."""
    return function(*arguments)


def machine() -> str:
    """Where the figures come from: processor, cores, Python."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [
            line.partition(":")[2].strip()
            for line in cpuinfo.read_text().splitlines()
            if "model name" in line
        ]
        model = names[0] if names else model
    return f"{model}, {os.cpu_count()} cores, Python {platform.python_version()}, {platform.system()}"


def timed(function: Callable[[], T]) -> tuple[float, T]:
    start = time.process_time()
    result = function()
    return time.process_time() - start, result


# -- a folder of kernels -----------------------------------------------------------------------------


def write_kernels(folder: Path, count: int) -> None:
    """Kernels of 60 to 200 lines: those of the tests in turn, and as many generated ones."""
    for i in range(count):
        target = folder / f"kernel{i:03}.pto"
        if i % 2:
            target.write_text(kernel(f"k{i}", 60 + i % 100, seed=i), encoding="utf-8")
        else:
            shutil.copyfile(DATA / f"{KERNELS[i // 2 % len(KERNELS)]}.pto", target)


def batch(count: int, options: Sequence[str]) -> float:
    """CPU seconds per kernel of `dsv4-opt DIR -o OUT`, in one process, when all modules are imported."""
    from dsv4_passes.cli.opt import main

    with tempfile.TemporaryDirectory() as folder:
        source, warm = Path(folder, "in"), Path(folder, "warm")
        for place, number in ((source, count), (warm, min(count, 2 * len(KERNELS)))):
            place.mkdir()
            write_kernels(place, number)

        def run(place: Path) -> int:
            with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
                return main([str(place), "-o", str(Path(folder, "out")), *options])

        run(warm)
        seconds, code = timed(lambda: run(source))
    if code:
        raise RuntimeError(f"dsv4-opt {' '.join(options)} failed on a kernel")
    return seconds / count


# -- one large kernel --------------------------------------------------------------------------------


def large(operations: int) -> dict[str, float]:
    """Operations, CPU seconds of each phase, and peak memory (bytes) of one generated kernel."""
    from xdsl.context import Context

    from dsv4_passes.formats.pto.reader import parse_text, verify_module
    from dsv4_passes.formats.pto.target import PtoTarget
    from dsv4_passes.transforms.lowering.lower_tiles import PtoLowerPass
    from dsv4_passes.transforms.raising.raise_tiles import PtoRaisePass

    gc.set_threshold(100_000, 50, 50)  # as dsv4-opt does

    def through(size: int) -> dict[str, float]:
        text, context, output = kernel("large", size), Context(), io.StringIO()
        found = dict[str, float]()
        found["parse"], module = timed(lambda: parse_text(text, "large.pto"))
        found["operations"] = sum(1 for _ in module.walk())
        found["verify"], _ = timed(lambda: verify_module(module))
        found["raise"], _ = timed(lambda: PtoRaisePass().apply(context, module))
        if any("pto.alloc_tile" in op.name for op in module.walk()):
            raise RuntimeError("the generated kernel was not raised")
        found["lower"], _ = timed(lambda: PtoLowerPass().apply(context, module))
        found["print"], _ = timed(lambda: PtoTarget().emit(context, module, output))
        return found

    through(100)  # imports, and classes made when they are first used
    found = through(operations)
    found["peak bytes"] = peak_bytes()
    return found


def peak_bytes() -> int:
    """The most memory that this process has had."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def growth(sizes: Sequence[float], seconds: Sequence[float]) -> float:
    """The exponent k of the best fit `seconds = c * size**k`: 1 is linear, 2 quadratic."""
    x, y = [math.log(n) for n in sizes], [math.log(max(s, 1e-9)) for s in seconds]
    mean_x, mean_y = sum(x) / len(x), sum(y) / len(y)
    spread = sum((a - mean_x) ** 2 for a in x)
    return (
        sum((a - mean_x) * (b - mean_y) for a, b in zip(x, y, strict=True)) / spread if spread else math.nan
    )


# -- whole commands ----------------------------------------------------------------------------------


def command(arguments: Sequence[str], repeats: int) -> float:
    """The least CPU seconds of a command, started anew each time."""
    least = math.inf
    for _ in range(repeats):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, *arguments], check=True, capture_output=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        least = min(least, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return least


def commands(repeats: int) -> Mapping[str, float]:
    """What starting costs."""
    tool = ["-m", "dsv4_passes.cli.opt"]
    small = str(DATA / "staged" / "reassemble.pto")
    return {
        "python": command(["-c", "pass"], repeats),
        "import dsv4_passes.cli.opt": command(["-c", "import dsv4_passes.cli.opt"], repeats),
        "dsv4-opt --help": command([*tool, "--help"], repeats),
        "dsv4-opt on a kernel of 45 lines": command([*tool, small, "-t", "pto"], repeats),
        "the same with -p dsv4-rope": command([*tool, small, "-p", "dsv4-rope", "-t", "pto"], repeats),
    }


# -- the inputs of the tests -------------------------------------------------------------------------


def rope(path: str) -> float:
    """CPU seconds of `dsv4-rope` with printing, on one kernel or program with all its facts."""
    from dsv4_passes.cli.opt import main

    facts = Path(path).with_name("inputs.npz")
    target = "pypto" if path.endswith(".py") else "pto"
    options = ["-p", "dsv4-rope{chip=a3}", "-t", target, *(["--facts", str(facts)] if facts.exists() else [])]

    def run() -> int:
        with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
            return main([path, *options])

    run()
    seconds, code = timed(run)
    if code:
        raise RuntimeError(f"dsv4-opt {path} {' '.join(options)} failed")
    return seconds


def inputs() -> list[Path]:
    """The kernels and programs of the tests that `rope` is run on."""
    kernels = [DATA / f"{name}.pto" for name in KERNELS]
    return [
        *kernels,
        *(DATA / name / "program.py" for name in PROGRAMS),
        *sorted((DATA / "programs").glob("*.py")),
    ]
