"""What a program text calls the language module. In here that is `pl`, whatever the text imports it as.

    from pypto import language as tl                 import pypto.language as pl
    x = tl.tile.add(a, b)                    =>      x = pl.tile.add(a, b)

pypto binds `pl` and `pld` for every text, and prints another name where it is asked for one. The module
remembers that name, and functions that are printed anew use it.
"""

import ast

from xdsl.dialects.builtin import ModuleOp, StringAttr
from xdsl.ir import Operation

from .source import LANGUAGE, Source

_DISTRIBUTED = "pld"
ATTRIBUTE = "dsv4.language"
"""Of a module: the name that its text imports the language module as, unless that is `pl`."""


def imported_as(source: Source, statement: ast.Import | ast.ImportFrom) -> str | None:
    """The name that an import gives to the language module. UserError for other imports."""
    parts = (statement.module or "",) if isinstance(statement, ast.ImportFrom) else ()
    found: str | None = None
    for alias in statement.names:
        whole = ".".join((*parts, alias.name))
        name = alias.asname or (alias.name if parts else None)
        if whole == "pypto.language" and name is not None and name != _DISTRIBUTED:
            found = name
        elif whole != "pypto.language.distributed" or name != _DISTRIBUTED:
            source.outside(statement, "'import pypto.language as pl'")
    return found


def call_it_pl(source: Source, tree: ast.Module, name: str) -> None:
    """Rename the language module in the syntax tree of a text. UserError where a variable has its name."""
    source.language = name
    for node in ast.walk(tree):
        stored = isinstance(node, ast.Name) and node.id == name and not isinstance(node.ctx, ast.Load)
        if stored or (isinstance(node, ast.arg) and node.arg == name):
            source.fail(node, f"expected another name for a value: '{name}' is the language module")
        if isinstance(node, ast.Name) and node.id == name:
            node.id = LANGUAGE


def language_of(op: Operation) -> str:
    """What the text of the module around an operation calls the language module."""
    module = op.get_toplevel_object()
    attribute = module.attributes.get(ATTRIBUTE) if isinstance(module, ModuleOp) else None
    return attribute.data if isinstance(attribute, StringAttr) else LANGUAGE
