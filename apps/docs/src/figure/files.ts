/** @file What a reader can take along: the picture as SVG, the network as safetensors. */

import type { Encoder } from "@splineformer/transformer";
import { saveSafetensors } from "@splineformer/transformer";

/** What a drawing gets from the page's style sheet, and would lose outside of it. */
const styles = [
  "fill",
  "stroke",
  "stroke-width",
  "stroke-dasharray",
  "stroke-linecap",
  "stroke-linejoin",
  "opacity",
  "font-family",
  "font-size",
  "font-weight",
  "text-anchor",
  "paint-order",
] as const;

/** The drawing as a file of its own: styles written out, what is not shown left out, on the page's background. */
export function svgFile(svg: SVGSVGElement, background: string): Blob {
  const copy = svg.cloneNode(true) as SVGSVGElement;
  const originals = [...svg.querySelectorAll("*")];
  [...copy.querySelectorAll("*")].forEach((element, i) => {
    const shown = getComputedStyle(originals[i]);
    if (shown.display === "none" || shown.visibility === "hidden") {
      element.setAttribute("display", "none");
      return;
    }
    for (const name of styles) element.setAttribute(name, shown.getPropertyValue(name));
    for (const name of ["class", "style", "tabindex", "role"]) element.removeAttribute(name);
  });
  copy.removeAttribute("class");
  copy.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  copy.setAttribute("style", `background:${background}`);
  return new Blob([new XMLSerializer().serializeToString(copy)], { type: "image/svg+xml" });
}

/** The network's weights and config, as `loadSafetensors` and every other reader of the format take them. */
export const modelFile = (network: Encoder): Blob =>
  new Blob([new Uint8Array(saveSafetensors(network))], { type: "application/octet-stream" });

/** Hands a file to the browser's downloads. */
export function download(file: Blob, name: string): void {
  const address = URL.createObjectURL(file);
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
  URL.revokeObjectURL(address);
}
