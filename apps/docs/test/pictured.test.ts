import { describe, expect, it } from "vitest";
import { pictured } from "../src/figure/pictured.ts";

/** Frames that come when the test says so. */
function frames() {
  const waiting = new Map<number, () => void>();
  let count = 0;
  return {
    waiting,
    request(draw: () => void) {
      waiting.set(++count, draw);
      return count;
    },
    cancel: (request: number) => void waiting.delete(request),
    next() {
      const draws = [...waiting.values()];
      waiting.clear();
      for (const draw of draws) draw();
    },
  };
}

describe("what is shown", () => {
  it("follows what is wanted with the next picture, and every change starts from the one before", () => {
    const screen = frames();
    const value = pictured({ a: 0, b: 0 }, screen);
    value.change({ ...value.wanted.value, a: 1 });
    value.change({ ...value.wanted.value, b: 2 });
    value.change({ ...value.wanted.value, a: value.wanted.value.a + 1 });
    expect(value.shown.value).toEqual({ a: 0, b: 0 });
    expect(screen.waiting.size).toBe(1);
    screen.next();
    expect(value.shown.value).toEqual({ a: 2, b: 2 });
  });

  it("can be set at once, and then no older change comes after it", () => {
    const screen = frames();
    const value = pictured(1, screen);
    value.change(2);
    value.set(3);
    expect([value.wanted.value, value.shown.value]).toEqual([3, 3]);
    screen.next();
    expect(value.shown.value).toBe(3);
    value.change(4);
    screen.next();
    expect(value.shown.value).toBe(4);
  });

  it("stops when its page is left", () => {
    const screen = frames();
    const value = pictured(1, screen);
    value.change(2);
    value.stop();
    expect(screen.waiting.size).toBe(0);
  });
});
