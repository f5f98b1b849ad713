"""The style sheet of the HTML report: light and dark, from the width of a telephone up."""

STYLE = """
:root { color-scheme: light dark; --page: #fbfbf9; --card: #ffffff; --ink: #1d2129; --soft: #5d6673;
  --line: #dfe2e6; --even: #2f6fde; --odd: #b85f0c; --both: #7a5fc0; --none: #e6e8eb; --good: #23845a;
  --bar: #2f6fde; --other: #9aa4b2; --tile: #7fa8ee; --tile-line: #2f6fde; --warn: #9a5b00; --on: #ffffff; }
@media (prefers-color-scheme: dark) {
  :root { --page: #14171c; --card: #1c2128; --ink: #e6e9ee; --soft: #9aa5b4; --line: #323a45;
    --even: #5b93f5; --odd: #eda04f; --both: #a48de0; --none: #2c333d; --good: #52bb8a; --bar: #5b93f5;
    --other: #66717f; --tile: #33578f; --tile-line: #7fb0ff; --warn: #e3b35c; --on: #10131a; } }
* { box-sizing: border-box; }
body { margin: 0; padding: 1.2rem; background: var(--page); color: var(--ink);
  font: 15px/1.5 system-ui, sans-serif; max-width: 76rem; margin-inline: auto; }
h1 { font-size: 1.35rem; margin: 0 0 .3rem; overflow-wrap: anywhere; }
h2 { font-size: 1.15rem; margin: 0; overflow-wrap: anywhere; }
h3 { font-size: .95rem; margin: 1.3rem 0 .4rem; }
p { margin: .3rem 0; overflow-wrap: anywhere; }
.soft { color: var(--soft); font-size: .88rem; }
.warn { color: var(--warn); }
.kernel { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 1rem 1.1rem;
  margin-top: 1.2rem; }
.verdict { font-size: 1.05rem; font-variant-numeric: tabular-nums; }
.verdict b { font-size: 1.3rem; } .good { color: var(--good); }
.two { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 24rem), 1fr));
  gap: .4rem 1.6rem; }
.two > div { min-width: 0; }
.strip { display: grid; grid-template-columns: 7.5rem minmax(0, 1fr); gap: .5rem; align-items: center;
  margin: .22rem 0; }
.strip .what { font-size: .8rem; color: var(--soft); overflow: hidden; text-overflow: ellipsis; }
.cells { display: flex; gap: 2px; }
.cell { flex: 1 1 0; min-width: 0; text-align: center; font-size: .72rem; line-height: 1.55rem;
  border-radius: 3px;
  background: var(--none); color: var(--soft); overflow: hidden; white-space: nowrap; }
@media (max-width: 34rem) {
  .strip { grid-template-columns: 4.6rem minmax(0, 1fr); gap: .3rem; } .cell { font-size: .6rem; } }
.even { background: var(--even); color: var(--on); } .odd { background: var(--odd); color: var(--on); }
.both { background: linear-gradient(135deg, var(--even) 50%, var(--odd) 50%); color: var(--on); }
.bars { display: grid; grid-template-columns: minmax(6rem, auto) 1fr minmax(4.5rem, auto);
  gap: .28rem .7rem;
  align-items: center; font-size: .85rem; }
.bars .name { overflow-wrap: anywhere; } .bars .number { text-align: right;
  font-variant-numeric: tabular-nums; }
.track { position: relative; height: .95rem; background: var(--none); border-radius: 3px;
  overflow: hidden; }
.track i { position: absolute; inset-block: 0; left: 0; background: var(--other); }
.track u { position: absolute; inset-block: 0;
  background: repeating-linear-gradient(45deg, var(--other) 0 3px, transparent 3px 6px); }
.chosen .track i, .track.chosen i { background: var(--bar); }
.track.chosen u { background: repeating-linear-gradient(45deg, var(--bar) 0 3px, transparent 3px 6px); }
.why { grid-column: 1 / -1; color: var(--soft); font-size: .8rem; margin: -.2rem 0 .2rem; }
.scroll { overflow-x: auto; } table { border-collapse: collapse; font-size: .85rem; width: 100%; }
th, td { text-align: left; padding: .22rem .7rem .22rem 0; border-bottom: 1px solid var(--line);
  vertical-align: top; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
svg { display: block; width: 100%; height: 11rem; border: 1px solid var(--line); border-radius: 4px;
  background: var(--page); }
rect.tile { fill: var(--tile); stroke: var(--tile-line); stroke-width: 1;
  vector-effect: non-scaling-stroke; }
rect.tile:hover { fill: var(--odd); }
line.end { stroke: var(--odd); stroke-width: 1.5; stroke-dasharray: 5 4;
  vector-effect: non-scaling-stroke; }
.legend { display: flex; flex-wrap: wrap; gap: .3rem 1rem; font-size: .8rem; color: var(--soft); }
.legend span::before { content: ""; display: inline-block; width: .75rem; height: .75rem;
  border-radius: 2px;
  margin-right: .35rem; vertical-align: -1px; background: var(--none); }
.legend .l-even::before { background: var(--even); } .legend .l-odd::before { background: var(--odd); }
.legend .l-both::before { background: linear-gradient(135deg, var(--even) 50%, var(--odd) 50%); }
"""
