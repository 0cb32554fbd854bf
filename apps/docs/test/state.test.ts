import { describe, expect, it } from "vitest";
import { fromQuery, toQuery } from "../src/figure/address.ts";
import { maunaLoa } from "../src/figure/series.ts";
import {
  betaAt,
  type FigureState,
  initialState,
  keyZeros,
  moveKeyZero,
  moveKnot,
  placeOf,
  sharpness,
  viewOf,
} from "../src/figure/state.ts";

const plain: FigureState = {
  mode: "knots",
  knots: [
    [0, 1],
    [2, 3],
    [5, -1],
  ],
  shifts: new Map(),
  beta: 2,
};
/** 0 … 5 and room of a sixtieth; −1 … 3 and room of a sixth. */
const view = viewOf(plain.knots);

describe("a change of the figure", () => {
  it("moves one knot and leaves the state it came from alone", () => {
    const moved = moveKnot(plain, view, 1, [3, 2]);
    expect(moved.knots).toEqual([
      [0, 1],
      [3, 2],
      [5, -1],
    ]);
    expect(plain.knots[1]).toEqual([2, 3]);
  });

  it("keeps a knot between its neighbours, a two-hundredth of the view away, and in the view", () => {
    const gap = (view.to - view.from) / 200;
    expect(moveKnot(plain, view, 1, [-7, 0]).knots[1][0]).toBeCloseTo(gap, 12);
    expect(moveKnot(plain, view, 1, [11, 0]).knots[1][0]).toBeCloseTo(5 - gap, 12);
    expect(moveKnot(plain, view, 0, [-7, 99]).knots[0]).toEqual([view.from + gap, view.high]);
    expect(moveKnot(plain, view, 2, [11, -99]).knots[2]).toEqual([view.to - gap, view.low]);
  });

  it("rounds a knot to less than a ten-thousandth of the view", () => {
    expect(moveKnot(plain, view, 1, [2.123456789, 1.23456789]).knots[1]).toEqual([2.1235, 1.2346]);
  });

  it("moves the zero of a head's key, and forgets a move that went back", () => {
    const moved = moveKeyZero(plain, view, 1, 4.25);
    expect(moved.shifts).toEqual(new Map([[1, -0.75]]));
    expect(keyZeros(moved)).toEqual([2, 4.25]);
    expect(moveKeyZero(moved, view, 1, 5).shifts.size).toBe(0);
    expect(moved.shifts.size).toBe(1);
  });

  it("keeps the zero of a key in the view", () => {
    const width = view.to - view.from;
    expect(keyZeros(moveKeyZero(plain, view, 0, -7))[0]).toBeCloseTo(view.from + width / 200, 3);
    expect(keyZeros(moveKeyZero(plain, view, 0, 99))[0]).toBeCloseTo(view.to - width / 200, 3);
  });

  it("has a slider on which every place is a sharpness of its own", () => {
    const places = [];
    for (let at: number = sharpness.least; at <= sharpness.most; at += sharpness.step) places.push(at);
    expect(places.length).toBe(49);
    expect(new Set(places.map(betaAt)).size).toBe(49);
    // three digits of β, so a place comes back to half a step in the fourth
    for (const at of places) expect(Math.abs(placeOf(betaAt(at)) - at)).toBeLessThan(0.005 / Math.LN2);
    expect([betaAt(-3), betaAt(0), betaAt(9)]).toEqual([0.125, 1, 512]);
  });

  it("has a view even of points at one height", () => {
    const flat = viewOf([
      [0, 0],
      [1, 0],
    ]);
    expect(flat.high).toBeGreaterThan(flat.low);
  });
});

describe("the address", () => {
  const series = maunaLoa();
  const start = initialState(series);
  const wide = viewOf(series.points);

  it("says nothing about what nobody touched, and leaves other parameters alone", () => {
    expect(toQuery("", start, start)).toBe("");
    expect(toQuery("?a=b&beta=7", start, start)).toBe("?a=b");
  });

  it("is short and readable", () => {
    let state = moveKnot(start, wide, 5, [1971.25, 330.5]);
    state = moveKeyZero({ ...state, mode: "weights", beta: 4 }, wide, 2, state.knots[3][0] + 0.5);
    expect(toQuery("", state, start)).toBe("?mode=weights&knots=5:1971.25,330.5&keys=2:0.5&beta=4");
  });

  it("gives back every state that it was made of", () => {
    let state: FigureState = start;
    // a fixed walk: every knot once, to places that a pointer could give
    for (let i = 0; i < 24; i++) {
      const [x, y] = state.knots[i];
      state = moveKnot(state, wide, i, [x + Math.sin(7 * i) / 3, y + 11 * Math.cos(5 * i)]);
      if (i % 3 === 0 && i < 23) state = moveKeyZero(state, wide, i, state.knots[i + 1][0] + Math.cos(3 * i));
      state = { ...state, beta: betaAt(-3 + i / 2), mode: i % 2 === 0 ? "knots" : "weights" };
      expect(fromQuery(toQuery("", state, start), start)).toEqual({ state, isOwn: false });
    }
  });

  it("holds all knots of a reader's own curve", () => {
    const query = toQuery("", plain, undefined);
    expect(query).toBe("?curve=0,1~2,3~5,-1&beta=2");
    expect(fromQuery(query, start)).toEqual({ state: plain, isOwn: true });
  });

  it("is refused with what cannot be read in it", () => {
    const refused = (query: string) => expect(() => fromQuery(query, start), query);
    refused("?mode=fast").toThrow('the address: expected "knots" or "weights" in mode, got fast');
    refused("?knots=24:1,2").toThrow(
      "the address: expected a number from 0 to 23 before the colon in knots, got 24:1,2",
    );
    refused("?knots=3:1970").toThrow("the address: expected x,y in knots, got 1970");
    refused("?knots=3:NaN,2").toThrow("the address: expected a number in knots, got NaN");
    refused("?knots=3:2001,2").toThrow("the address: expected x to increase in knots");
    refused("?curve=0,1").toThrow("the address: expected at least 2 knots in curve, got 1");
    refused("?curve=0,1~0,2").toThrow("the address: expected x to increase in curve, got 0,2");
    refused(`?curve=${Array.from({ length: 67 }, (_, i) => `${i},0`).join("~")}`).toThrow("at most 64 knots");
    refused("?keys=23:1").toThrow("the address: expected a number from 0 to 22 before the colon in keys, got 23:1");
    refused("?keys=3:").toThrow("the address: expected a number in keys, got nothing");
    refused("?beta=0").toThrow("the address: expected a number from 0.125 to 512 in beta, got 0");
    refused("?beta=1e-300").toThrow("the address: expected a number from 0.125 to 512 in beta, got 1e-300");
    refused("?beta=1e300").toThrow("the address: expected a number from 0.125 to 512 in beta, got 1e+300");
    refused("?beta=513").toThrow("the address: expected a number from 0.125 to 512 in beta, got 513");
    refused("?beta=1e999").toThrow("the address: expected a number in beta, got 1e999");
  });
});
