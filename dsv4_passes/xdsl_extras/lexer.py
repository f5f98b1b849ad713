"""xDSL's lexer of MLIR text, quicker and with strings as they are printed."""

import re

from xdsl.utils.lexer import Span, Token
from xdsl.utils.mlir_lexer import MLIRLexer, MLIRTokenKind, StringLiteral

_FREQUENT_TOKEN = re.compile(
    r"(?://[^\n]*\n?|\s++)*+"
    r"([a-zA-Z_][a-zA-Z0-9_$.]*|[%!^](?:[0-9]+|[a-zA-Z$._-][a-zA-Z0-9$._-]*)|[:,()}\[\]<>=+/*?|])",
    re.ASCII,
)
"""White space, and an identifier or a token that is not a prefix of a longer one."""
_KINDS = {
    **{mark: MLIRTokenKind(mark) for mark in ":,()}[]<>=+/*?|"},
    "%": MLIRTokenKind.PERCENT_IDENT,
    "!": MLIRTokenKind.EXCLAMATION_IDENT,
    "^": MLIRTokenKind.CARET_IDENT,
}


class QuickLexer(MLIRLexer):
    """xDSL's lexer, quicker for the most frequent tokens.

    Its pattern for strings takes exponential time where the closing quote is missing, and it takes a string
    with letters beyond ASCII, as printed, for bytes.
    """

    def lex(self) -> Token[MLIRTokenKind]:
        content = self.input.content
        match = _FREQUENT_TOKEN.match(content, self.pos)
        if match is None:
            return super().lex()
        start, self.pos = match.span(1)
        kind = _KINDS.get(content[start], MLIRTokenKind.BARE_IDENT)
        return Token(kind, Span(start, self.pos, self.input))

    _unescaped_characters_regex = re.compile(r'"(?:[^"\\\n\v\f]++|\\(?:["nt\\]|[0-9A-Fa-f]{2}))*+"')

    def _lex_string_literal(self, start_pos: int) -> Token[MLIRTokenKind]:
        token = super()._lex_string_literal(start_pos)
        if token.kind != MLIRTokenKind.BYTES_LIT:
            return token
        try:
            StringLiteral.from_span(token.span).bytes_contents.decode("utf-8")
        except UnicodeDecodeError:
            return token
        return Token(MLIRTokenKind.STRING_LIT, token.span)
