/** @file What every page of the command line has around what it shows: one HTML file that loads nothing, in light and dark. */
import type { Claim } from "./demo/report.ts";
import { style } from "./style.ts";

/** The page as HTML; `body` is what stands in `main`, and `more` a style of its own. */
export const framed = (title: string, body: string, more = ""): string => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${safe(title)}</title>
<style>${style}${more}</style>
</head>
<body>
<main>
${body}
</main>
</body>
</html>
`;

/** What was claimed and does not hold; nothing if all does. */
export function failedClaims(claims: readonly Pick<Claim, "claim" | "holds">[]): string {
  const failed = claims.filter(({ holds }) => !holds);
  if (failed.length === 0) return "";
  return `<p class="failed"><strong>${failed.length} of ${claims.length} claims do not hold here:</strong> ${failed.map(({ claim }) => safe(claim)).join("; ")}.</p>`;
}

/** A number and what it means. */
export const fact = (value: string, meaning: string): string => `<div><dt>${value}</dt><dd>${meaning}</dd></div>`;

/** Text that HTML does not read as markup. */
export const safe = (text: string): string =>
  text.replace(/[&<>"]/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[c] as string);
