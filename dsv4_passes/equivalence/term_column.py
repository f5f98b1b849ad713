"""A number for each term of a table, in an array that grows with the table."""

import numpy as np

from .terms import Ids


class TermColumn:
    """An id, or another number, for every term; -1 where nothing is known."""

    def __init__(self) -> None:
        self._ids = np.zeros(0, np.int32)

    def __getitem__(self, terms: Ids) -> Ids:
        self._reach(terms)
        return self._ids[terms].astype(np.int64)

    def __setitem__(self, terms: Ids, ids: Ids | int) -> None:
        self._reach(terms)
        self._ids[terms] = ids

    def _reach(self, terms: Ids) -> None:
        last = int(terms.max(initial=-1))
        if last >= len(self._ids):
            more = np.full(2 * last + 64 - len(self._ids), -1, np.int32)
            self._ids = np.concatenate([self._ids, more])
