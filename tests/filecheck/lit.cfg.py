"""lit configuration: `lit tests/filecheck`, or one folder or file of it.

Tools are taken from the environment that runs lit, whether or not it is activated. `%corpus` is `tests/data`.

One process imports the tools once and forks for every RUN line (`tool_server.py`), because importing is most
of what a small test would do. With `--param processes=1` each RUN line starts its console script.
"""

import os
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

from lit.formats import ShTest

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent  # not resolved: a venv's python is a link out of the venv
TOOLS = ("dsv4-opt", "dsv4-run", "dsv4-validate", "xdsl-opt", "filecheck")

config.name = "dsv4_passes"
config.test_format = ShTest(execute_external=False)
config.suffixes = [".mlir", ".pto", ".test"]
config.excludes = ["Inputs"]
config.test_source_root = str(Path(__file__).parent)
config.test_exec_root = str(ROOT / ".lit")
config.environment["PATH"] = os.pathsep.join((str(BIN), config.environment.get("PATH", "")))

config.substitutions.append(("%corpus", str(ROOT / "tests" / "data")))


def served() -> str | None:
    """How a RUN line calls a tool of the server; None where it starts the console script."""
    if lit_config.params.get("processes") or not hasattr(socket, "AF_UNIX") or not hasattr(os, "fork"):
        return None
    folder, path = Path(__file__).parent, Path(tempfile.mkdtemp(prefix="dsv4-tools-")) / "socket"
    subprocess.Popen(
        [sys.executable, folder / "tool_server.py", str(os.getpid()), path, *TOOLS],
        env=config.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    return f"{sys.executable} -I -S {folder / 'tool_client.py'} {path} "


client = served() or ""
for tool in TOOLS:
    # A whole word only: the folder is called filecheck too, and so are parts of every %s.
    config.substitutions.append((rf"(?<![\w./-]){tool}(?![\w./-])", client + str(BIN / tool)))

# A pass that loops is a failure, not a hang.
config.maxIndividualTestTime = 300  # seconds
