"""Terms as text for remarks and counterexamples: `rint(x[3]*c[1] - x[7]*s[1])`."""

from .terms import TermTable

_ELISION = "..."
_SUM, _PRODUCT, _ATOM = range(3)  # how tightly a text binds


def describe(table: TermTable, term: int, depth: int = 12, limit: int = 200) -> str:
    """A readable form; below `depth` operations and beyond `limit` characters it says "..."."""
    text, _ = _describe(table, term, depth)
    return text if len(text) <= limit else text[: limit - len(_ELISION)] + _ELISION


def _describe(table: TermTable, term: int, depth: int) -> tuple[str, int]:
    """The text and how tightly it binds."""
    head, args = table.head(term), table.args(term)
    leaf = _leaf(table, term)
    if leaf is not None:
        return leaf, _ATOM
    if depth <= 0:
        return _ELISION, _ATOM

    def operand(x: int, binding: int) -> str:
        text, own = _describe(table, x, depth - 1)
        return text if own >= binding else f"({text})"

    match head:
        case ("add",):
            # A negated operand reads as a subtraction; between two, the first stays in front.
            a, b = args if table.head(args[1]) == ("neg",) else (args[1], args[0])
            if table.head(b) == ("neg",):
                return f"{operand(a, _SUM)} - {operand(table.args(b)[0], _PRODUCT)}", _SUM
            return f"{operand(args[0], _SUM)} + {operand(args[1], _SUM)}", _SUM
        case ("mul",):
            return f"{operand(args[0], _ATOM)}*{operand(args[1], _ATOM)}", _PRODUCT
        case ("neg",):
            return f"-{operand(args[0], _ATOM)}", _PRODUCT
        case ("round", "bf16", mode):
            name = str(mode).lower()
        case _:
            name = "_".join(str(x) for x in head if x != "op")
    shown = [operand(x, _SUM) for x in args[:8]] + ([_ELISION] if len(args) > 8 else [])
    return f"{name}({', '.join(shown)})", _ATOM


def _leaf(table: TermTable, term: int) -> str | None:
    match table.head(term):
        case ("load", argument, version, base, _):
            start = "" if base in (None, 0, "", ()) else f"{base}+"
            prime = "" if version in (None, 0) else f"@{version}"
            return f"{argument}{prime}[{start}{table.args(term)[0]}]"
        case ("opaque", key, _):
            return str(key)
        case ("float",) | ("int",):
            return repr(table.number(term))
        case _:
            return None
