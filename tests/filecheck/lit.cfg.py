"""lit configuration: `lit tests/filecheck`, or one folder or file of it.

Tools are taken from the environment that runs lit, whether or not it is activated. `%corpus` is `tests/data`.
"""

import os
import sys
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
for tool in TOOLS:
    # A whole word only: the folder is called filecheck too, and so are parts of every %s.
    config.substitutions.append((rf"(?<![\w./-]){tool}(?![\w./-])", str(BIN / tool)))

# A pass that loops is a failure, not a hang.
config.maxIndividualTestTime = 300  # seconds
