import { describe, expect, test } from "vitest";
import { recipe } from "../src/index.ts";

describe("recipe", () => {
  test("warms up for one epoch, of a short run for a fifth, and ends at 0", () => {
    for (const [epochs, warmUp] of [
      [25, 1 / 25],
      [3, 1 / 5],
      [1, 1 / 5],
    ]) {
      const { schedule } = recipe({ epochs });
      expect(schedule(warmUp / 2)).toBeCloseTo(0.5, 12);
      expect(schedule(warmUp)).toBe(1);
      expect(schedule(1)).toBeCloseTo(0, 15);
    }
  });

  test("takes a learning rate and a batch, and refuses what is out of range", () => {
    expect(recipe({ epochs: 2, learningRate: 0.5, batch: 7 })).toMatchObject({ epochs: 2, batch: 7 });
    expect(recipe({ epochs: 2, learningRate: 0.5 }).optimizer.learningRate).toBe(0.5);
    expect(() => recipe({ epochs: 0 })).toThrow("recipe: expected epochs to be a whole number > 0, got 0");
    expect(() => recipe({ epochs: 2, batch: 1.5 })).toThrow("recipe: expected batch to be a whole number > 0, got 1.5");
    expect(() => recipe({ epochs: 2, learningRate: 0 })).toThrow("recipe: expected learningRate > 0, got 0");
    expect(() => recipe({ epochs: 2, rate: 1 } as never)).toThrow(
      "recipe: expected options epochs, learningRate, batch",
    );
  });
});
