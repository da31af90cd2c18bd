/** How the HTML report looks. Everything is in it: no font, picture or style of elsewhere. */
import { Markup } from './html-markup.ts';

const LIGHT = `
  --paper: #fcfcfb; --ink: #16161a; --quiet: #5c5b57; --hair: #e3e2dd; --band: #f3f2ee; --bad: #b3261e; --shade: #0003;
  --layer0: #86b6ef; --layer1: #3987e5; --layer2: #1c5cab; --microphone: #eb6834; --screen: #d55181; --overhead: #a8a79f;
  --mode0: #2a78d6; --mode1: #1baf7a; --mode2: #eda100; --mode3: #4a3aa7;`;
const DARK = `
  --paper: #1a1a19; --ink: #f2f1ed; --quiet: #b3b2ab; --hair: #3a3936; --band: #242422; --bad: #ff9a8f; --shade: #000a;
  --layer0: #9ec5f4; --layer1: #4f97ea; --layer2: #256abf; --microphone: #d95926; --screen: #d55181; --overhead: #77766f;
  --mode0: #3987e5; --mode1: #199e70; --mode2: #c98500; --mode3: #9085e9;`;

const COLOURS = ['layer0', 'layer1', 'layer2', 'microphone', 'screen', 'overhead', 'mode0', 'mode1', 'mode2', 'mode3'];

export const STYLE = new Markup(`
:root { color-scheme: light dark; ${LIGHT} }
@media (prefers-color-scheme: dark) { :root { ${DARK} } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 2rem 1.25rem 4rem; max-width: 72rem; background: var(--paper); color: var(--ink);
  font: 1rem/1.55 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
h1 { font-size: 1.75rem; line-height: 1.2; margin: 0 0 .75rem; letter-spacing: -.01em; }
h2 { font-size: 1.25rem; margin: 3rem 0 .5rem; padding-top: 1rem; border-top: 1px solid var(--hair); }
h3 { font-size: 1rem; margin: 0; }
p { max-width: 46rem; margin: .5rem 0; }
.lead { font-size: 1.1rem; }
.quiet, figcaption p { color: var(--quiet); font-size: .9rem; }
.bad { color: var(--bad); font-size: .9rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .25rem 1.25rem; margin: 1rem 0; font-size: .9rem; }
dt { color: var(--quiet); }
dd { margin: 0; overflow-wrap: anywhere; }
code { font: .9em ui-monospace, "SFMono-Regular", Menlo, Consolas, monospace; }
.wide { overflow-x: auto; /* A shadow at the edge behind which there is more. */
  background: linear-gradient(to right, var(--paper) 40%, transparent) 0 0 / 2.5rem 100% no-repeat local,
    linear-gradient(to left, var(--paper) 40%, transparent) 100% 0 / 2.5rem 100% no-repeat local,
    linear-gradient(to right, var(--shade), transparent) 0 0 / .75rem 100% no-repeat scroll,
    linear-gradient(to left, var(--shade), transparent) 100% 0 / .75rem 100% no-repeat scroll; }
table { border-collapse: collapse; font-size: .875rem; font-variant-numeric: tabular-nums; width: 100%; }
caption { text-align: left; color: var(--quiet); padding-bottom: .25rem; }
th, td { padding: .3rem .6rem; text-align: right; border-bottom: 1px solid var(--hair); white-space: nowrap; font-weight: 400; }
thead th { color: var(--quiet); vertical-align: bottom; white-space: normal; }
tbody th { white-space: normal; }
th:first-child, td:first-child { text-align: left; padding-left: 0; }
tbody tr.first th, tbody tr.sum th, tbody tr.sum td { font-weight: 600; }
tbody tr.sum th, tbody tr.sum td { border-top: 1px solid var(--quiet); }
figure { margin: 1.75rem 0; display: grid; grid-template-columns: minmax(0, 1fr) 25rem; gap: .5rem 2rem; align-items: start; }
figure.even { grid-template-columns: minmax(0, 1fr) minmax(0, 1fr); }
figcaption { grid-column: 1 / -1; }
figcaption p { margin: .1rem 0 0; }
svg { display: block; width: 100%; height: auto; }
svg text { font-size: 13px; fill: var(--quiet); font-family: inherit; font-variant-numeric: tabular-nums; }
.even svg text { font-size: 15px; }
svg .name { fill: var(--ink); }
svg .note { fill: var(--ink); font-weight: 600; paint-order: stroke; stroke: var(--paper); stroke-width: 4px; stroke-linejoin: round; }
.axis line { stroke: var(--hair); stroke-width: 1; }
.area, .bar { fill: var(--colour); }
.area { stroke: var(--paper); stroke-width: 1; }
.line { fill: none; stroke: var(--ink); stroke-width: 1.5; }
.level { stroke: var(--ink); stroke-width: 2; stroke-dasharray: 7 5; }
.key { display: inline-block; width: .75rem; height: .75rem; margin-right: .5rem; border-radius: 2px; background: var(--colour); }
.key.stroke { height: 0; border-top: 2px solid var(--ink); border-radius: 0; background: none; vertical-align: .25rem; }
.key.dashed { border-top-style: dashed; width: 1.1rem; margin-right: .4rem; }
details { grid-column: 1 / -1; font-size: .875rem; }
summary { cursor: pointer; color: var(--quiet); }
${COLOURS.map((each) => `.${each} { --colour: var(--${each}); }`).join('\n')}
@media (max-width: 62rem) { figure, figure.even { grid-template-columns: minmax(0, 1fr); } }
@media (max-width: 36rem) {
  body { padding: 1.25rem 1rem 3rem; }
  h1 { font-size: 1.4rem; }
  svg text, .even svg text { font-size: 21px; }
  .even svg .value { font-size: 19px; }
  dl { grid-template-columns: 1fr; gap: 0; }
  dd { margin-bottom: .5rem; }
  th, td { padding-inline: .4rem; }
}
@media print {
  :root { color-scheme: light; ${LIGHT} }
  body { max-width: none; padding: 0; font-size: 10pt; }
  figure, tr { break-inside: avoid; }
  figure { grid-template-columns: minmax(0, 1fr) 20rem; }
  svg text { font-size: 16px; }
  h2, h3, figcaption { break-after: avoid; }
  details { display: none; }
  .area, .bar, .key { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
`);
