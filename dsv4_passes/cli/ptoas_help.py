"""What `dsv4-ptoas --dsv4-help` says; `--help` is the assembler's own."""

HELP = """\
usage: dsv4-ptoas ARGUMENTS-OF-PTOAS
       dsv4-ptoas --root
       dsv4-ptoas --dsv4-help

Rewrite the kernel for the chip (--pto-arch) and the version of the real ptoas, and call that with the same
arguments. Exit code and diagnostics are its own. A build never fails because of the rewrite: what cannot be
rewritten, or what the assembler rejects, is assembled as it is, with a warning.

options:
  --root        print a folder that works as PTOAS_ROOT, for pypto and others that look there
  --dsv4-help   print this page; --help, --version and everything that reads no kernel is the assembler's

environment:
  DSV4_PTOAS    the real assembler; else the next ptoas on PATH
  DSV4_PASSES   the passes, dsv4-rope unless given
  DSV4_FACTS    files with facts, separated by ':'
  DSV4_REMARKS  a file that remarks are appended to, or - for stderr

examples:
  dsv4-ptoas --pto-arch a3 --pto-level=level3 kernel.pto -o kernel.cpp
      rewrite and assemble a kernel
  export PTOAS_ROOT=$(dsv4-ptoas --root)
      have pypto use it
  DSV4_REMARKS=- dsv4-ptoas --pto-arch a3 kernel.pto -o kernel.cpp
      say what was rewritten, and why the rest was not
"""
