"""The `dsv4-ptoas` command (see plugins/ptoas.py). It imports next to nothing by itself."""

import os
import sys

from dsv4_passes.plugins.prescan import CALLED, AssemblerCall, find_assembler, hand_over, may_be_rewritten

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def run(arguments: "Sequence[str]", environment: "Mapping[str, str]") -> int:
    """The command: the exit code of the real assembler, or 1 where there is none."""
    if list(arguments) == ["--root"]:
        from dsv4_passes.plugins.ptoas import make_root

        print(make_root(environment))
        return 0
    if list(arguments) == ["--dsv4-help"]:
        from .ptoas_help import HELP

        print(HELP, end="")
        return 0
    if environment.get(CALLED):
        problem = "the assembler that dsv4-ptoas calls is dsv4-ptoas again"
        print(f"dsv4-ptoas: error: {problem}; set DSV4_PTOAS to the real one", file=sys.stderr)
        return 1
    assembler = find_assembler(environment)
    if assembler is None:
        wanted = environment.get("DSV4_PTOAS")
        problem = f"DSV4_PTOAS names '{wanted}', which is no program" if wanted else "no ptoas on PATH"
        print(f"dsv4-ptoas: error: {problem}; set DSV4_PTOAS to the real assembler", file=sys.stderr)
        return 1
    call = AssemblerCall(arguments)
    if call.input is None:
        hand_over(assembler, arguments)
    name = arguments[call.input]
    try:
        if name == "-":
            text = sys.stdin.buffer.read()
        else:
            with open(name, "rb") as file:
                text = file.read()
    except OSError:
        hand_over(assembler, arguments)  # the assembler says what is wrong with it
    asked = "DSV4_PASSES" in environment or may_be_rewritten(text, bool(environment.get("DSV4_FACTS")))
    if not asked and name != "-":
        hand_over(assembler, arguments)
    from dsv4_passes.plugins.ptoas import Assembly

    assembly = Assembly(assembler, call, name, text, environment)
    return assembly.run() if asked else assembly.assemble_original()


def main(argv: "Sequence[str] | None" = None) -> int:
    """Run on `argv`, or on the arguments of this process."""
    return run(sys.argv[1:] if argv is None else argv, os.environ)


if __name__ == "__main__":
    sys.exit(main())
