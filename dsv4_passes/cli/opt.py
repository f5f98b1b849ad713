"""The `dsv4-opt` command: one file, or a folder of them."""

# PYTHON_ARGCOMPLETE_OK: the shell may ask this tool what could follow
import sys
from collections.abc import Sequence
from pathlib import Path

from dsv4_passes.diagnostics import collect

from .common import run_tool
from .driver import Dsv4OptMain
from .messages import Messages


def _run(argv: Sequence[str] | None, messages: Messages) -> int:
    tool = Dsv4OptMain(argv)
    if tool.args.input_file is not None and Path(tool.args.input_file).is_dir():
        from .batch import run_batch

        return run_batch(tool, list(sys.argv[1:] if argv is None else argv), messages)
    with collect() as diagnostics:
        try:
            tool.run()
        finally:
            messages.show(diagnostics, tool.args)
    return 0


def main(argv: Sequence[str] | None = None) -> int:
    return run_tool("dsv4-opt", lambda messages: _run(argv, messages), argv)


if __name__ == "__main__":
    sys.exit(main())
