"""Whether two runs do the same, as far as can be seen from outside."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from xdsl.ir import Operation

from dsv4_passes.interpreter.affine import bounds, split

from .effects import Carry, Effect, Opaque, Push, Store
from .run import LaneRun
from .symbolic_memory import Ids, last_of_each


@dataclass(frozen=True)
class Difference:
    """The first thing that two runs do differently, in one line.

    If it is a lane, `a` and `b` are its terms, and it goes to `element` of `argument`.
    """

    message: str
    op: Operation | None = None
    a: int | None = None
    b: int | None = None
    argument: int | None = None
    element: int | None = None

    def __str__(self) -> str:
        return self.message


def compare_effects(a: LaneRun, b: LaneRun) -> Difference | None:
    """None if both runs do the same, bit for bit, given their conditions (`effect_conditions`).

    Stores to one argument may be divided differently between operations as long as nothing comes between
    them: they are compared by the elements they write. Both runs must share their context.
    """
    if a.context is not b.context:
        raise ValueError("runs of different contexts cannot be compared")
    return _compare_stores(a, b) or _compare_sequences(a, b) or _compare_carried(a, b)


def effect_conditions(*runs: LaneRun) -> frozenset[str]:
    """The side conditions that the effects of some runs rest on."""
    stated = (e.conditions for run in runs for e in run.effects if isinstance(e, (Store, Push)))
    return frozenset[str]().union(*stated)


def undefined_store(run: LaneRun) -> Store | None:
    """A store of lanes that a tile may not have: of those, equal terms do not mean equal bits."""
    context = run.context
    for store in run.stores:
        ids = store.ids
        for axis, extent in enumerate(store.box.extent or ()):
            most = bounds(extent)[1]
            ids = ids if most is None else np.take(ids, range(min(most, ids.shape[axis])), axis)
        if context.undefined.among(context.domain.table, ids).any():
            return store
    return None


@dataclass
class _Written:
    """Merge consecutive stores to one argument: sorted addresses and the final values there."""

    key: Hashable
    op: Operation
    addresses: NDArray[np.int64]
    ids: Ids


def _written(run: LaneRun) -> dict[int, list[_Written]]:
    groups: dict[int, list[_Written]] = {}
    for store in run.effects:
        if not isinstance(store, Store):
            continue
        linear, constant = split(store.box.base)
        addresses, ids = store.box.offsets.reshape(-1) + constant, store.ids.reshape(-1)
        extent = (store.box.extent, store.box.offsets.shape) if store.box.extent else ()
        key = store.context, linear, store.box.scale, extent, store.atomic
        alone = bool(store.atomic or extent)  # the order of its lanes matters
        groups_here = groups.setdefault(store.box.argument, [])
        if groups_here and groups_here[-1].key == key and not alone:
            last = groups_here[-1]
            addresses = np.concatenate([last.addresses, addresses])
            ids = np.concatenate([last.ids, ids])
            groups_here[-1] = _Written(key, last.op, *last_of_each(addresses, ids))
        elif alone:
            groups_here.append(_Written(key, store.op, addresses, ids))
        else:
            groups_here.append(_Written(key, store.op, *last_of_each(addresses, ids)))
    return groups


def _compare_stores(a: LaneRun, b: LaneRun) -> Difference | None:
    ours, theirs = _written(a), _written(b)
    for argument in sorted(ours.keys() | theirs.keys()):
        left, right = ours.get(argument, []), theirs.get(argument, [])
        for x, y in zip(left, right, strict=False):
            if (found := _compare_written(argument, x, y)) is not None:
                return found
        if len(left) != len(right):
            more = left if len(left) > len(right) else right
            where = more[min(len(left), len(right))].op
            return Difference(
                f"argument {argument} is stored to at {len(left)} and at {len(right)} places", where
            )
    return None


def _compare_written(argument: int, x: _Written, y: _Written) -> Difference | None:
    if x.key != y.key:
        return Difference(f"stores to argument {argument} go to different places", x.op)
    if not np.array_equal(x.addresses, y.addresses):
        odd = np.setxor1d(x.addresses, y.addresses)[0]
        return Difference(f"only one stores to element {int(odd)} of argument {argument}", x.op)
    if np.array_equal(x.ids, y.ids):
        return None
    wrong = int(np.argmax(x.ids != y.ids))
    return Difference(
        f"element {int(x.addresses[wrong])} of argument {argument} differs",
        x.op,
        int(x.ids[wrong]),
        int(y.ids[wrong]),
        argument,
        int(x.addresses[wrong]),
    )


def _compare_sequences(a: LaneRun, b: LaneRun) -> Difference | None:
    """Pushes channel by channel, and operations without semantics, each in order."""
    for ours, theirs in ((_pushes(a), _pushes(b)), (_opaque(a), _opaque(b))):
        for channel in ours.keys() | theirs.keys():
            left, right = ours.get(channel, []), theirs.get(channel, [])
            for (x, op), (y, _) in zip(left, right, strict=False):
                if x != y:
                    return Difference(f"{op.name} differs", op)
            if len(left) != len(right):
                more = left if len(left) > len(right) else right
                where = more[min(len(left), len(right))][1]
                return Difference(f"{where.name} happens {len(left)} and {len(right)} times", where)
    return None


_Sequences: TypeAlias = dict[str, list[tuple[Any, Operation]]]


def _pushes(run: LaneRun) -> _Sequences:
    found: _Sequences = {}
    for effect in run.effects:
        if isinstance(effect, Push):
            key = effect.context, effect.ids.shape, effect.ids.tobytes(), effect.valid
            found.setdefault(effect.channel, []).append((key, effect.op))
    return found


def _opaque(run: LaneRun) -> _Sequences:
    effects: Sequence[Effect] = run.effects
    found = [((e.context, e.key), e.op) for e in effects if isinstance(e, Opaque)]
    return {"": found} if found else {}


def _compare_carried(a: LaneRun, b: LaneRun) -> Difference | None:
    """Where both loops carry a value that starts alike, a trip must change it alike, or leave it alike.

    A key of one run only needs no partner: its leaves do not occur in the other run, so whatever is seen
    of them from outside differs.
    """
    ours, theirs = ({e.key: e for e in run.effects if isinstance(e, Carry)} for run in (a, b))
    for key in ours.keys() & theirs.keys():
        if ours[key].content != theirs[key].content:
            return Difference("a value that a loop carries changes differently", ours[key].op)
    return None
