/** The report's look. Inline, because the report is one file; light only, because it is printed. */
export const stylesheet = `
*, *::before, *::after { box-sizing: border-box; }
:root { --text: #1c2430; --muted: #5b6472; --rule: #d5dae1; --faint: #f5f7f9; --accent: #0072b2; }
html { -webkit-text-size-adjust: 100%; }
body { margin: 0; background: #fff; color: var(--text); font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; overflow-wrap: break-word; }
header.page, main, footer.page { max-width: 1120px; margin: 0 auto; padding: 0 32px; }
header.page { padding-top: 40px; }
.kicker { margin: 0 0 4px; color: var(--muted); font-size: 14px; letter-spacing: .02em; }
h1 { margin: 0 0 6px; font-size: 34px; line-height: 1.2; letter-spacing: -.01em; }
h2 { margin: 0 0 10px; font-size: 24px; line-height: 1.25; letter-spacing: -.005em; }
h3 { margin: 0 0 10px; font-size: 16px; line-height: 1.35; }
p { margin: 0 0 12px; }
section { margin: 56px 0 0; }
section > h3 { margin-top: 28px; }
header .facts { color: var(--muted); }
.lead { max-width: 74ch; }
.note, figcaption { color: var(--muted); font-size: 14px; line-height: 1.5; }
.note { max-width: 92ch; }
.sub { color: var(--muted); font-weight: 400; font-size: .86em; }
.hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
a { color: var(--accent); }
code { font: .92em ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }

.synthetic { display: flex; flex-wrap: wrap; gap: 4px 18px; align-items: baseline; justify-content: center; padding: 14px 32px; background: #ffd23f; color: #1c1500; border-bottom: 3px solid #1c1500; }
.synthetic strong { font-size: 22px; letter-spacing: .06em; text-transform: uppercase; }
.print-label { display: none; }

.answer { margin-top: 28px; padding: 28px 32px 20px; background: var(--faint); border-radius: 10px; border-left: 8px solid var(--muted); }
.verdict-yes { border-left-color: #0072b2; }
.verdict-no { border-left-color: #d55e00; }
.verdict { font-size: 20px; line-height: 1.5; max-width: 66ch; margin-bottom: 20px; }
.verdict strong { font-size: 1.25em; }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(220px, 1fr)); gap: 16px; margin-bottom: 20px; }
.card { background: #fff; border: 1px solid var(--rule); border-top: 5px solid var(--arm); border-radius: 8px; padding: 14px 18px 12px; }
.card h3 { margin: 0; font-size: 15px; }
.card .number { margin: 0; font-size: 42px; line-height: 1.2; font-weight: 650; color: var(--arm); font-variant-numeric: tabular-nums; }
.card .interval { margin: 0 0 4px; font-size: 14px; font-variant-numeric: tabular-nums; }
.card .explanation { margin: 0; font-size: 14px; color: var(--muted); line-height: 1.4; }
.findings { margin: 0 0 14px; padding-left: 20px; max-width: 92ch; }
.findings li { margin-bottom: 6px; }

.steps { padding-left: 22px; max-width: 88ch; }
.steps li { margin-bottom: 8px; }

.grid { display: grid; gap: 20px; align-items: start; margin-bottom: 20px; }
.grid.two { grid-template-columns: repeat(2, minmax(0, 1fr)); }
.grid.three { grid-template-columns: repeat(3, minmax(0, 1fr)); }
figure, .panel { margin: 0; padding: 18px 20px 14px; border: 1px solid var(--rule); border-radius: 8px; background: #fff; min-width: 0; break-inside: avoid; }
figure h3 { margin-bottom: 12px; }
figcaption { margin-top: 6px; }
.chart svg { display: block; width: 100%; height: auto; max-width: 1080px; margin: 0 auto; }
.narrow svg { max-width: 460px; }
.narrow { display: none; }
details { margin-top: 8px; font-size: 14px; }
.data { margin: 8px 0 0; font-size: 13px; }
summary { cursor: pointer; color: var(--accent); width: fit-content; }
details .scroll { margin-top: 8px; }

tbody th, thead th:first-child { position: sticky; left: 0; background: #fff; z-index: 1; }
.scroll { position: relative; overflow-x: auto; margin-bottom: 14px; }
.scroll:focus-visible, summary:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
table { border-collapse: collapse; font-size: 14px; font-variant-numeric: tabular-nums; min-width: 100%; }
caption { text-align: left; color: var(--muted); padding: 0 0 8px; caption-side: top; }
caption span { display: inline-block; position: sticky; left: 0; max-width: calc(100vw - 64px); }
th, td { padding: 7px 10px; border-bottom: 1px solid var(--rule); text-align: right; vertical-align: top; white-space: nowrap; }
th:first-child, td:first-child { text-align: left; padding-left: 0; }
thead th { vertical-align: bottom; color: var(--muted); font-weight: 600; border-bottom: 2px solid var(--rule); white-space: normal; }
tbody th { font-weight: 600; white-space: normal; min-width: 116px; max-width: 240px; }
tr.group th { max-width: none; }
th.words, td.words { text-align: left; white-space: normal; }
td.words { min-width: 104px; overflow-wrap: normal; }
tr.group th { padding-top: 18px; border-bottom-color: var(--rule); font-size: 15px; }
tr.group ~ tr:not(.group) th { font-weight: 400; }

table.matrix { border-collapse: separate; border-spacing: 3px; table-layout: fixed; min-width: calc(100% - 2px); }
table.matrix th, table.matrix td { border: 0; }
table.matrix thead th { text-align: center; padding: 4px 4px 8px; width: 92px; overflow-wrap: normal; }
table.matrix thead th:first-child { text-align: left; width: 170px; padding-left: 0; }
table.matrix thead th.overall { width: 104px; padding-left: 12px; }
table.matrix td:last-child { border-left: 12px solid #fff; border-radius: 0 4px 4px 0; }
table.matrix tbody th { padding: 0 14px 0 0; vertical-align: middle; }
table.matrix td { text-align: center; vertical-align: middle; padding: 12px 6px; border-radius: 4px; font-size: 15px; }
table.matrix td.own { box-shadow: inset 0 0 0 2.5px #d55e00; font-weight: 700; }
table.matrix td.empty { color: var(--muted); background: var(--faint); }
table.matrix tr.federated td, table.matrix tr.federated th { font-weight: 700; }

ul.plain { margin: 0; padding-left: 20px; font-size: 14px; }
.panel > p { margin-bottom: 4px; font-size: 14px; }
.legend { display: flex; flex-wrap: wrap; gap: 6px 22px; list-style: none; margin: 0 0 14px; padding: 0; font-size: 14px; }
.legend li { display: flex; align-items: center; gap: 8px; }
.key { display: inline-block; width: 22px; height: 5px; border-radius: 3px; background: var(--key); vertical-align: middle; }
.legend .key { width: 16px; height: 16px; border: 1px solid rgb(0 0 0 / 25%); }
.frame { position: relative; background: #000; border-radius: 4px; overflow: hidden; }
.frame img { display: block; width: 100%; height: auto; }
.stamp { position: absolute; right: 6px; bottom: 6px; padding: 1px 7px; font-size: 11px; font-weight: 700; letter-spacing: .06em; background: #ffd23f; color: #1c1500; border-radius: 3px; }

dl { display: grid; grid-template-columns: max-content 1fr; gap: 8px 22px; margin: 0; font-size: 15px; color: var(--text); }
dt { font-weight: 600; }
dd { margin: 0; max-width: 86ch; min-width: 0; }
.command { margin: 0 0 16px; padding: 14px 16px; background: var(--faint); border: 1px solid var(--rule); border-radius: 6px; white-space: pre-wrap; overflow-wrap: anywhere; }
.hash { overflow-wrap: anywhere; }
footer.page { margin-top: 56px; padding-top: 16px; padding-bottom: 40px; color: var(--muted); font-size: 14px; }

@media (max-width: 900px) {
  .grid.three { grid-template-columns: repeat(2, minmax(0, 1fr)); }
}
@media (max-width: 680px) {
  header.page, main, footer.page { padding-left: 16px; padding-right: 16px; }
  header.page { padding-top: 24px; }
  h1 { font-size: 26px; }
  h2 { font-size: 21px; }
  section { margin-top: 40px; }
  .synthetic { padding: 12px 16px; justify-content: flex-start; }
  .answer { margin-left: -16px; margin-right: -16px; border-radius: 0; padding: 20px 16px 12px; border-left-width: 6px; }
  .verdict { font-size: 17px; }
  .cards, .grid.two, .grid.three { grid-template-columns: minmax(0, 1fr); }
  .card .number { font-size: 36px; }
  figure { padding: 14px 12px 10px; }
  td.words { min-width: 150px; }
  thead th { white-space: nowrap; }
  table.matrix thead th { width: 66px; white-space: normal; font-size: 12px; }
  table.matrix thead th:first-child { width: 104px; }
  table.matrix tbody th { font-size: 13px; min-width: 0; }
  tbody th { max-width: 150px; }
  .wide { display: none; }
  .narrow { display: block; }
  dl { grid-template-columns: 1fr; gap: 2px; }
  dd { margin-bottom: 10px; }
}
@media print {
  @page { margin: 14mm; }
  body { font-size: 11pt; }
  header.page, main, footer.page { max-width: none; padding-left: 0; padding-right: 0; }
  section { margin-top: 28px; }
  h2, h3, .lead, .legend { break-after: avoid; }
  section[aria-labelledby="repeat"] { break-inside: avoid; }
  .answer, .card, tr { break-inside: avoid; }
  .grid.three { grid-template-columns: repeat(3, minmax(0, 1fr)); }
  .scroll { overflow: visible; }
  details, .data { display: none; }
  table { font-size: 8.5pt; }
  th, td { padding: 4px 6px; }
  * { -webkit-print-color-adjust: exact; print-color-adjust: exact; }
  .print-label { display: block; position: fixed; right: 0; bottom: 0; padding: 1px 6px; font-size: 8pt; font-weight: 700; background: #ffd23f; color: #1c1500; }
}
`;
