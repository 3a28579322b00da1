import { describe, expect, it } from "vitest";
import type { PathDocument } from "./document";
import { fitPath } from "./fit";
import { distance, type Point } from "./points";
import { basis, curve, pathAt, pathLength, reach } from "./spline";

const path = (points: Point[], more: Partial<PathDocument> = {}): PathDocument => ({
  points, smooth: true, ease: "linear", frames: null, ...more,
});

describe("basis", () => {
  it("sums to one and starts and ends at the end points", () => {
    for (const count of [2, 3, 4, 7]) {
      for (const u of [0, 0.2, 0.5, 0.77, 1]) {
        expect(basis(u, count).reduce((a, b) => a + b)).toBeCloseTo(1, 12);
      }
      expect(basis(0, count)[0]).toBe(1);
      expect(basis(1, count)[count - 1]).toBe(1);
    }
  });

  it("of four points is the Bernstein basis", () => {
    const u = 0.3;
    const expected = [0.343, 0.441, 0.189, 0.027];
    basis(u, 4).forEach((weight, i) => expect(weight).toBeCloseTo(expected[i], 12));
  });
});

describe("paths", () => {
  it("run at even speed", () => {
    const bent = path([[0, 0], [40, 0], [40, 40], [80, 40]]);
    const steps = Array.from({ length: 11 }, (_, i) => pathAt(bent, i / 10));
    const chords = steps.slice(1).map((point, i) => distance(point, steps[i]));
    for (const chord of chords) expect(chord).toBeCloseTo(pathLength(bent) / 10, 0);
    expect(pathAt(bent, 0)).toEqual([0, 0]);
    expect(pathAt(bent, 1)).toEqual([80, 40]);
  });

  it("ease", () => {
    const straight = path([[10, 0], [110, 0]], { ease: "ease_in" });
    expect(pathAt(straight, 0.5)[0]).toBeCloseTo(35, 9);
    expect(pathAt({ ...straight, ease: "ease_out" }, 0.5)[0]).toBeCloseTo(85, 9);
    expect(pathAt({ ...straight, ease: "ease_in_out" }, 0.25)[0]).toBeCloseTo(22.5, 9);
  });

  it("pass through pinned waypoints at their frames", () => {
    const pinned = path([[0, 0], [10, 30], [50, 30], [60, 0], [90, 5]], { frames: [0, 1, 4, 5, 8] });
    pinned.points.forEach((point, i) => {
      const at = pathAt(pinned, pinned.frames![i] / 8);
      expect(distance(at, point)).toBeLessThan(1e-9);
    });
  });

  it("reach as far as their farthest point", () => {
    expect(reach(path([[0, 0], [30, 0], [10, 0]], { smooth: false }))).toEqual([30, 0]);
    expect(curve(path([[0, 0], [5, 5]]))).toHaveLength(2);
  });
});

describe("fitPath", () => {
  it("follows a drawn line with few control points", () => {
    const drawn = Array.from({ length: 80 }, (_, i): Point => [i, 15 * Math.sin(i / 14)]);
    const control = fitPath(drawn);
    expect(control.length).toBeLessThan(10);
    expect(control[0]).toEqual(drawn[0]);
    expect(control.at(-1)).toEqual(drawn.at(-1));
    const line = curve(path(control));
    for (const point of drawn) {
      expect(Math.min(...line.map((other) => distance(point, other)))).toBeLessThan(0.8);
    }
  });

  it("makes an arrow of a short line", () => {
    expect(fitPath([[0, 0], [0.1, 0], [5, 0]])).toEqual([[0, 0], [5, 0]]);
  });
});
