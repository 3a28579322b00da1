import { describe, expect, it } from "vitest";
import { readFileSync } from "node:fs";
import { FRAMES, ITERATIONS, Rows } from "./rows";
import { reading } from "./readout";

function rows(layout: typeof FRAMES, starts: readonly number[], fill = (row: number, column: number) => row + column / 100): Rows {
  const numbers = starts.flatMap((start, row) =>
    Array.from({ length: layout.columns }, (_, column) => (column === 0 ? start : fill(row, column))));
  const bytes = new Uint8Array(4 * numbers.length + 1);
  bytes.set(new Uint8Array(new Float32Array(numbers).buffer), 1);
  return Rows.of(layout, new DataView(bytes.buffer, 1)); // not aligned
}

describe("rows", () => {
  it("read what Python wrote", () => {
    const found = rows(FRAMES, [3, 4]);
    expect(found.count).toBe(2);
    expect(found.x(1)).toBe(4);
    expect(found.value(1, 2)).toBeCloseTo(1.04);
    expect(found.centre(0, 3)).toBeCloseTo(0.09);
    expect(found.spread(0, 0)).toBeCloseTo(0.1);
    expect(found.before(0, 0)).toBeNaN();
    expect(rows(ITERATIONS, [0]).before(0, 1)).toBeCloseTo(0.11);
    expect(Rows.of(FRAMES, undefined).count).toBe(0);
  });

  it("have as many columns as in Python", () => {
    const python = readFileSync("../dragstream/widgets/drift_series.py", "utf8");
    expect(python).toContain(`FRAME_COLUMNS = ${FRAMES.columns}`);
    expect(python).toContain(`ITERATION_COLUMNS = ${ITERATIONS.columns}`);
  });

  it("find the nearest", () => {
    const found = rows(FRAMES, [2, 5, 9]);
    expect([-4, 3.4, 3.6, 7, 7.1, 40].map((x) => found.nearest(x))).toEqual([0, 0, 1, 1, 2, 2]);
    expect([5, 6].map((x) => found.exactly(x))).toEqual([1, -1]);
    expect(rows(FRAMES, []).nearest(1)).toBe(-1);
  });

  it("tell where blocks and segments begin", () => {
    const found = rows(ITERATIONS, [0, 1, 2, 3], (row, column) => (column === 1 ? Math.floor(row / 2) : 0));
    expect(found.boundaries(1, 3)).toEqual([1.5]);
  });

  it("are read out with what stands beside them", () => {
    const alone = reading("frames", rows(FRAMES, [2]), rows(FRAMES, []), 0);
    expect(alone.columns).toEqual(["stream", "neighbours"]);
    expect(alone.rows[1]).toEqual(["σ", "0.03000", "0.07000 ± 0.1100"]);
    const whole = rows(ITERATIONS, [0, 1], (row, column) => 10 * row + column);
    const both = reading("iterations", whole, rows(ITERATIONS, [1]), 1);
    expect(both.columns).toEqual(["stream", "before rectification", "neighbours", "without rectification"]);
    expect(both.title).toBe("block 11, iteration 12 · loss 14.00 · ω 15");
  });
});
