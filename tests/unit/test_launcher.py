"""Launchers of programs: both languages do the same, on a runtime that writes down what it is asked to do."""

import json
import runpy
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from dsv4_passes.cli.opt import main
from tests.unit.kernels import DATA

COMPILER = shutil.which("g++") or shutil.which("c++")
PROGRAMS = [
    *(f"{name}/program.py" for name in ("staged", "mixed", "rope_a")),
    *(
        f"programs/{name}.py"
        for name in ("views", "loops_in_place", "head_groups", "shapes", "chunked_select")
    ),
]

RECORDER = """
#include "launcher.hpp"
#include <cstdio>
struct Recorder : dsv4::Runtime {
  std::int64_t next = 1 << 20;
  void *allocate(std::size_t bytes) override {
    std::printf("allocate %zu\\n", bytes);
    return reinterpret_cast<void *>(next += 1 << 20);
  }
  void release(void *p) override { std::printf("release %lld\\n", (long long)p); }
  void launch(const char *kernel, dsv4::Core core, std::int64_t blocks,
              const std::vector<dsv4::Argument> &arguments) override {
    std::printf("launch %s %d %lld", kernel, int(core), (long long)blocks);
    for (auto &a : arguments) {
      if (a.kind == dsv4::Argument::memory) std::printf(" @%lld", (long long)a.pointer);
      else if (a.kind == dsv4::Argument::integer) std::printf(" %lld", (long long)a.integer_value);
      else if (a.kind == dsv4::Argument::floating) std::printf(" %g", a.floating_value);
      else std::printf(a.kind == dsv4::Argument::block_index ? " index" : " count");
    }
    std::printf("\\n");
  }
  void copy(const dsv4::Tensor &to, const dsv4::Tensor &from) override {
    std::printf("copy %lld %lld %lld\\n", (long long)to.data, (long long)from.data, (long long)from.count());
  }
  std::int64_t read(const dsv4::Tensor &e) override {
    std::printf("read %lld\\n", (long long)e.data);
    return 3;
  }
  void write(const dsv4::Tensor &e, std::int64_t v) override {
    std::printf("write %lld %lld\\n", (long long)e.data, (long long)v);
  }
};
int main() {
  Recorder runtime;
  NAME(runtimeARGUMENTS);
}
"""


def written(name: str, folder: Path) -> dict[str, Any]:
    assert main([str(DATA / name), "-t", "pto", "-o", str(folder), "--launcher", "--no-remarks"]) == 0
    return json.loads((folder / "program.json").read_text())


def given(parameter: dict[str, Any], number: int) -> tuple[int, int, list[int]] | int:
    """What is passed for a parameter: an address, bytes of an element and a shape, or a number."""
    if "shape" not in parameter:
        return 2
    element = {"bf16": 2, "f16": 2}.get(parameter["dtype"], 4)
    return number << 40, element, [d if isinstance(d, int) else 32 for d in parameter["shape"]]


def run_python(folder: Path, function: dict[str, Any]) -> list[str]:
    module = runpy.run_path(str(folder / "launcher.py"))
    said: list[str] = []

    class Recorder(module["Runtime"]):
        def __init__(self) -> None:
            self.next = 1 << 20

        def allocate(self, size: int) -> int:
            said.append(f"allocate {size}")
            self.next += 1 << 20
            return self.next

        def release(self, data: int) -> None:
            said.append(f"release {data}")

        def launch(self, kernel: str, core: Any, blocks: int, arguments: list[Any]) -> None:
            words = {id(self.BLOCK_INDEX): "index", id(self.BLOCK_COUNT): "count"}
            texts = [
                words.get(id(a)) or (f"@{a.data}" if hasattr(a, "data") else f"{a:g}") for a in arguments
            ]
            cores = {"cube": 0, "vector": 1, "mixed": 2}
            said.append(" ".join(["launch", kernel, str(cores[core.value]), str(blocks), *texts]))

        def copy(self, to: Any, source: Any) -> None:
            count = 1
            for extent in source.shape:
                count *= extent
            said.append(f"copy {to.data} {source.data} {count}")

        def read(self, element: Any) -> int:
            said.append(f"read {element.data}")
            return 3

        def write(self, element: Any, value: int) -> None:
            said.append(f"write {element.data} {value}")

    values = [given(p, i + 1) for i, p in enumerate(function["parameters"])]
    arguments = [module["Tensor"](*v) if isinstance(v, tuple) else v for v in values]
    module[function["name"]](Recorder(), *arguments)
    return said


def run_cpp(folder: Path, function: dict[str, Any]) -> list[str]:
    texts: list[str] = []
    for i, parameter in enumerate(function["parameters"]):
        value = given(parameter, i + 1)
        if isinstance(value, tuple):
            address, element, shape = value
            extents = ", ".join(map(str, shape))
            texts.append(f", dsv4::Tensor(reinterpret_cast<void *>({address}LL), {element}, {{{extents}}})")
        else:
            texts.append(f", {value}")
    source = RECORDER.replace("NAME", function["name"]).replace("ARGUMENTS", "".join(texts))
    (folder / "main.cpp").write_text(source)
    assert COMPILER is not None
    flags = ["-std=c++17", "-O0", "-Wall", "-Wextra", "-Werror", "-pedantic"]
    subprocess.run([COMPILER, *flags, "main.cpp", "-o", "main"], cwd=folder, check=True)
    return subprocess.run([folder / "main"], capture_output=True, text=True, check=True).stdout.splitlines()


@pytest.mark.parametrize("name", PROGRAMS)
def test_both_languages_launch_alike(name: str, tmp_path: Path):
    folder = tmp_path / "out"
    description = written(name, folder)
    (function,) = description["orchestration"]
    said = run_python(folder, function)
    launched = [line.split()[1] for line in said if line.startswith("launch")]
    assert set(launched) == {kernel["name"] for kernel in description["kernels"]}
    allocated = sum(line.startswith("allocate") for line in said)
    assert allocated == sum(line.startswith("release") for line in said)
    if COMPILER is None:
        pytest.skip("no C++ compiler: only the Python launcher was run")
    assert run_cpp(folder, function) == said


@pytest.mark.skipif(COMPILER is None, reason="no C++ compiler")
def test_kernels_in_a_library_are_called(tmp_path: Path):
    folder = tmp_path / "out"
    (function,) = written("staged/program.py", folder)["orchestration"]
    kernels = {
        k["name"]: len(k["arguments"]) for k in json.loads((folder / "program.json").read_text())["kernels"]
    }
    body = "".join(
        f'extern "C" void {name}(long long blocks, const long long *a) {{ '
        f'std::printf("{name} %lld %lld\\n", blocks, a[{count - 1}]); std::fflush(stdout); }}\n'
        for name, count in kernels.items()
    )
    (folder / "kernels.cpp").write_text(f"#include <cstdio>\n{body}")
    assert COMPILER is not None
    command = [COMPILER, "-shared", "-fPIC", "kernels.cpp", "-o", "kernels.so"]
    subprocess.run(command, cwd=folder, check=True)
    arguments = ", ".join(
        f"Tensor(runtime.allocate(1 << 20), 2, {p['shape']})" for p in function["parameters"]
    )
    call = f"{function['name']}(runtime, {arguments})"
    script = f"from launcher import *\nruntime = Library('./kernels.so')\n{call}\n"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=folder, capture_output=True, text=True, check=True
    )
    blocks = [line.split()[1:] for line in done.stdout.splitlines()]
    assert len(blocks) == len(kernels)
    assert all(first == second for first, second in blocks)  # the last argument is the number of blocks


def test_launchers_of_an_earlier_run_go_and_files_of_that_name_stay(tmp_path: Path):
    program = str(DATA / "staged" / "program.py")
    folder = tmp_path / "build"
    run = [program, "-t", "pto{chip=a3}", "-o", str(folder), "--no-remarks"]
    names = {"launcher.hpp", "launcher.py"}
    assert main([*run, "--launcher"]) == 0
    assert names <= {path.name for path in folder.iterdir()}
    assert main(run) == 0
    assert not names & {path.name for path in folder.iterdir()}
    (folder / "launcher.py").write_text("# mine\n")
    assert main(run) == 0
    assert (folder / "launcher.py").read_text() == "# mine\n"


def test_a_launcher_needs_a_program_that_becomes_texts(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    for source, target in (("rope_c/rope_c.pto", "pto"), ("staged/program.py", "pypto")):
        output = tmp_path / "out"
        assert main([str(DATA / source), "-t", target, "--launcher", "-o", str(output)]) == 1
        assert "error: --launcher is for programs that become .pto texts" in capsys.readouterr().err
        assert not output.exists()
