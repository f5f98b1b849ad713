"""What would have to be otherwise for a function to be read that is kept as text."""

import ast
from collections.abc import Mapping

_SUBMITTED = "tasks are put in order by hand; where that of the statements is enough, plain calls are read"
_SCOPE = "how long tensors live is not followed; without it the same statements are read"
_SIDE = "it is one side of a kernel that was split; the text in front of that pass is read"
_OTHER_CHIPS = "it is memory that other chips write to as well, of which nothing is known here"
BY_NAME: Mapping[str, str] = {
    "pl.submit": _SUBMITTED,
    "pl.spmd_submit": _SUBMITTED,
    "pl.TASK_ID": _SUBMITTED,
    "pl.scope": _SCOPE,
    "pl.manual_scope": _SCOPE,
    "pl.Level.HOST": "what runs on the host is not followed; the kernels that it starts are rewritten alone",
    "pl.while_": "how often it runs is not known before; a loop over pl.range is read",
    "pl.FunctionType.AIC": _SIDE,
    "pl.FunctionType.AIV": _SIDE,
    "pl.FunctionType.Group": _SIDE,
}


def lift(node: ast.AST) -> str | None:
    """Why a piece of syntax is not read, and what would be; None where there is no more to say."""
    for inner in ast.walk(node):
        name = ast.unparse(inner) if isinstance(inner, ast.Attribute) else ""
        if name in BY_NAME:
            return BY_NAME[name]
        if name.startswith("pld."):
            return _OTHER_CHIPS
    extents = (inner for inner in ast.walk(node) if isinstance(inner, ast.Name) and "__ssa_v" in inner.id)
    if isinstance(node, ast.Subscript) and (extent := next(extents, None)) is not None:
        given = f'{extent.id} = pl.dynamic("{extent.id}")'
        return f"the extent is a number of the caller; with '{given}' above the class it is read"
    return None
