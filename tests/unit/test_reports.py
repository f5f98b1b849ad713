"""Reports: lanes, memory and costs before and after, as JSON and as a page."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from xdsl.dialects import func
from xdsl.dialects.builtin import ModuleOp

from dsv4_passes.cli.opt import main
from dsv4_passes.formats.pto.reader import parse_text
from dsv4_passes.reports.as_html import as_html
from dsv4_passes.reports.as_json import as_json
from dsv4_passes.reports.collect import build_report, kernel_states
from dsv4_passes.reports.lane_flow import lane_strips
from dsv4_passes.reports.memory_map import MemoryMap, Tenant, memory_map
from dsv4_passes.targets import Cost, chip, cost
from dsv4_passes.transforms.common.decisions import Alternative, Decision, decide, record
from tests.unit.kernels import DATA, function, kernel

A3 = chip("a3")
BITPACK = DATA / "handwritten" / "bitpack_rope.pto"


def columns(text: str) -> list[tuple[str, list[list[int]]]]:
    return [
        (strip.title, [sorted({o.column for o in lane}) for lane in strip.lanes])
        for strip in lane_strips(function(text))
    ]


EVEN, ODD = [[n] for n in range(0, 16, 2)], [[n] for n in range(1, 16, 2)]
PAIRS = [[n - n % 2, n - n % 2 + 1] for n in range(8)]


def test_lanes_of_bits():
    """Shifts of words take even and odd lanes apart; after the rotation each lane is of its pair."""
    (side,) = kernel_states(parse_text(BITPACK.read_text(), "k.pto"), A3).values()
    shown = {s.title: [sorted({o.column for o in lane}) for lane in s.lanes] for s in side.lanes}
    assert shown["x loaded"] == [[n] for n in range(8)]
    assert shown["tshls"] == EVEN
    assert shown["stored"] == PAIRS
    assert all(o.source == "x" for s in side.lanes for lane in s.lanes for o in lane)


def test_lanes_of_gathers_and_scatters():
    mask = "{maskPattern = #pto.mask_pattern<%s>}"
    text = f"""
        %x = load x
        %e = pto.tgather ins(%x, {mask % "P0101"} : T<4x16xf32>, "row") -> T<4x8xf32>
        %o = pto.tgather ins(%x, {mask % "P1010"} : T<4x16xf32>, "row") -> T<4x8xf32>
        %s = pto.tscatter ins(%o, {mask % "P0101"} : T<4x8xf32>, "row") -> T<4x16xf32>
        %t = pto.tscatter ins(%e, {mask % "P1010"} : T<4x8xf32>, "row") -> T<4x16xf32>
        %y = pto.tadd ins(%s, %t : T<4x16xf32>, T<4x16xf32>) -> T<4x16xf32>
        store %y to y
    """
    assert columns(kernel(text, x="4x16xf32", y="4x16xf32")) == [
        ("x loaded", [[n] for n in range(8)]),
        ("tgather (P0101)", EVEN),
        ("tgather (P1010)", ODD),
        ("tscatter (P0101)", [[1], [], [3], [], [5], [], [7], []]),
        ("tscatter (P1010)", [[], [0], [], [2], [], [4], [], [6]]),
        ("stored", [[n ^ 1] for n in range(8)]),
    ]


def test_lanes_of_transposes_and_views():
    text = """
        %x = load x
        %tmp = pto.undef : T<16x16xf32>
        %t = pto.ttrans ins(%x, %tmp : T<16x16xf32>, T<16x16xf32>) -> T<16x16xf32>
        %two = pto.reshape %t : T<16x16xf32> -> T<8x32xf32>
        %odd = pto.subview %two[%c0, %c16] sizes [8, 16] : T<8x32xf32> -> T<8x16xf32>
        %back = pto.ttrans ins(%odd, %tmp : T<8x16xf32>, T<16x16xf32>) -> T<16x8xf32>
        store %back to y
    """
    shown = columns(kernel(text, x="16x16xf32", y="16x8xf32"))
    assert shown[1] == ("ttrans", [[0]] * 8)
    assert shown[2] == ("ttrans", ODD)


GATHER_ROWS = """
    %x = load x
    INDEX
    %u = pto.undef : T<4x16xf32>
    %r = scf.for %n = %c0 to %c4 step %c1 iter_args(%t = %u) -> (T<4x16xf32>) {
      %row = pto.subview %x[%n, %c0] sizes [1, 16] : T<4x16xf32> -> T<1x16xf32>
      %g = pto.tgather ins(%row, %i, %i : T<1x16xf32>, T<1x16xi32>, T<1x16xi32>) -> T<1x16xf32>
      %w = pto.insert %g into %t[%n, %c0] : T<1x16xf32> into T<4x16xf32> -> T<4x16xf32>
      scf.yield %w : T<4x16xf32>
    }
    store %r to y
"""
SWAPPED = """
    %zero = arith.constant 0 : i32
    %one = arith.constant 1 : i32
    %p = pto.tci ins(%zero : i32) -> T<1x16xi32>
    %ones = pto.texpands ins(%one : i32) -> T<1x16xi32>
    %odd = pto.tand ins(%p, %ones : T<1x16xi32>, T<1x16xi32>) -> T<1x16xi32>
    %back = pto.tadd ins(%odd, %odd : T<1x16xi32>, T<1x16xi32>) -> T<1x16xi32>
    %next = pto.tadds ins(%p, %one : T<1x16xi32>, i32) -> T<1x16xi32>
    %i = pto.tsub ins(%next, %back : T<1x16xi32>, T<1x16xi32>) -> T<1x16xi32>
"""
HALVED = """
    %zero = arith.constant 0 : i32
    %half = arith.constant 0.5 : f32
    %p = pto.tci ins(%zero : i32) -> T<1x16xi32>
    %f = pto.tcvt ins(%p {rmode = #pto<round_mode RINT>} : T<1x16xi32>) -> T<1x16xf32>
    %h = pto.tmuls ins(%f, %half : T<1x16xf32>, f32) -> T<1x16xf32>
    %i = pto.tcvt ins(%h {rmode = #pto<round_mode FLOOR>} : T<1x16xf32>) -> T<1x16xi32>
"""


@pytest.mark.parametrize(
    ("index", "lanes"),
    [
        (SWAPPED, [[n ^ 1] for n in range(8)]),
        (HALVED, [[n // 2] for n in range(8)]),
        ("%i = load i", [list(range(8))] * 8),
    ],
    ids=["swapped", "halved", "loaded"],
)
def test_a_loop_that_gathers_rows(index: str, lanes: list[list[int]]):
    """An index that the kernel computes is followed; one that is loaded may be anything."""
    text = kernel(GATHER_ROWS.replace("INDEX", index), x="4x16xf32", i="1x16xi32", y="4x16xf32")
    assert columns(text)[-1][1] == lanes


def test_tables_are_not_shown():
    """Of loads that are multiplied with each other, that is shown of which pairs meet."""
    (side,) = kernel_states(parse_text((DATA / "rope_d" / "rope_d.pto").read_text(), "k.pto"), A3).values()
    assert {o.source for s in side.lanes for lane in s.lanes for o in lane} == {"x"}
    swapped = [sorted({o.column for o in lane}) for lane in side.lanes[1].lanes]
    assert swapped == [[n ^ 1] for n in range(8)]


# -- vector memory -------------------------------------------------------------------------------------------


def only(path: Path) -> func.FuncOp:
    (found,) = (op for op in parse_text(path.read_text(), path.name).walk() if isinstance(op, func.FuncOp))
    return found


def overlapping(found: MemoryMap) -> list[tuple[Tenant, Tenant]]:
    tiles = found.tenants
    return [
        (a, b)
        for i, a in enumerate(tiles)
        for b in tiles[:i]
        if a.low < b.high and b.low < a.high and a.first < b.last and b.first < a.last
    ]


def test_addresses_of_the_text_are_shown():
    found = memory_map(only(BITPACK), A3)
    assert found.planned
    assert found.used == 90112
    assert found.capacity == 184 * 1024
    assert found.peak <= found.used
    assert found.operations[0] == "tload"


def test_values_get_addresses_that_do_not_overlap():
    path = DATA / "handwritten" / "chain.pto"
    found = memory_map(only(path), A3)
    assert not found.planned
    assert overlapping(found) == []
    assert found.used >= found.peak > 0


def test_a_tile_that_a_loop_needs_lives_as_long_as_the_loop():
    text = """
        %x = load x
        scf.for %n = %c0 to %c4 step %c1 {
          %a = pto.tadd ins(%x, %x : T<4x16xf32>, T<4x16xf32>) -> T<4x16xf32>
          store %a to y
        }
        store %x to z
    """
    whole = text.replace("        store %x to z\n", "")
    found = memory_map(function(kernel(whole, x="4x16xf32", y="4x16xf32")), A3)
    lives = {tenant.name: (tenant.first, tenant.last) for tenant in found.tenants}
    assert lives["x"] == (0, 2)
    assert lives["a"] == (1, 2)


# -- the files -----------------------------------------------------------------------------------------------


class Balanced(HTMLParser):
    """Checks that every element that is opened is closed in its place."""

    VOID = frozenset(("meta", "br"))

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: object) -> None:
        pass

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def decision(name: str) -> Decision:
    flat = cost("tgather", "index", 1, 4096, "f32", A3)
    others = (Alternative("flat-gather", flat, "why <not>"), Alternative("row-gather", None, "not legal"))
    return Decision(
        name, None, "interleave", 64, 64, "bf16", "bit-pack", Cost(498, 498), "proved", ("FIN(x)",), others
    )


def report(name: str = "bitpack_rope") -> tuple[str, dict[str, object]]:
    before: ModuleOp = parse_text(BITPACK.read_text(), "k.pto")
    found = kernel_states(before, A3)
    made = build_report("a<b>.pto", A3, "0.60", found, found, [decision(name)])
    return as_html(made), json.loads(as_json(made))


def test_a_page_stands_alone():
    page, _ = report()
    parser = Balanced()
    parser.feed(page)
    assert parser.open == []
    assert not re.search(r"https?:|src=|@import|url\(|<script|<link", page)
    assert "prefers-color-scheme: dark" in page
    assert "a&lt;b&gt;.pto" in page
    assert "why &lt;not&gt;" in page
    assert "247..1759" in page
    assert "rests on estimates: vgather" in page


def test_json_says_what_the_page_says():
    _, found = report()
    (one,) = found["kernels"]  # pyright: ignore[reportGeneralTypeIssues]
    assert one["before"]["cycles"] == {"lo": 1515, "hi": 1515, "estimates": ["vshl", "vshr"]}
    assert one["before"]["bytes loaded"] == 3 * 8192
    (site,) = one["sites"]
    assert site["form"] == "bit-pack"
    assert site["rests on"] == ["vgather"]
    assert site["conditions"] == ["FIN(x)"]
    assert site["alternatives"][1] == {"form": "row-gather", "cycles": None, "why not": "not legal"}


def test_decisions_are_kept_only_where_somebody_asks():
    decide(decision("k"))
    with record() as found:
        decide(decision("k"))
        decide(decision("k"))
    assert found.entries == [decision("k")]


def test_reports_of_a_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    rope = DATA / "rope_c"
    page, data = tmp_path / "out.html", tmp_path / "out.json"
    options = ["-p", "dsv4-rope{chip=a3}", "-t", "pto", "-o", str(tmp_path / "out.pto")]
    assert main([str(rope / "rope_c.pto"), *options, "--report", str(page), "--report", str(data)]) == 0
    found = json.loads(data.read_text())
    assert (found["source"], found["chip"], found["ptoas"]) == ("rope_c.pto", "a2a3", "0.60")
    (one,) = found["kernels"]
    assert one["after"]["cycles"]["lo"] < one["before"]["cycles"]["lo"]
    assert one["before"]["lanes"][0]["lanes"][1] == ["x[1]"]
    assert "rope_c" in page.read_text()


def test_a_kernel_without_vector_memory_has_no_picture_of_it(tmp_path: Path) -> None:
    page, source = tmp_path / "out.html", DATA / "rope_a" / "rope_a.pto"
    options = ["--facts", str(DATA / "rope_a" / "inputs.npz"), "-o", str(tmp_path / "out.pto")]
    assert main([str(source), "-p", "dsv4-rope{chip=a3}", "-t", "pto", "--report", str(page), *options]) == 0
    cube, vector, new = page.read_text().split("<h2>")[1:]
    assert ["Vector memory" in part for part in (cube, vector, new)] == [False, True, True]
    assert "given FIN(%rot_even__tile), FIN(%rot_odd__tile), FIN(%x_tile__tile)" in new


LOWERED = "pto-raise,dsv4-raise-lanes,dsv4-lower-lanes{chip=a3},pto-lower"


def test_what_was_decided_is_reported(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    data, page = tmp_path / "out.json", tmp_path / "out.html"
    options = ["-p", LOWERED, "-t", "pto", "-o", str(tmp_path / "out.pto"), "--remarks"]
    path = DATA / "rope_c" / "rope_c.pto"
    assert main([str(path), *options, "--report", str(data), "--report", str(page)]) == 0
    (one,) = json.loads(data.read_text())["kernels"]
    apart, together = one["sites"]
    assert (apart["found"], apart["rows"], apart["lanes"], apart["dtype"]) == (
        "dsv4.deinterleave",
        32,
        64,
        "bf16",
    )
    assert apart["location"].startswith(f"{path}:")
    assert apart["form"] == together["form"] == "bit-pack"
    assert apart["proof"] == "every stored lane is proved equal"
    scatter = next(a for a in together["alternatives"] if a["form"] == "scatter-pair")
    assert scatter["cycles"]["lo"] > 100 * together["cycles"]["hi"]
    assert scatter["why not"] == "dearer"
    refused = [a for a in together["alternatives"] if a["cycles"] is None]
    assert refused
    assert all(a["why not"] for a in refused)
    assert one["after"]["cycles"]["hi"] < one["before"]["cycles"]["lo"] / 50
    said = capsys.readouterr().err
    assert "'rope_c' takes " in said
    assert "bytes from and to GM" in said
    assert "scatter-pair" in page.read_text()


def test_what_stays_is_reported(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    data = tmp_path / "out.json"
    options = ["-p", LOWERED, "-t", "pto", "-o", str(tmp_path / "out.pto"), "--remarks"]
    assert main([str(DATA / "handwritten" / "bitswap_rope.pto"), *options, "--report", str(data)]) == 0
    (one,) = json.loads(data.read_text())["kernels"]
    assert one["before"]["cycles"] == one["after"]["cycles"]
    assert [site["form"] for site in one["sites"]] in ([], [""], ["bit-swap"])


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("out.txt", "expected a report file ending in .html or .json"),
        ("nowhere/out.html", "nowhere"),
    ],
)
def test_reports_that_cannot_be_written(
    name: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    output = tmp_path / "out.pto"
    options = ["-t", "pto", "-o", str(output), "--report", str(tmp_path / name)]
    assert main([str(BITPACK), *options]) == 1
    said = capsys.readouterr().err
    assert message in said
    assert said.count("\n") == 1
    assert not output.exists()


def test_a_report_is_about_one_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    options = ["-o", str(tmp_path / "out"), "--report", str(tmp_path / "out.html")]
    assert main([str(DATA / "handwritten"), *options]) == 1
    assert "--report cannot be used on a folder" in capsys.readouterr().err
