import { describe, expect, it } from "vitest";
import { contours, rounded } from "./contour";
import { decodeRuns, edgeMask, encodeRuns, Mask, rasterise, type Region } from "./mask";
import type { Point } from "./points";

const size = { width: 32, height: 20 };
const box = (left: number, top: number, right: number, bottom: number): Region => ({
  type: "box", left, top, right, bottom,
});

describe("rasterise", () => {
  it("holds the pixels whose middle lies in a box", () => {
    const mask = rasterise(box(10, 5, 13, 7), size);
    expect(mask.area).toBe(6);
    expect(mask.at([10, 5])).toBe(true);
    expect(mask.at([13, 5])).toBe(false);
    expect(mask.centroid).toEqual([11, 5.5]);
  });

  it("draws discs and strokes of a brush", () => {
    expect(rasterise({ type: "disc", center: [10, 10], radius: 1 }, size).area).toBe(5);
    const stroke = rasterise({ type: "brush", points: [[5, 5], [9, 5]], radius: 1 }, size);
    expect(stroke.area).toBe(5 + 4 * 3);
  });

  it("winds around polygons that cross themselves", () => {
    const twice: Point[] = [[4, 4], [12, 4], [12, 12], [4, 12]];
    const once = rasterise({ type: "polygon", points: twice }, size);
    expect(once.area).toBe(64);
    expect(rasterise({ type: "polygon", points: [...twice, ...twice] }, size).pixels).toEqual(once.pixels);
  });

  it("combines and clips at the frame", () => {
    const [a, b] = [box(-5, -5, 4, 4), box(2, 0, 8, 4)];
    expect(rasterise({ type: "union", of: [a, b] }, size).area).toBe(32);
    expect(rasterise({ type: "intersection", of: [a, b] }, size).area).toBe(8);
    expect(rasterise({ type: "difference", of: [a, b] }, size).area).toBe(8);
  });

  it("ignores a mask of another size", () => {
    expect(rasterise({ type: "mask", height: 2, width: 2, runs: [0, 4] }, size).empty).toBe(true);
  });
});

describe("runs", () => {
  it("come back", () => {
    for (const pixels of [[0, 0, 1, 1, 0], [1, 0, 1], [0], [1, 1]].map((p) => Uint8Array.from(p))) {
      expect(decodeRuns(encodeRuns(pixels), pixels.length)).toEqual(pixels);
    }
    expect(encodeRuns(Uint8Array.from([1, 1, 0]))).toEqual([0, 2, 1]);
  });

  it("must cover the frame", () => {
    expect(() => decodeRuns([2, 2], 5)).toThrow(RangeError);
  });
});

describe("edgeMask", () => {
  it("is the third toward the pull", () => {
    const edge = edgeMask(rasterise(box(6, 2, 18, 8), size), [5, 0], 1 / 3);
    expect(edge.area).toBe(4 * 6);
    expect(edge.at([14, 4])).toBe(true);
    expect(edge.at([13, 4])).toBe(false);
  });
});

describe("contours", () => {
  it("walk around areas and holes", () => {
    const ring = rasterise({ type: "difference", of: [box(4, 4, 12, 12), box(6, 6, 9, 9)] }, size);
    const loops = contours(ring);
    expect(loops.map((loop) => loop.length).sort((a, b) => a - b)).toEqual([12, 32]);
    expect(loops.flat()).toContainEqual([3.5, 3.5]);
  });

  it("split where areas touch at a corner only", () => {
    const mask = new Mask(4, 4);
    mask.pixels[5] = mask.pixels[10] = 1;
    expect(contours(mask).flat()).toHaveLength(8);
  });

  it("are rounded without leaving the mask by more than a pixel", () => {
    const loop: Point[] = [[0, 0], [2, 0], [2, 2], [0, 2]];
    expect(rounded(loop, 1)).toEqual([[1, 0], [2, 1], [1, 2], [0, 1]]);
  });
});
