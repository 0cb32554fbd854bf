import { describe, expect, it } from "vitest";
import { shippedSeries } from "../../../packages/splineformer/src/shipped.ts";
import { knotsOf, maunaLoa, readSeries } from "../src/figure/series.ts";

describe("the curve to start from", () => {
  it("is the series that the demo reads, number for number", async () => {
    const demo = await shippedSeries();
    const { points } = maunaLoa();
    expect(points.length).toBe(741);
    expect(points.map(([x]) => x)).toEqual(Array.from(demo.x));
    expect(points.map(([, y]) => y)).toEqual(Array.from(demo.y));
  });

  it("gets 24 knots, the first and the last row among them", () => {
    const series = maunaLoa();
    const knots = knotsOf(series);
    expect(knots.length).toBe(24);
    expect(knots[0]).toEqual(series.points[0]);
    expect(knots[1]).toEqual(series.points[32]); // round(740/23)
    expect(knots[23]).toEqual(series.points[740]);
  });
});

describe("a reader's own points", () => {
  it("come between commas, semicolons, tabs or spaces, with or without names", () => {
    const points = [
      [0, 1],
      [1.5, -3],
      [2, 0.2],
    ];
    for (const text of [
      "0,1\n1.5,-3\n2,2e-1",
      "time;height\n0;1\n1.5;-3\n2;.2\n",
      "0\t1\r\n1.5\t-3\r\n\r\n2\t0.2",
      "  0 1\n1.5   -3\n2 0.2",
      '"x, in s","y"\n"0","1"\n1.5,-3\n2,0.2',
    ])
      expect(readSeries(text).points, text).toEqual(points);
    expect(readSeries("time;height\n0;1\n1;2")).toMatchObject({ xName: "time", yName: "height", isYears: false });
    expect(readSeries("0,1\n1,2")).toMatchObject({ xName: "x", yName: "y" });
  });

  it("may have dates for x, which become decimal years", () => {
    const { points, isYears } = readSeries("1999-01-01,5\n1999-07,6\n2000-12-31,7");
    expect(isYears).toBe(true);
    // 181 of 365 days, and 365 of 366
    expect(points).toEqual([
      [1999, 5],
      [1999 + 181 / 365, 6],
      [2000 + 365 / 366, 7],
    ]);
  });

  it("become knots themselves where there are at most 24", () => {
    const series = readSeries("0,1\n1,3\n4,2");
    expect(knotsOf(series)).toEqual(series.points);
  });

  it("are refused with the line that cannot be used", () => {
    const refused = (text: string) => expect(() => readSeries(text), text);
    refused("").toThrow("readSeries: expected two columns of numbers, got nothing");
    refused("x,y\n0,1").toThrow("readSeries: expected at least 2 points, got 1");
    refused("0,1\n1,\n2,3").toThrow('readSeries: expected y, a number, got "" in line 2');
    refused("0,1\n\none,2").toThrow('readSeries: expected x, a number or a date, got "one" in line 3');
    refused("0,1\n1,0x10").toThrow('readSeries: expected y, a number, got "0x10" in line 2');
    refused("0,1\n2,1\n2,3").toThrow("readSeries: expected x to increase, got 2 after 2 in line 3");
    refused("1999-02-30,1\n1999-03-01,2\n1998-02-30,1").toThrow('got "1998-02-30" in line 3');
    refused("0,Infinity\n1,NaN\n2,3").toThrow('readSeries: expected y, a number, got "NaN" in line 2');
  });
});
