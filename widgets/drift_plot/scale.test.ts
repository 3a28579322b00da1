import { describe, expect, it } from "vitest";
import { bandPath, decimals, extent, linePath, place, formatNumber, ticks, tickStep } from "./scale";

describe("axes", () => {
  it("hold all finite values with some room", () => {
    expect(extent([1, NaN, 3, Infinity], 0)).toEqual({ low: 1, high: 3 });
    expect(extent([0, 10], 0.1)).toEqual({ low: -1, high: 11 });
    expect(extent([])).toBeNull();
    expect(extent([NaN])).toBeNull();
    const flat = extent([2, 2], 0.5)!;
    expect(flat.low).toBeLessThan(2);
    expect(flat.high).toBeGreaterThan(2);
    expect(extent([0, 0], 0.5)).toEqual({ low: -0.5, high: 0.5 });
  });

  it("have round ticks", () => {
    expect(tickStep({ low: 0, high: 10 }, 4)).toBe(5);
    expect(tickStep({ low: 0, high: 1 }, 5)).toBeCloseTo(0.2, 12);
    expect(ticks({ low: -0.3, high: 0.31 }, 4)).toEqual([-0.2, 0, 0.2]);
    expect(ticks({ low: 0.5, high: 4.5 }, 9, 1)).toEqual([1, 2, 3, 4]);
    expect(Object.is(ticks({ low: -1, high: 1 }, 2)[1], -0)).toBe(false);
    expect([0.2, 0.05, 1, 20].map(decimals)).toEqual([1, 2, 0, 0]);
  });

  it("place values linearly, also upside down", () => {
    expect(place(5, { low: 0, high: 10 }, 100, 0)).toBe(50);
    expect(place(12, { low: 0, high: 10 }, 0, 100)).toBe(120);
  });
});

describe("paths", () => {
  it("leave gaps where nothing is known", () => {
    expect(linePath([[0, 1], [2, 3.14159], [4, NaN], [6, 7], [8, 9]])).toBe("M0 1L2 3.1M6 7L8 9");
    expect(bandPath([[0, 1, 2], [1, 1, 3], [2, NaN, 3], [3, 0, 1]])).toBe("M0 1L1 1L1 3L0 2ZM3 0L3 1Z");
    expect(bandPath([])).toBe("");
  });
});

it("numbers are short to read", () => {
  expect([0, 1.23456, -0.0123456, 1e-5, 123456.7, NaN].map(formatNumber)).toEqual([
    "0.000", "1.235", "−0.01235", "1.00e-5", "1.23e+5", "–",
  ]);
});
