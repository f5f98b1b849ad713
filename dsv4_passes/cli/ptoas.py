"""The `dsv4-ptoas` command (see plugins/ptoas.py). It imports next to nothing by itself."""

import os
import sys

from dsv4_passes.plugins.prescan import run

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


def main(argv: "Sequence[str] | None" = None) -> int:
    """Run on `argv`, or on the arguments of this process."""
    return run(sys.argv[1:] if argv is None else argv, os.environ)


if __name__ == "__main__":
    sys.exit(main())
