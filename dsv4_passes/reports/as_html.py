"""`--report out.html`: one page without scripts or anything from elsewhere."""

from collections.abc import Iterable, Sequence
from html import escape
from math import log

from dsv4_passes.diagnostics import location_text
from dsv4_passes.targets import Cost
from dsv4_passes.transforms.common.decisions import Decision

from .collect import KernelReport, KernelState, Report
from .lane_flow import Origins, Strip
from .memory_map import MemoryMap
from .style import STYLE


def as_html(report: Report) -> str:
    """The report as the text of a page."""
    title = f"Lanes of {report.source}"
    stated = escape("; ".join(report.assumptions))
    stated = f"<p class=soft>Assumed: {stated}</p>" if stated else ""
    head = (
        f"<h1>{escape(title)}</h1><p class=soft>{escape(report.chip)}, ptoas {escape(report.ptoas)}. "
        "Cycles are a model's, from published and estimated numbers of the chip: they rank forms, and say "
        f"nothing of run times. A hatched end is the range between two readings of a number.</p>{stated}"
    )
    body = "".join(map(_kernel, report.kernels)) or "<p>No kernel.</p>"
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head>\n<body>{head}{body}</body></html>\n"
    )


def _kernel(kernel: KernelReport) -> str:
    parts = [f"<h2>{escape(kernel.name)}</h2>", _verdict(kernel)]
    parts += map(_decision, kernel.decisions)
    named = [(name, side) for name, side in (("before", kernel.before), ("after", kernel.after)) if side]
    if any(side.lanes for _, side in named):
        parts.append(f"<h3>Lanes</h3>{_LEGEND}{_two((n, _strips(s.lanes)) for n, s in named)}")
    parts.append(f"<h3>Where the cycles go</h3>{_two((n, _pipes(s, named)) for n, s in named)}")
    parts.append(f"<h3>Operations</h3>{_two((n, _operations(s)) for n, s in named)}")
    if any(side.memory.tenants for _, side in named):  # a cube kernel has none
        memory = _two((n, _memory(s.memory)) for n, s in named)
        parts.append(f"<h3>Vector memory over the operations</h3>{memory}")
    return f"<section class=kernel>{''.join(parts)}</section>\n"


def _two(columns: Iterable[tuple[str, str]]) -> str:
    made = "".join(f"<div><p class=soft>{name}</p>{text}</div>" for name, text in columns)
    return f"<div class=two>{made}</div>"


def _verdict(kernel: KernelReport) -> str:
    if kernel.after is None:
        return "<p class=verdict>This kernel is gone: what it did is done elsewhere.</p>"
    now = kernel.after.costs
    if kernel.before is None:
        return (
            f"<p class=verdict>New: <b>{escape(str(now.cycles))}</b> cycles, {_bytes(now.moved)} moved.</p>"
        )
    was = kernel.before.costs
    ratio = was.cycles.cycles / now.cycles.cycles if now.cycles.cycles else 1
    change = (
        f"{ratio:.1f}× less" if ratio >= 1.05 else "as before" if ratio > 0.95 else f"{1 / ratio:.1f}× more"
    )
    good = " class=good" if ratio >= 1.05 else ""
    estimates = sorted(now.cycles.estimates)
    rests = (
        f"<p class=soft>The cycles rest on estimates: {escape(', '.join(estimates))}.</p>"
        if estimates
        else ""
    )
    loops = now.open_loops
    open_ = f"<p class=soft>{loops} loops of unknown length count as one trip.</p>" if loops else ""
    return (
        f"<p class=verdict>{escape(str(was.cycles))} → <b>{escape(str(now.cycles))}</b> cycles, "
        f"<span{good}>{change}</span>; {_bytes(was.moved)} → {_bytes(now.moved)} moved</p>{rests}{open_}"
    )


def _bytes(count: float) -> str:
    return f"{count / 1024:.1f} KiB" if count >= 1024 else f"{count:.0f} bytes"


# -- sites ---------------------------------------------------------------------------------------------------


def _decision(site: Decision) -> str:
    where = location_text(site.location)
    shape = f"{site.rows}×{site.lanes} {site.dtype}"
    turned = f" of a rotation ({escape(site.direction)})" if site.direction else ""
    what = f"{escape(site.found)}{turned}, {escape(shape)} → <b>{escape(site.form or 'as it is')}</b>"
    given = f", given {escape(', '.join(site.conditions))}" if site.conditions else ""
    rests = site.rests_on
    doubt = (
        f"<p class=warn>That this is the cheapest rests on estimates: {escape(', '.join(rests))}.</p>"
        if rests
        else ""
    )
    return (
        f"<h3>{what}</h3><p class=soft>{escape(where)}</p><p>{escape(site.proof)}{given}.</p>{doubt}"
        f"<div class=bars>{_forms(site)}</div>"
    )


def _forms(site: Decision) -> str:
    rows: list[tuple[str, Cost | None, str, bool]] = [(site.form or "as it is", site.cost, "", True)]
    rows += [(a.form, a.cost, a.why, False) for a in site.alternatives]
    rows.sort(key=lambda row: row[1].cycles if row[1] else float("inf"))
    scale = _Scale([cost for _, cost, _, _ in rows if cost])
    return "".join(_bar(name, cost, why, chosen, scale) for name, cost, why, chosen in rows)


class _Scale:
    """Logarithmic, because scatters cost a hundred times what shifts cost; linear where all are close."""

    def __init__(self, costs: Sequence[Cost]):
        self._most = max((cost.hi for cost in costs), default=1) or 1
        least = min((cost.lo for cost in costs if cost.lo > 0), default=1)
        self._base = least / 3 if self._most > 8 * least else 0.0

    def at(self, cycles: float) -> float:
        """Per cent of the width."""
        if not self._base:
            return 100 * cycles / self._most
        return 100 * log(max(cycles, self._base) / self._base) / log(self._most / self._base)


def _bar(name: str, cost: Cost | None, why: str, chosen: bool, scale: _Scale) -> str:
    mark = " chosen" if chosen else ""
    if cost is None:
        return f"<span class=name>{escape(name)}</span><span class=soft>{escape(why)}</span><span></span>"
    low, high = scale.at(cost.lo), scale.at(cost.hi)
    track = (
        f'<div class="track{mark}"><i style="width:{low:.1f}%"></i>'
        f'<u style="left:{low:.1f}%;width:{max(high - low, 0):.1f}%"></u></div>'
    )
    note = f"<span class=why>{escape(why)}</span>" if why else ""
    bold = ("<b>", "</b>") if chosen else ("", "")
    label = f"<span class=name>{bold[0]}{escape(name)}{bold[1]}</span>"
    return f"{label}{track}<span class=number>{escape(str(cost))}</span>{note}"


# -- what is there before and after --------------------------------------------------------------------------


_LEGEND = (
    "<p class=legend><span class=l-even>even lane</span><span class=l-odd>odd lane</span>"
    "<span class=l-both>both</span><span>zeros or a constant</span></p>"
)


def _strips(strips: Sequence[Strip]) -> str:
    return "".join(
        f'<div class=strip><span class=what title="{escape(s.title)}">{escape(s.title)}<br>'
        f"{escape(s.dtype)}</span>"
        f"<div class=cells>{''.join(map(_cell, s.lanes))}</div></div>"
        for s in strips
    )


def _cell(lane: Origins) -> str:
    columns = sorted({origin.column for origin in lane})
    parities = {column % 2 for column in columns}
    kind = "" if not columns else ("even", "odd")[parities.pop()] if len(parities) == 1 else "both"
    full = ", ".join(sorted(f"{o.source}[{o.column}]" for o in lane))
    text = "·" if not columns else " ".join(map(str, columns[:2])) if len(columns) < 3 else "*"
    return f'<span class="cell {kind}" title="{escape(full)}">{text}</span>'


def _pipes(side: KernelState, named: Sequence[tuple[str, KernelState]]) -> str:
    most = [s.costs.cycles for _, s in named] + [c for _, s in named for c in s.costs.pipes.values()]
    scale = _Scale(most)
    rows = [
        ("all, overlapping", side.costs.cycles, True),
        *((p, c, False) for p, c in side.costs.pipes.items()),
    ]
    return f"<div class=bars>{''.join(_bar(n, c, '', chosen, scale) for n, c, chosen in rows)}</div>"


def _operations(side: KernelState) -> str:
    found = sorted(side.costs.operations.items(), key=lambda item: -item[1][1].cycles)
    rows = "".join(
        f"<tr><td>{escape(name)}</td><td class=number>{runs:.0f}</td>"
        f"<td class=number>{escape(str(cost))}</td></tr>"
        for name, (runs, cost) in found
    )
    head = "<tr><th>operation</th><th class=number>runs</th><th class=number>cycles</th></tr>"
    return f"<div class=scroll><table>{head}{rows}</table></div>"


def _memory(memory: MemoryMap) -> str:
    width = max(len(memory.operations), 1)
    height = max(memory.used, 1)
    if memory.capacity < 1.5 * height:
        height = max(height, memory.capacity)
    tiles = "".join(
        f'<rect class=tile x="{t.first}" y="{t.low}" width="{t.last - t.first + 1}" '
        f'height="{t.high - t.low}">'
        f"<title>{escape(t.name)}: bytes {t.low} to {t.high}, {escape(memory.operations[t.first])} "
        f"to {escape(memory.operations[t.last])}</title></rect>"
        for t in memory.tenants
    )
    line = f'<line class=end x1="0" x2="{width}" y1="{memory.capacity}" y2="{memory.capacity}"/>'
    whose = "addresses of the text" if memory.planned else "addresses made up for this picture"
    return (
        f'<svg viewBox="0 0 {width} {height}" preserveAspectRatio="none" role="img" '
        f'aria-label="vector memory">{tiles}{line}</svg><p class=soft>{_bytes(memory.used)} of '
        f"{_bytes(memory.capacity)} used, at most {_bytes(memory.peak)} at once; {whose}. Address downwards, "
        "operations to the right.</p>"
    )
