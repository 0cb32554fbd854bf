/** @file The page's style. Light and dark are the same names with other colours. */
export const style = `
:root {
  --paper: #fbfaf7; --ink: #1c1b19; --quiet: #6b675f; --rule: #e2ded5; --card: #ffffff;
  --data: #a39c8d; --tail: #8d887e;
  --piece-0: #1f5fbf; --piece-1: #d9691e; --piece-2: #16866a;
  --smooth-0: #c2185b; --smooth-1: #9c4dcc; --smooth-2: #5e6ad2; --smooth-3: #2b8fb3;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #161513; --ink: #ebe8e1; --quiet: #a09a8e; --rule: #35322d; --card: #1f1d1a;
    --data: #827c70; --tail: #8d887e;
    --piece-0: #6aa5ff; --piece-1: #ff9d5c; --piece-2: #4cc9a5;
    --smooth-0: #ff6f9f; --smooth-1: #c792ea; --smooth-2: #8f9bff; --smooth-3: #63c5e8;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.55 system-ui, sans-serif; }
main { max-width: 960px; margin: 0 auto; padding: 2.5rem 1.25rem 3rem; }
h1 { font-size: clamp(1.7rem, 5vw, 2.5rem); line-height: 1.15; letter-spacing: -0.02em; margin: 0 0 0.6rem; }
h2 { font-size: 1.15rem; margin: 0 0 0.75rem; }
h3 { font-size: 0.95rem; font-weight: 600; color: var(--quiet); margin: 1rem 0 0.5rem; }
p { margin: 0 0 0.75rem; }
a { color: inherit; }
sup, sub { line-height: 0; }
.lead { font-size: 1.1rem; color: var(--quiet); max-width: 44rem; margin: 0 0 1.75rem; }
.failed { border-left: 4px solid var(--smooth-0); padding: 0.5rem 1rem; }
.facts { display: grid; grid-template-columns: repeat(auto-fit, minmax(12rem, 1fr)); gap: 0.75rem; margin: 0 0 1.75rem; }
.facts > div { background: var(--card); border: 1px solid var(--rule); border-radius: 10px; padding: 0.9rem 1rem; }
dt { font-size: 1.45rem; font-weight: 650; letter-spacing: -0.01em; font-variant-numeric: tabular-nums; }
dd { margin: 0.15rem 0 0; color: var(--quiet); font-size: 0.88rem; line-height: 1.4; }
figure, section { margin: 0 0 1.75rem; padding: 1.1rem 1.1rem 0.9rem; background: var(--card); border: 1px solid var(--rule); border-radius: 10px; }
figcaption, footer { color: var(--quiet); font-size: 0.92rem; }
figcaption p { max-width: 46rem; margin-top: 0.75rem; }
.formula { white-space: nowrap; }
.narrow { display: none; }
.plot { font-size: 12px; --plot-background: var(--card); display: block; width: 100%; height: auto; }
.legend { display: flex; flex-wrap: wrap; gap: 0.3rem 1.25rem; list-style: none; margin: 0.6rem 0 0; padding: 0; }
.legend li { display: flex; align-items: center; gap: 0.5rem; }
.line { display: inline-block; width: 1.6rem; border-top: 3px solid var(--c, var(--tail)); vertical-align: middle; }
.line.dashed { border-top: 2px dashed var(--c); }
.stripes { width: 1.8rem; height: 3px; background: linear-gradient(90deg, var(--piece-0) 33%, var(--piece-1) 33% 66%, var(--piece-2) 66%); }
.dots { width: 1.6rem; height: 5px; background: radial-gradient(circle at 3px 50%, var(--data) 2px, transparent 2.4px) 0 0 / 7px 5px; }
.knot { width: 10px; height: 10px; border: 1.5px solid var(--ink); border-radius: 50%; background: var(--card); }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; font-size: 0.9rem; color: var(--ink); }
th, td { text-align: right; padding: 0.28rem 0.6rem; border-bottom: 1px solid var(--rule); white-space: nowrap; }
th { font-weight: 600; color: var(--quiet); }
tbody tr:last-child td { border-bottom: 0; }
figure table { max-width: 30rem; }
footer { padding-top: 0.5rem; }
@media (max-width: 640px) {
  main { padding: 1.5rem 0.8rem 2rem; }
  figure, section { padding: 0.9rem 0.7rem 0.7rem; }
  .facts { grid-template-columns: 1fr 1fr; gap: 0.5rem; }
  .facts > div { padding: 0.7rem 0.75rem; }
  dt { font-size: 1.15rem; }
  .wide { display: none; }
  .narrow { display: block; }
  .formula { white-space: normal; }
}
@media print { body { background: none; } figure, section { break-inside: avoid; } }
`;
