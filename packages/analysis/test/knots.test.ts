import {
  attributionSvg,
  classMap,
  classMapSvg,
  describeCause,
  explainKnots,
  knotTable,
  patchNames,
  pathSvg,
  restrictToLine,
} from "@splineformer/analysis";
import { type Network, random, type Tensor, tensor } from "@splineformer/tensor";
import { createEncoder, createTransformer } from "@splineformer/transformer";
import { describe, expect, it } from "vitest";

const score = {
  op: "weigh",
  scope: "block 2/attention",
  batch: [],
  head: 3,
  query: 6,
  key: 12,
  before: 1,
  after: 0,
} as const;
const unit = {
  op: "activate",
  scope: "block 1/feedForward",
  batch: [],
  token: 5,
  unit: 17,
  before: 0,
  after: 1,
} as const;

describe("causes in words", () => {
  it("a score says which query stops or starts attending to which key", () => {
    expect(describeCause(score)).toBe("layer 2, head 3: token 6 stops attending to token 12");
    expect(describeCause({ ...score, before: 0, after: 1 }, { tokenName: patchNames(4) })).toBe(
      "layer 2, head 3: patch (1,2) starts attending to patch (3,0)",
    );
  });

  it("a hidden unit switches on or off", () => {
    expect(describeCause(unit)).toBe("layer 1, token 5: hidden unit 17 switches on");
    expect(describeCause({ ...unit, before: 1, after: 0 })).toBe("layer 1, token 5: hidden unit 17 switches off");
    expect(describeCause({ ...unit, before: 1, after: 2 })).toBe(
      "layer 1, token 5: hidden unit 17 goes from piece 1 to piece 2",
    );
  });

  it("a clamp is reached and left, below and above", () => {
    const clamp = { ...unit, scope: "block 0/attention/clamp" };
    const words = (before: number, after: number): string => describeCause({ ...clamp, before, after });
    expect(words(0, 1)).toBe("layer 0, clamp, token 5: channel 17 leaves its lower limit");
    expect(words(1, 0)).toBe("layer 0, clamp, token 5: channel 17 reaches its lower limit");
    expect(words(1, 2)).toBe("layer 0, clamp, token 5: channel 17 reaches its upper limit");
    expect(words(2, 1)).toBe("layer 0, clamp, token 5: channel 17 leaves its upper limit");
  });

  it("says which stack, cross attention, example of a batch, or the scope as it is", () => {
    expect(describeCause({ ...score, scope: "decoder/block 0/cross", batch: [7] })).toBe(
      "decoder layer 0, cross attention, head 3, example 7: token 6 stops attending to token 12",
    );
    expect(describeCause({ ...unit, scope: "my part" })).toBe("my part, token 5: hidden unit 17 switches on");
    expect(describeCause({ ...unit, scope: "" })).toBe("token 5: hidden unit 17 switches on");
  });

  it("refuses what is no option", () => {
    // @ts-expect-error no such option
    expect(() => describeCause(unit, { token: 1 })).toThrow("describeCause: expected options");
    expect(() => patchNames(0)).toThrow("patchNames: expected columns an integer ≥ 1, got 0");
  });

  it("every place of an encoder–decoder with a clamp is called by its name", () => {
    const model = createTransformer({ layers: 1, width: 4, heads: 2, hidden: 3, clamp: 1, seed: 2, dtype: "float64" });
    const numbers = random(4);
    const draw = () => ({ source: numbers.normal([3, 4]), target: numbers.normal([2, 4]) });
    const path = restrictToLine(model, draw(), draw());
    const groups = new Set(explainKnots(path).flatMap(({ causes }) => causes.map(({ group }) => group)));
    for (const group of groups)
      expect(group).toMatch(/^(encoder|decoder) (layer 0 (attention|cross attention|hidden|clamp)|clamp)/);
    expect(groups.size).toBeGreaterThan(4);
  });
});

const model = createEncoder({
  layers: 2,
  width: 4,
  heads: 2,
  hidden: 5,
  output: 3,
  pool: "mean",
  seed: 7,
  dtype: "float64",
});
const ends = (): [Tensor, Tensor] => {
  const numbers = random(1);
  return [numbers.normal([3, 4], { dtype: "float64" }), numbers.normal([3, 4], { dtype: "float64" })];
};
const path = restrictToLine(model, ...ends());
const causes = path.causes.flat().length;
const count = (text: string, part: string): number => text.split(part).length - 1;
/** Tags that open are closed, in order, and attributes are quoted. */
const isWellFormed = (svg: string): boolean => {
  const open: string[] = [];
  for (const [, close, name, rest] of svg.matchAll(/<(\/?)([a-zA-Z]+)((?:\s+[\w:-]+="[^"<]*")*\s*\/?)>/g)) {
    if (close) {
      if (open.pop() !== name) return false;
    } else if (!rest.endsWith("/")) open.push(name);
  }
  // nothing that looks like a tag was passed over
  return (
    open.length === 0 &&
    count(svg, "<") === [...svg.matchAll(/<(\/?)([a-zA-Z]+)((?:\s+[\w:-]+="[^"<]*")*\s*\/?)>/g)].length
  );
};

describe("knots of a path", () => {
  it("are all explained, in order", () => {
    const knots = explainKnots(path);
    expect(knots.map(({ at }) => at)).toEqual([...path.breakpoints.subarray(1, -1)]);
    expect(knots.flatMap((knot) => knot.causes)).toHaveLength(causes);
  });

  it("fill a table with a line for every unit that switches", () => {
    const lines = knotTable(path).split("\n");
    expect(lines).toHaveLength(1 + causes);
    expect(lines[1]).toBe(`${path.breakpoints[1].toFixed(10)}  ${describeCause(path.causes[1][0])}`);
  });

  it("are marked in the picture, which says in words what each is", () => {
    const svg = pathSvg(path, { title: "a < b", outputName: (c) => `"${c}"` });
    expect(isWellFormed(svg)).toBe(true);
    expect(svg).toContain("a &lt; b");
    expect(count(svg, "<title>t = ")).toBe(causes);
    expect(svg).toContain(describeCause(path.causes[1][0]));
    expect(svg).toContain(`${path.pieces.length} pieces, ${causes} switches`);
    expect(svg).toContain("prefers-color-scheme: dark");
    expect(svg).not.toMatch(/NaN|undefined|Infinity/);
  });

  it("a path without a breakpoint, of one output, that does not move, is still a picture", () => {
    const still: Network<"x"> = {
      inputs: { x: [1] },
      config: {},
      parameters: {},
      run: (ops, _, { x }) => ops.add(x, x),
    };
    const svg = pathSvg(restrictToLine(still, tensor([2]), tensor([2])));
    expect(isWellFormed(svg)).toBe(true);
    expect(svg).not.toMatch(/NaN|undefined|Infinity/);
    expect(svg).toContain("1 pieces, 0 switches");
  });

  it("several rows need to be told which", () => {
    const rows: Network<"x"> = {
      inputs: { x: [2, 2] },
      config: {},
      parameters: {},
      run: (ops, _, { x }) => ops.add(x, x),
    };
    const line = restrictToLine(
      rows,
      tensor([
        [0, 0],
        [0, 0],
      ]),
      tensor([
        [1, 2],
        [3, 4],
      ]),
    );
    expect(() => pathSvg(line)).toThrow("pathSvg: expected row to name one of the 2 rows");
    expect(pathSvg(line, { row: 1 })).toContain("<svg");
  });
});

describe("the class map's picture", () => {
  it("has a part for every interval, and hatches what is undecided", () => {
    const map = classMap(path);
    const svg = classMapSvg(map);
    expect(isWellFormed(svg)).toBe(true);
    expect(count(svg, "<g><title>")).toBe(map.length);
    expect(svg).not.toContain("url(#doubt)");
    const doubt = classMapSvg([
      { from: 0, to: 0.25, class: 0, rivals: [1] },
      { from: 0.25, to: 1, class: 1, rivals: [] },
    ]);
    expect(doubt).toContain("url(#doubt)");
    expect(doubt).toContain("0 or 1 from t = 0.0000 to 0.2500");
  });
});

describe("the attributions' picture", () => {
  const values = tensor([
    [1, -2, 3],
    [0, 4, -5],
  ]);

  it("has a cell for every entry that counts, one hue for each sign", () => {
    const svg = attributionSvg(values);
    expect(isWellFormed(svg)).toBe(true);
    expect(count(svg, 'fill="var(--more)"')).toBe(3);
    expect(count(svg, 'fill="var(--less)"')).toBe(2);
    expect(svg).toContain("Sum 1; strongest 5; 2 by 3 cells.");
  });

  it("sums patches and writes the sums", () => {
    const svg = attributionSvg(values, { patch: { height: 2, width: 1 } });
    expect([...svg.matchAll(/font-size="11">([^<]+)</g)].map(([, text]) => Number(text))).toEqual([1, 2, -2]);
    expect(attributionSvg(values, { patch: { height: 1, width: 3 } })).toContain(">2</text>");
  });

  it("all zeros are an empty frame", () => {
    expect(attributionSvg(tensor([[0, 0]]))).not.toMatch(/NaN|var\(--more\)"/);
  });

  it("refuses what is no matrix, and patches that do not fill it", () => {
    expect(() =>
      attributionSvg(
        tensor([
          [[1], [2]],
          [[3], [4]],
        ]),
      ),
    ).toThrow("attributionSvg: expected a matrix of attributions, got shape [2, 2, 1]");
    expect(() => attributionSvg(values, { patch: { height: 2, width: 2 } })).toThrow(
      "attributionSvg: expected patches that fill [2, 3]",
    );
  });
});
