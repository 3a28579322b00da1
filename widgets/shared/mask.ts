// Pixel masks and shapes, as in dragstream.drags.regions.
// Pixel (x, y) with whole x and y is the middle of column x and row y, as in Python: a frame of
// width W reaches from -0.5 to W - 0.5.
import { clamp, distanceToSegment, type Point } from "./points";

export type Region =
  | { readonly type: "disc"; readonly center: Point; readonly radius: number }
  | {
      readonly type: "box";
      readonly left: number;
      readonly top: number;
      readonly right: number;
      readonly bottom: number;
    }
  | { readonly type: "polygon"; readonly points: readonly Point[] }
  | { readonly type: "brush"; readonly points: readonly Point[]; readonly radius: number }
  | {
      readonly type: "mask";
      readonly height: number;
      readonly width: number;
      readonly runs: readonly number[];
    }
  | { readonly type: "union" | "intersection" | "difference"; readonly of: readonly Region[] };

export interface Size {
  readonly width: number;
  readonly height: number;
}

/** A boolean image, row-major. */
export class Mask {
  readonly pixels: Uint8Array;

  constructor(
    readonly width: number,
    readonly height: number,
    pixels?: Uint8Array,
  ) {
    this.pixels = pixels ?? new Uint8Array(width * height);
  }

  /** The pixel whose square holds `point`, false outside of the frame. */
  at(point: Point): boolean {
    const x = Math.round(point[0]);
    const y = Math.round(point[1]);
    if (x < 0 || y < 0 || x >= this.width || y >= this.height) return false;
    return this.pixels[y * this.width + x] === 1;
  }

  get area(): number {
    let count = 0;
    for (const pixel of this.pixels) count += pixel;
    return count;
  }

  get empty(): boolean {
    return !this.pixels.includes(1);
  }

  /** The mean position of the pixels' middles; the middle of the frame for an empty mask. */
  get centroid(): Point {
    let [sumX, sumY, count] = [0, 0, 0];
    for (let y = 0, i = 0; y < this.height; y++) {
      for (let x = 0; x < this.width; x++, i++) {
        if (this.pixels[i] === 0) continue;
        sumX += x;
        sumY += y;
        count += 1;
      }
    }
    if (count === 0) return [(this.width - 1) / 2, (this.height - 1) / 2];
    return [sumX / count, sumY / count];
  }

  private pairedWith(other: Mask): Mask {
    if (other.width !== this.width || other.height !== this.height) {
      throw new RangeError("masks of different sizes do not combine");
    }
    return this.copy();
  }

  copy(): Mask {
    return new Mask(this.width, this.height, this.pixels.slice());
  }

  or(other: Mask): Mask {
    const result = this.pairedWith(other);
    for (let i = 0; i < result.pixels.length; i++) result.pixels[i] |= other.pixels[i];
    return result;
  }

  and(other: Mask): Mask {
    const result = this.pairedWith(other);
    for (let i = 0; i < result.pixels.length; i++) result.pixels[i] &= other.pixels[i];
    return result;
  }

  without(other: Mask): Mask {
    const result = this.pairedWith(other);
    for (let i = 0; i < result.pixels.length; i++) result.pixels[i] &= ~other.pixels[i];
    return result;
  }

  overlaps(other: Mask): boolean {
    for (let i = 0; i < this.pixels.length; i++) if (this.pixels[i] & other.pixels[i]) return true;
    return false;
  }

  /** As a region; its runs are computed on first use, not while painting. */
  toRegion(): Region {
    const { pixels } = this;
    let runs: number[] | null = null;
    return {
      type: "mask",
      height: this.height,
      width: this.width,
      get runs() {
        runs ??= encodeRuns(pixels);
        return runs;
      },
    };
  }
}

/** Lengths of runs in reading order, the first one of zeros. */
export function encodeRuns(pixels: Uint8Array): number[] {
  const runs: number[] = [];
  let [value, length] = [0, 0];
  for (const pixel of pixels) {
    if (pixel !== value) {
      runs.push(length);
      [value, length] = [pixel, 0];
    }
    length += 1;
  }
  runs.push(length);
  return runs;
}

export function decodeRuns(runs: readonly number[], length: number): Uint8Array {
  const pixels = new Uint8Array(length);
  let at = 0;
  runs.forEach((run, i) => {
    if (i % 2 === 1) pixels.fill(1, at, at + run);
    at += run;
  });
  if (at !== length) throw new RangeError(`runs cover ${at} pixels of ${length}`);
  return pixels;
}

type Bounds = readonly [left: number, top: number, right: number, bottom: number];

/** Marks the pixels within `bounds` whose middle passes `test`. */
function mark(mask: Mask, bounds: Bounds, test: (x: number, y: number) => boolean): void {
  const left = Math.max(0, Math.floor(bounds[0]));
  const top = Math.max(0, Math.floor(bounds[1]));
  const right = Math.min(mask.width - 1, Math.ceil(bounds[2]));
  const bottom = Math.min(mask.height - 1, Math.ceil(bounds[3]));
  for (let y = top; y <= bottom; y++) {
    for (let x = left; x <= right; x++) {
      if (test(x, y)) mask.pixels[y * mask.width + x] = 1;
    }
  }
}

/** Marks every pixel within `radius` of the line from `start` to `end`. */
export function stamp(mask: Mask, start: Point, end: Point, radius: number): void {
  const bounds: Bounds = [
    Math.min(start[0], end[0]) - radius,
    Math.min(start[1], end[1]) - radius,
    Math.max(start[0], end[0]) + radius,
    Math.max(start[1], end[1]) + radius,
  ];
  mark(mask, bounds, (x, y) => distanceToSegment([x, y], start, end) <= radius);
}

/** Every pixel within `radius` of the line through `points`. */
export function brushMask(points: readonly Point[], radius: number, size: Size): Mask {
  const mask = new Mask(size.width, size.height);
  points.forEach((point, i) => stamp(mask, points[Math.max(0, i - 1)], point, radius));
  return mask;
}

function boxMask(box: Region & { readonly type: "box" }, size: Size): Mask {
  const { left, top, right, bottom } = box;
  const mask = new Mask(size.width, size.height);
  const inside = (x: number, y: number): boolean => x >= left && x < right && y >= top && y < bottom;
  mark(mask, [left, top, right, bottom], inside);
  return mask;
}

/** The pixels within a closed outline: the non-zero rule, left and upper borders included. */
function polygonMask(points: readonly Point[], { width, height }: Size): Mask {
  // Each border changes the winding number of every pixel to its right.
  const change = new Int32Array(height * (width + 1));
  points.forEach(([x0, y0], i) => {
    const [x1, y1] = points[(i + 1) % points.length];
    const low = Math.ceil(clamp(Math.min(y0, y1), 0, height));
    const high = Math.ceil(clamp(Math.max(y0, y1), 0, height));
    for (let row = low; row < high; row++) {
      const crossing = x0 + ((row - y0) / (y1 - y0)) * (x1 - x0);
      change[row * (width + 1) + Math.ceil(clamp(crossing, 0, width))] += y1 > y0 ? 1 : -1;
    }
  });
  const mask = new Mask(width, height);
  for (let row = 0; row < height; row++) {
    let winding = 0;
    for (let x = 0; x < width; x++) {
      winding += change[row * (width + 1) + x];
      if (winding !== 0) mask.pixels[row * width + x] = 1;
    }
  }
  return mask;
}

/** The extent of a mask along a direction. */
export interface Extent {
  readonly unit: Point;
  /** Of the pixels' middles. */
  readonly least: number;
  readonly most: number;
  /** From border to border: with half a pixel at either end. */
  readonly span: number;
}

export function extentAlong(mask: Mask, direction: Point): Extent | null {
  const length = Math.hypot(...direction);
  if (length === 0 || mask.empty) return null;
  const unit: Point = [direction[0] / length, direction[1] / length];
  let [least, most] = [Infinity, -Infinity];
  for (let y = 0, i = 0; y < mask.height; y++) {
    for (let x = 0; x < mask.width; x++, i++) {
      if (mask.pixels[i] === 0) continue;
      const along = x * unit[0] + y * unit[1];
      least = Math.min(least, along);
      most = Math.max(most, along);
    }
  }
  return { unit, least, most, span: most - least + Math.abs(unit[0]) + Math.abs(unit[1]) };
}

/** The outermost share of a mask in a direction: the part that a deformation holds. */
export function edgeMask(mask: Mask, direction: Point, share: number): Mask {
  const extent = share >= 1 ? null : extentAlong(mask, direction);
  if (!extent) return mask;
  const { unit, most, span } = extent;
  const edge = new Mask(mask.width, mask.height);
  for (let y = 0, i = 0; y < mask.height; y++) {
    for (let x = 0; x < mask.width; x++, i++) {
      const along = x * unit[0] + y * unit[1];
      const held = along > most - share * span + 1e-9 || along === most;
      if (mask.pixels[i] === 1 && held) edge.pixels[i] = 1;
    }
  }
  return edge;
}

/** The pixels of a region; a pixel counts when its middle lies inside. */
export function rasterise(region: Region, size: Size): Mask {
  switch (region.type) {
    case "disc":
      return brushMask([region.center], region.radius, size);
    case "brush":
      return brushMask(region.points, region.radius, size);
    case "box":
      return boxMask(region, size);
    case "polygon":
      return polygonMask(region.points, size);
    case "mask": {
      if (region.width !== size.width || region.height !== size.height) {
        return new Mask(size.width, size.height);
      }
      return new Mask(size.width, size.height, decodeRuns(region.runs, size.width * size.height));
    }
    case "union":
      return region.of.map((part) => rasterise(part, size)).reduce((a, b) => a.or(b));
    case "intersection":
      return region.of.map((part) => rasterise(part, size)).reduce((a, b) => a.and(b));
    case "difference":
      return region.of.map((part) => rasterise(part, size)).reduce((a, b) => a.without(b));
  }
}
