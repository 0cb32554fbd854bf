import { describe, expect, it } from "vitest";
import { dotsPath, drawingOf, linePath, nearest, piecePath } from "../src/figure/drawing.ts";
import { breakpointText, causesText, counted, degreesText, plain, small, smoothnessText } from "../src/figure/words.ts";

const view = { from: 0, to: 10, low: -1, high: 1 };

describe("the drawing", () => {
  it("puts the view into the plot's rectangle, and a place on the screen back into the view", () => {
    const drawing = drawingOf(700, view, { isYears: false });
    const { left, right, top, bottom } = drawing;
    expect([drawing.x(0), drawing.x(10), drawing.y(-1), drawing.y(1)]).toEqual([left, right, bottom, top]);
    const [x, y] = drawing.point(drawing.x(3), drawing.y(0.5));
    expect(x).toBeCloseTo(3, 12);
    expect(y).toBeCloseTo(0.5, 12);
  });

  it("has fewer ticks on a phone, and never fewer than two", () => {
    const [wide, narrow] = [700, 300].map((width) => drawingOf(width, view, { isYears: false }));
    expect(narrow.xTicks.length).toBeLessThan(wide.xTicks.length);
    expect(narrow.xTicks.length).toBeGreaterThan(1);
    for (const { at } of narrow.xTicks) expect(at).toBeGreaterThanOrEqual(narrow.left);
  });

  it("writes years without a separator", () => {
    const { xTicks } = drawingOf(700, { ...view, from: 1957, to: 2021 }, { isYears: true });
    expect(xTicks.map(({ text }) => text)).toContain("1980");
  });

  const units = { x: (v: number) => 10 * v, y: (v: number) => -v };

  it("draws a piece as one Bézier curve with control points at thirds", () => {
    const piece = { from: 1, to: 4, degree: 3, heights: [5, 6, 7, 11] } as const;
    expect(piecePath(piece, units)).toBe("M10,-5C20,-6 30,-7 40,-11");
  });

  it("draws lines and dots", () => {
    expect(linePath([0, 1, 3], [2, 5, 7], units)).toBe("M0,-2L10,-5L30,-7");
    expect(
      dotsPath(
        [
          [0, 2],
          [1, 5],
        ],
        units,
      ),
    ).toBe("M0,-2h0M10,-5h0");
  });

  it("leaves far outside what is far outside, in numbers that a browser reads", () => {
    expect(linePath([0, 1], [-1e300, 1e300], units)).toBe("M0,1000000000L10,-1000000000");
    const piece = { from: 0, to: 3, degree: 3, heights: [0, 1e40, -1e40, 0] } as const;
    expect(piecePath(piece, units)).toBe("M0,0C10,-1000000000 20,1000000000 30,0");
  });

  it("finds what is nearest, within reach", () => {
    expect(nearest(52, [10, 50, 55], 30)).toBe(1);
    expect(nearest(54, [10, 50, 55], 30)).toBe(2);
    expect(nearest(100, [10, 50, 55], 30)).toBe(undefined);
    expect(nearest(0, [], 30)).toBe(undefined);
  });
});

describe("the words", () => {
  const head = { op: "weigh", scope: "block 0/attention", batch: [], query: 0, key: 0 } as const;
  const unit = { op: "activate", scope: "block 0/feedForward", batch: [], token: 0 } as const;

  it("say which head and which unit, and in which direction", () => {
    const causes = [
      { ...head, head: 3, before: 1, after: 0 },
      { ...unit, unit: 5, before: 0, after: 1 },
    ];
    expect(causesText(causes)).toBe("head 3 stops, hidden unit 5 starts");
    expect(causesText([])).toBe("nothing");
    expect(breakpointText({ x: 1, y: 2, smoothness: 2, causes }, "year 1971.5")).toBe(
      "At year 1971.5: head 3 stops, hidden unit 5 starts; C².",
    );
  });

  it("say how smooth, also where nothing breaks or everything does", () => {
    expect([-1, 0, 2, Number.POSITIVE_INFINITY].map(smoothnessText)).toEqual([
      "a jump",
      "C⁰",
      "C²",
      "one polynomial on both sides",
    ]);
  });

  it("write numbers with two digits", () => {
    expect([0, 1, 0.0123, 1234, 3.456e-13, 2.5e7, 9.96e-5].map(small)).toEqual([
      "0",
      "1",
      "0.012",
      "1200",
      "3.5·10⁻¹³",
      "2.5·10⁷",
      "1.0·10⁻⁴",
    ]);
  });

  it("write places to a thousandth of the range", () => {
    expect([plain(1971.23456, 64), plain(0.123456, 0.5), plain(1234.6, 5000)]).toEqual(["1971.23", "0.1235", "1235"]);
  });

  it("count one thing and many", () => {
    expect([0, 1, 2].map((n) => counted(n, "piece"))).toEqual(["0 pieces", "1 piece", "2 pieces"]);
  });

  it("count equal degrees", () => {
    expect(degreesText([1, 3, 3, 3, 1])).toBe("1, 3 × 3, 1");
    expect(degreesText([3])).toBe("3");
  });
});
