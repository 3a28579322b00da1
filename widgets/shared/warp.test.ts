import { describe, expect, it } from "vitest";
import { apply, inverse, rotation, translation } from "./affine";
import { filled, widened } from "./fill";
import { edgeMask, extentAlong, Mask } from "./mask";
import type { Point } from "./points";
import { movedPatch, stretchedPatch, stretchSource, type Patch, type Pixels } from "./warp";

const WIDTH = 24;
const HEIGHT = 16;

/** Red rises to the right, green downward. */
function gradient(): Pixels {
  const data = new Uint8ClampedArray(4 * WIDTH * HEIGHT);
  for (let i = 0; i < WIDTH * HEIGHT; i++) {
    data.set([10 * (i % WIDTH), 15 * Math.floor(i / WIDTH), 77, 255], 4 * i);
  }
  return { width: WIDTH, height: HEIGHT, data };
}

function box(left: number, top: number, right: number, bottom: number): Mask {
  const mask = new Mask(WIDTH, HEIGHT);
  for (let y = top; y < bottom; y++) mask.pixels.fill(1, y * WIDTH + left, y * WIDTH + right);
  return mask;
}

const at = (patch: Patch, x: number, y: number): number[] => {
  const i = 4 * ((y - patch.top) * patch.width + (x - patch.left));
  return [...patch.data.slice(i, i + 4)];
};

describe("a region carried along", () => {
  it("by whole pixels keeps its pixels, and nothing else comes along", () => {
    const patch = movedPatch(gradient(), box(4, 4, 8, 8), translation(6, 2));
    for (let y = 4; y < 8; y++) {
      for (let x = 4; x < 8; x++) expect(at(patch, x + 6, y + 2)).toEqual([10 * x, 15 * y, 77, 255]);
    }
    expect(at(patch, 9, 7)[3]).toBe(0);
    expect(at(patch, 14, 7)[3]).toBe(0);
    let covered = 0;
    for (let i = 3; i < patch.data.length; i += 4) covered += patch.data[i] / 255;
    expect(covered).toBeCloseTo(16, 6);
  });

  it("by half a pixel is blended, with colours of the region only", () => {
    const patch = movedPatch(gradient(), box(4, 4, 8, 8), translation(0.5, 0));
    expect(at(patch, 6, 5)).toEqual([55, 75, 77, 255]);
    expect(at(patch, 4, 5)).toEqual([40, 75, 77, 128]);
    expect(at(patch, 8, 5)).toEqual([70, 75, 77, 128]);
  });

  it("turns clockwise about a point", () => {
    const patch = movedPatch(gradient(), box(10, 4, 13, 5), rotation([11, 8], 90));
    expect(at(patch, 15, 8)).toEqual([110, 60, 77, 255]);
    expect(at(patch, 15, 7)).toEqual([100, 60, 77, 255]);
  });

  it("out of the frame is cut", () => {
    const patch = movedPatch(gradient(), box(20, 4, 24, 8), translation(2, 0));
    expect(patch.left + patch.width).toBe(WIDTH);
    expect(at(patch, 23, 5)).toEqual([210, 75, 77, 255]);
    expect(movedPatch(gradient(), box(0, 0, 2, 2), translation(500, 0)).data.every((value) => value === 0)).toBe(true);
  });

  it("goes where its map says", () => {
    const map = rotation([3, 9], 33);
    const [x, y] = apply(inverse(map), apply(map, [7, 2]));
    expect([x, y].map((value) => Math.round(1e9 * value) / 1e9)).toEqual([7, 2]);
  });
});

describe("a region pulled at its edge", () => {
  const mask = box(4, 4, 12, 8);
  const extent = extentAlong(mask, [1, 0])!;

  it("moves the held share as a whole and leaves the far end", () => {
    const source = stretchSource(extent, 0.25, [8, 0]);
    const held = edgeMask(mask, [1, 0], 0.25);
    for (let x = 4; x < 12; x++) if (held.at([x, 5])) expect(source([x + 8, 5])[0]).toBeCloseTo(x, 9);
    expect(source([4, 5])).toEqual([4, 5]);
    // between, evenly: the free part of 5 pixels becomes 13 long
    expect(source([4 + 6.5, 5])[0]).toBeCloseTo(4 + 2.5, 9);
  });

  it("never folds over, however far it is pushed in", () => {
    const source = stretchSource(extent, 0.25, [-40, 3]);
    let last = -Infinity;
    for (let x = 3; x < 12; x += 0.25) {
      const [from] = source([x, 5]);
      expect(from).toBeGreaterThanOrEqual(last);
      last = from;
    }
  });

  it("as a whole where all of it is held", () => {
    expect(stretchSource(extent, 1, [5, 2])([9, 9])).toEqual([4, 7]);
  });

  it("shows pixels from end to end", () => {
    const patch = stretchedPatch(gradient(), mask, extent, 0.25, [8, 0]);
    for (let x = 4; x < 20; x++) expect(at(patch, x, 5)[3]).toBe(255);
    expect(at(patch, 19, 5)).toEqual([110, 75, 77, 255]);
    expect(at(patch, 20, 5)[3]).toBe(0);
  });

  it("follows a pull that leads aside", () => {
    const [x, y] = stretchSource(extent, 0.25, [0, 6])([11, 10]);
    expect([x, y]).toEqual([11, 4]);
  });
});

describe("the place that is left", () => {
  it("takes the colour around it", () => {
    const data = new Uint8ClampedArray(4 * WIDTH * HEIGHT).fill(255);
    for (let i = 0; i < data.length; i += 4) data.set([40, 90, 200], i);
    const picture = { width: WIDTH, height: HEIGHT, data };
    const hole = box(5, 5, 14, 11);
    hole.pixels.forEach((pixel, i) => pixel && data.set([255, 0, 0], 4 * i));
    const { data: found } = filled(picture, hole);
    for (let i = 0; i < found.length; i += 4) expect([...found.slice(i, i + 4)]).toEqual([40, 90, 200, 255]);
  });

  it("runs smoothly from side to side and leaves the rest alone", () => {
    const picture = gradient();
    const hole = box(8, 4, 16, 12);
    const { data } = filled(picture, hole);
    picture.data.forEach((value, i) => hole.pixels[i >> 2] === 0 && expect(data[i]).toBe(value));
    const row = Array.from({ length: 8 }, (_, i) => data[4 * (8 * WIDTH + 8 + i)]);
    expect(row).toEqual([...row].sort((a, b) => a - b));
    expect(row[0]).toBeGreaterThan(40);
    expect(row[7]).toBeLessThan(200);
  });

  it("may have room around it", () => {
    const wide = widened(box(4, 4, 6, 6), 2);
    expect([wide.area, wide.at([2, 2] as Point), wide.at([8, 4])]).toEqual([36, true, false]);
    expect(widened(box(0, 0, 1, 1), 2).area).toBe(9);
  });
});
