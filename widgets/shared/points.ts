// Points in pixels of the video frame: x right, y down.

export type Point = readonly [number, number];

export const add = (a: Point, b: Point): Point => [a[0] + b[0], a[1] + b[1]];
export const subtract = (a: Point, b: Point): Point => [a[0] - b[0], a[1] - b[1]];
export const distance = (a: Point, b: Point): number => Math.hypot(a[0] - b[0], a[1] - b[1]);

export const clamp = (value: number, low: number, high: number): number =>
  Math.min(Math.max(value, low), high);

/** Rounds to two decimals: finer than any screen, and it keeps documents short. */
export const tidy = (value: number): number => Math.round(value * 100) / 100;
export const tidyPoint = (point: Point): Point => [tidy(point[0]), tidy(point[1])];

export function distanceToSegment(point: Point, start: Point, end: Point): number {
  const along = subtract(end, start);
  const lengthSquared = along[0] ** 2 + along[1] ** 2;
  if (lengthSquared === 0) return distance(point, start);
  const offset = subtract(point, start);
  const fraction = clamp((offset[0] * along[0] + offset[1] * along[1]) / lengthSquared, 0, 1);
  return distance(point, [start[0] + fraction * along[0], start[1] + fraction * along[1]]);
}

export function distanceToPolyline(point: Point, points: readonly Point[]): number {
  if (points.length === 1) return distance(point, points[0]);
  let nearest = Infinity;
  for (let i = 1; i < points.length; i++) {
    nearest = Math.min(nearest, distanceToSegment(point, points[i - 1], points[i]));
  }
  return nearest;
}

/** Ramer-Douglas-Peucker: the fewest of `points` that stay within `tolerance` of all of them. */
export function simplify(points: readonly Point[], tolerance: number): Point[] {
  if (points.length < 3) return [...points];
  const keep = new Uint8Array(points.length);
  keep[0] = keep[points.length - 1] = 1;
  const open: [number, number][] = [[0, points.length - 1]];
  for (let span = open.pop(); span; span = open.pop()) {
    const [first, last] = span;
    let farthest = 0;
    let at = -1;
    for (let i = first + 1; i < last; i++) {
      const away = distanceToSegment(points[i], points[first], points[last]);
      if (away > farthest) [farthest, at] = [away, i];
    }
    if (farthest > tolerance) {
      keep[at] = 1;
      open.push([first, at], [at, last]);
    }
  }
  return points.filter((_, i) => keep[i] === 1);
}

/** The most points of a stroke, an outline or a path that is drawn by hand. */
export const MOST_DRAWN = 256;

/** As `simplify`, but at most `most` points (2 or more): coarser, twice as coarse each time, until it fits. */
export function simplifyTo(
  points: readonly Point[],
  tolerance: number,
  most: number = MOST_DRAWN,
): Point[] {
  let found = simplify(points, tolerance);
  for (let coarser = 2 * tolerance; found.length > most; coarser *= 2) {
    found = simplify(points, coarser);
  }
  return found;
}
