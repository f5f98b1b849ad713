"""The `dsv4-opt` command: one file, or a folder of them."""

import sys
from collections.abc import Sequence
from pathlib import Path

from xdsl.utils.exceptions import ArgSpecParseError

from dsv4_passes.diagnostics import UserError, collect

from .common import explain, run_tool
from .driver import Dsv4OptMain
from .messages import Messages, format_in


def _run(argv: Sequence[str] | None) -> int:
    try:
        tool = Dsv4OptMain(argv)
    except (UserError, ArgSpecParseError, ValueError) as error:  # before the options are known
        messages = Messages(format_in(sys.argv[1:] if argv is None else argv))
        if messages.format == "text":
            raise
        messages.failure(explain(error))
        messages.close()
        return 1
    messages = Messages(tool.args.diagnostic_format)
    if tool.args.input_file is not None and Path(tool.args.input_file).is_dir():
        from .batch import run_batch

        code = run_batch(tool, list(sys.argv[1:] if argv is None else argv), messages)
        messages.close()
        return code
    with collect() as diagnostics:
        try:
            tool.run()
        except (Exception, ArgSpecParseError) as error:
            if messages.format == "text" or isinstance(error, BrokenPipeError):
                messages.show(diagnostics, tool.args)
                raise
            messages.show(diagnostics, tool.args)
            messages.failure(explain(error))
            messages.close()
            return 1
    messages.show(diagnostics, tool.args)
    messages.close()
    return 0


def main(argv: Sequence[str] | None = None) -> int:
    return run_tool(lambda: _run(argv))


if __name__ == "__main__":
    sys.exit(main())
