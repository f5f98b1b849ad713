"""Run the planted bugs: each must be noticed. `make mutants`, or

    python tests/mutants/run_mutants.py [-k WORD] [--list]

A mutant is made in a copy of the source tree; its workloads run as `dsv4-opt` does for people. It is noticed
if one of them ends with exit code 1 and no output although the unchanged project writes one. The exit code is
1 if a mutant survives, or its text is no longer in the file it speaks of.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.mutants.mutants import MUTANTS, Mutant  # noqa: E402

FACTS = '"even_sel*" = "even"\n"odd_sel*" = "odd"\n'
ROPE, LOWER = "dsv4-rope{chip=a3}", "pto-raise,pto-join-mixed,pto-split-mixed,pto-lower"
LOOP = """
module attributes {pto.target_arch = "a3"} {
func.func @loop(%x: !pto.ptr<f32>, %out: !pto.ptr<f32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c3 = arith.constant 3 : index
  %c16 = arith.constant 16 : index
  %c48 = arith.constant 48 : index
  %v = pto.make_tensor_view %x, shape = [%c48, %c16], strides = [%c16, %c1] : !pto.tensor_view<?x?xf32>
  %w = pto.make_tensor_view %out, shape = [%c48, %c16], strides = [%c16, %c1] : !pto.tensor_view<?x?xf32>
  %p = pto.partition_view %v, offsets = [%c0, %c0], sizes = [%c16, %c16] : !pto.tensor_view<?x?xf32> -> !pto.partition_tensor_view<16x16xf32>
  %base = pto.tload ins(%p : !pto.partition_tensor_view<16x16xf32>) -> !pto.tile<vec, 16x16xf32>
  scf.for %i = %c0 to %c3 step %c1 {
    %r = arith.muli %i, %c16 : index
    %q = pto.partition_view %v, offsets = [%r, %c0], sizes = [%c16, %c16] : !pto.tensor_view<?x?xf32> -> !pto.partition_tensor_view<16x16xf32>
    %t = pto.tload ins(%q : !pto.partition_tensor_view<16x16xf32>) -> !pto.tile<vec, 16x16xf32>
    %s = pto.tadd ins(%t, %base : !pto.tile<vec, 16x16xf32>, !pto.tile<vec, 16x16xf32>) -> !pto.tile<vec, 16x16xf32>
    %e = pto.texp ins(%s : !pto.tile<vec, 16x16xf32>) -> !pto.tile<vec, 16x16xf32>
    %o = pto.partition_view %w, offsets = [%r, %c0], sizes = [%c16, %c16] : !pto.tensor_view<?x?xf32> -> !pto.partition_tensor_view<16x16xf32>
    pto.tstore ins(%e : !pto.tile<vec, 16x16xf32>) outs(%o : !pto.partition_tensor_view<16x16xf32>)
  }
  return
}
}
"""  # noqa: E501


OUTSIDE = """  %z = pto.partition_view %w, offsets = [%c0, %c0], sizes = [%c16, %c16] : !pto.tensor_view<?x?xf32> -> !pto.partition_tensor_view<16x16xf32>
"""  # noqa: E501
ASSEMBLE = """
module attributes {pto.target_arch = "a3"} {
func.func @k(%x: !pto.ptr<f32>, %out: !pto.ptr<f32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c8 = arith.constant 8 : index
  %c16 = arith.constant 16 : index
  %c32 = arith.constant 32 : index
  %v = pto.make_tensor_view %x, shape = [%c32, %c16], strides = [%c16, %c1] : !pto.tensor_view<?x?xf32>
  %w = pto.make_tensor_view %out, shape = [%c32, %c16], strides = [%c16, %c1] : !pto.tensor_view<?x?xf32>
  %p = pto.partition_view %v, offsets = [%c0, %c0], sizes = [%c32, %c16] : !pto.tensor_view<?x?xf32> -> !pto.partition_tensor_view<32x16xf32>
  %q = pto.partition_view %w, offsets = [%c0, %c0], sizes = [%c32, %c16] : !pto.tensor_view<?x?xf32> -> !pto.partition_tensor_view<32x16xf32>
  %t = pto.tload ins(%p : !pto.partition_tensor_view<32x16xf32>) -> !pto.tile<vec, 32x16xf32>
  %a = pto.subview %t[%c8, %c0] sizes [8, 16] : !pto.tile<vec, 32x16xf32> -> !pto.tile<vec, 8x16xf32>
  %e = pto.texp ins(%a : !pto.tile<vec, 8x16xf32>) -> !pto.tile<vec, 8x16xf32>
  %u = pto.insert %e into %t[%c16, %c0] : !pto.tile<vec, 8x16xf32> into !pto.tile<vec, 32x16xf32> -> !pto.tile<vec, 32x16xf32>
  %b = pto.subview %u[%c16, %c8] sizes [8, 8] : !pto.tile<vec, 32x16xf32> -> !pto.tile<vec, 8x8xf32>
  %n = pto.tneg ins(%b : !pto.tile<vec, 8x8xf32>) -> !pto.tile<vec, 8x8xf32>
  %z = pto.insert %n into %u[%c0, %c8] : !pto.tile<vec, 8x8xf32> into !pto.tile<vec, 32x16xf32> -> !pto.tile<vec, 32x16xf32>
  pto.tstore ins(%z : !pto.tile<vec, 32x16xf32>) outs(%q : !pto.partition_tensor_view<32x16xf32>)
  return
}
}
"""  # noqa: E501
TEXTS = {
    "ASSEMBLE": ASSEMBLE,
    "LOOP": LOOP,
    # each trip adds to what the trip before has stored
    "IN PLACE": LOOP.replace("  scf.for", OUTSIDE + "  scf.for").replace("ins(%q", "ins(%z"),
}
"""Kernels that are in no file."""


def kernel(name: str, passes: str = ROPE) -> list[str]:
    return [f"tests/data/{name}.pto", "-p", passes, "-t", "pto"]


def program(name: str, target: str = "pypto", passes: str = ROPE) -> list[str]:
    return [f"tests/data/{name}.py", "-p", passes, "-t", target]


WORKLOADS = {
    "rope_a": kernel("rope_a/rope_a"),
    "rope_b": kernel("rope_b/rope_b"),
    "rope_c": kernel("rope_c/rope_c"),
    "rope_d": kernel("rope_d/rope_d"),
    "unrotate": kernel("mixed/unrotate"),
    "rope_a-lower": kernel("rope_a/rope_a", LOWER),
    "rope_b-lower": kernel("rope_b/rope_b", LOWER),
    "rope_d-lower": kernel("rope_d/rope_d", LOWER),
    "unrotate-lower": kernel("mixed/unrotate", LOWER),
    "reassemble-lower": kernel("staged/reassemble", LOWER),
    "loop": ["LOOP", "-p", "dsv4-hoist-fills{chip=a3},pto-lower", "-t", "pto"],
    "in-place": ["IN PLACE", "-p", "dsv4-hoist-fills{chip=a3},pto-lower", "-t", "pto"],
    "loop-lower": ["LOOP", "-p", "pto-lower", "-t", "pto"],
    "assemble": ["ASSEMBLE", "-p", "pto-lower", "-t", "pto"],
    "assemble-level2": ["ASSEMBLE", "-p", "pto-lower{level=level2}", "-t", "pto"],
    "bitpack-level2": kernel("handwritten/bitpack_rope_l2", "pto-raise,pto-lower{level=level2}"),
    "half_rewritten": program("programs/half_rewritten"),
    "preserve_blend-fuse": program("programs/preserve_blend", "pypto", "dsv4-fuse-stages{chip=a3}"),
    "other_grid-folder": program("programs/other_grid", "pto"),
    "column_chunks-folder": program("programs/column_chunks", "pto"),
    "rope_c-lanes": program("rope_c/program", "pypto", "dsv4-rope{chip=a3 form=scatter-pair}"),
    "staged": program("staged/program"),
    "staged-folder": program("staged/program", "pto"),
    "mixed": program("mixed/program"),
    "mixed-folder": program("mixed/program", "pto", "dsv4-fuse-stages{chip=a3}"),
    "other_grid": program("programs/other_grid"),
    "sibling_loops": program("programs/sibling_loops"),
    "head_groups": program("programs/head_groups"),
    "column_chunks": program("programs/column_chunks"),
    "chunked_select": program("programs/chunked_select"),
    "two_roundings": program("programs/two_roundings"),
    "preserve_blend": program("programs/preserve_blend"),
    "rope_b-program": program("rope_b/program"),
    "rope_c-program": program("rope_c/program"),
    "rope_d-program": program("rope_d/program"),
    "fused-only": program("staged/program", "pypto", "dsv4-fuse-stages{chip=a3}"),
}


def copy_of_project(into: Path) -> None:
    for name in ("dialects", "dsv4_passes", "tests"):
        shutil.copytree(ROOT / name, into / name, ignore=shutil.ignore_patterns("__pycache__", "mutants"))
    shutil.copy(ROOT / "pyproject.toml", into)


def run(arguments: list[str], tree: Path) -> subprocess.CompletedProcess[str]:
    """A Python of this environment that imports the copy."""
    environment = {**os.environ, "PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, *arguments]
    return subprocess.run(
        command, cwd=tree, env=environment, capture_output=True, text=True, timeout=600, check=False
    )


def workload(name: str, tree: Path) -> subprocess.CompletedProcess[str]:
    source, *rest = WORKLOADS[name]
    out = tree / "out" / name
    shutil.rmtree(out, ignore_errors=True)
    out.unlink(missing_ok=True) if out.is_file() else None
    out.parent.mkdir(exist_ok=True)
    facts = tree / "facts.toml"
    facts.write_text(FACTS)
    if source in TEXTS:
        (tree / "loop.pto").write_text(TEXTS[source])
        source = "loop.pto"
    stated = ["--facts", str(facts)] if "select" in (tree / source).read_text() else []
    done = run(["-m", "dsv4_passes.cli.opt", source, *rest, *stated, "-o", str(out)], tree)
    assert (done.returncode == 0) == out.exists()
    return done


def survives(mutant: Mutant, tree: Path) -> str | None:
    """None if the mutant is noticed, else how it went on."""
    if mutant.test:
        done = run(["-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *mutant.test.split()], tree)
        return None if done.returncode == 1 else f"{mutant.test} passes: {done.stdout[-200:]}"
    for name in mutant.runs:
        if workload(name, tree).returncode == 1:
            return None
    return f"none of {', '.join(mutant.runs)} notices it"


def check(mutants: list[Mutant], tree: Path) -> Iterator[tuple[Mutant, str | None]]:
    for mutant in mutants:
        file = tree / mutant.file
        text = file.read_text()
        if text.count(mutant.old) != 1:
            yield mutant, f"its text stands {text.count(mutant.old)} times in {mutant.file}"
            continue
        file.write_text(text.replace(mutant.old, mutant.new))
        try:
            yield mutant, survives(mutant, tree)
        finally:
            file.write_text(text)


def main() -> int:
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("-k", default="", metavar="WORD", help="only mutants whose stage has this word")
    options.add_argument("--list", action="store_true", help="say what there is")
    arguments = options.parse_args()
    chosen = [m for m in MUTANTS if arguments.k in m.stage]
    if arguments.list:
        print("\n".join(m.stage for m in chosen))
        return 0
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder)
        copy_of_project(tree)
        wrong = [n for n in {r for m in chosen for r in m.runs} if workload(n, tree).returncode]
        if wrong:
            print(f"without a mutant these fail: {', '.join(wrong)}")
            return 1
        survivors = 0
        for mutant, how in check(chosen, tree):
            survivors += how is not None
            print(
                f"{'noticed ' if how is None else 'SURVIVES'}  {mutant.stage}{f': {how}' if how else ''}",
                flush=True,
            )
    print(f"{len(chosen) - survivors} of {len(chosen)} mutants noticed")
    return int(survivors > 0)


if __name__ == "__main__":
    sys.exit(main())
