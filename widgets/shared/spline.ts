// Paths and their timing, as in dragstream.drags.paths, whose docstring defines the sampling. Both are
// tested with the cases in tests/drags/path_cases.json.
import { cached } from "./cached";
import type { PathDocument } from "./document";
import { clamp, distance, type Point } from "./points";

const ROWS_PER_SPAN = 96;

export const easings: Readonly<Record<string, (time: number) => number>> = {
  linear: (t) => t,
  ease_in: (t) => t * t,
  ease_out: (t) => t * (2 - t),
  ease_in_out: (t) => (t < 0.5 ? 2 * t * t : 1 - 2 * (1 - t) * (1 - t)),
};

const eased = (name: string, time: number): number => (easings[name] ?? easings["linear"])(time);

/** The progress of a motion at a fraction of its time; `stops` is what each waypoint reaches. */
export function progress(
  fraction: number,
  stops: readonly number[],
  frames: readonly number[] | null,
  ease: string,
): number {
  const last = stops.length - 1;
  if (!frames) return stops[0] + (stops[last] - stops[0]) * eased(ease, fraction);
  const time = fraction * frames[last];
  let pin = 0;
  while (pin < last - 1 && frames[pin + 1] <= time) pin += 1;
  const share = (time - frames[pin]) / (frames[pin + 1] - frames[pin]);
  return stops[pin] + (stops[pin + 1] - stops[pin]) * eased(ease, share);
}

const degreeOf = (count: number): number => Math.min(3, count - 1);

/** Knot i of the clamped uniform B-spline with `count` control points. */
function knot(i: number, count: number): number {
  const degree = degreeOf(count);
  return clamp((i - degree) / (count - degree), 0, 1);
}

/** Weights of `count` control points at u in [0, 1] (Cox-de Boor). */
export function basis(u: number, count: number): number[] {
  const degree = degreeOf(count);
  const spans = count - degree;
  const span = Math.min(Math.floor(u * spans), spans - 1) + degree;
  const weights = new Array<number>(count).fill(0);
  weights[span] = 1;
  for (let d = 1; d <= degree; d++) {
    for (let i = span - d; i <= span; i++) {
      const [low, high] = [knot(i, count), knot(i + d, count)];
      const [nextLow, nextHigh] = [knot(i + 1, count), knot(i + d + 1, count)];
      const left = high > low ? ((u - low) / (high - low)) * weights[i] : 0;
      const right =
        nextHigh > nextLow ? ((nextHigh - u) / (nextHigh - nextLow)) * (weights[i + 1] ?? 0) : 0;
      weights[i] = left + right;
    }
  }
  return weights;
}

/** Solves A x = b for points x, by elimination with row exchange. */
export function solve(matrix: readonly (readonly number[])[], right: readonly Point[]): Point[] {
  const rows = matrix.map((row, i) => [...row, right[i][0], right[i][1]]);
  const n = rows.length;
  for (let i = 0; i < n; i++) {
    let pivot = i;
    for (let k = i + 1; k < n; k++) if (Math.abs(rows[k][i]) > Math.abs(rows[pivot][i])) pivot = k;
    [rows[i], rows[pivot]] = [rows[pivot], rows[i]];
    for (let k = i + 1; k < n; k++) {
      const factor = rows[k][i] / rows[i][i];
      for (let j = i; j < n + 2; j++) rows[k][j] -= factor * rows[i][j];
    }
  }
  for (let i = n - 1; i >= 0; i--) {
    for (const j of [n, n + 1]) {
      for (let k = i + 1; k < n; k++) rows[i][j] -= rows[i][k] * rows[k][j];
      rows[i][j] /= rows[i][i];
    }
  }
  return rows.map((row): Point => [row[n], row[n + 1]]);
}

function blend(weights: readonly number[], points: readonly Point[]): Point {
  let [x, y] = [0, 0];
  weights.forEach((weight, i) => {
    x += weight * points[i][0];
    y += weight * points[i][1];
  });
  return [x, y];
}

/** The table of a spline, and the row at each waypoint's Greville parameter. */
function splineRows(waypoints: readonly Point[], through: boolean): [Point[], number[]] {
  const count = waypoints.length;
  const degree = degreeOf(count);
  const total = ROWS_PER_SPAN * (count - degree);
  const rows = waypoints.map((_, i) => {
    let sum = 0;
    for (let k = i + 1; k <= i + degree; k++) sum += knot(k, count);
    return Math.round((total * sum) / degree);
  });
  const control = through ? solve(rows.map((row) => basis(row / total, count)), waypoints) : waypoints;
  const table = Array.from({ length: total + 1 }, (_, j) => blend(basis(j / total, count), control));
  table[0] = waypoints[0];
  table[total] = waypoints[count - 1];
  return [table, rows];
}

interface Table {
  readonly points: readonly Point[];
  /** From the first row to each one, in pixels. */
  readonly lengths: readonly number[];
  /** The length at each waypoint that the path passes. */
  readonly stops: readonly number[];
}

const tables = new WeakMap<PathDocument, Table>();

const tableOf = (path: PathDocument): Table => cached(tables, path, () => makeTable(path));

function makeTable(path: PathDocument): Table {
  const count = path.points.length;
  const pinned = path.frames !== null;
  const [points, rows] =
    path.smooth && count > 2 ? splineRows(path.points, pinned) : [path.points, [...path.points.keys()]];
  const lengths = [0];
  for (let i = 1; i < points.length; i++) lengths.push(lengths[i - 1] + distance(points[i - 1], points[i]));
  const passed = pinned ? rows : [rows[0], rows[count - 1]];
  return { points, lengths, stops: passed.map((row) => lengths[row]) };
}

/** The curve as a polyline, from the first waypoint to the last. */
export const curve = (path: PathDocument): readonly Point[] => tableOf(path).points;

export const pathLength = (path: PathDocument): number => tableOf(path).lengths.at(-1) ?? 0;

/** The point of the path at a fraction of its time, 0 = rest, 1 = the end. */
export function pathAt(path: PathDocument, fraction: number): Point {
  const { points, lengths, stops } = tableOf(path);
  const length = progress(clamp(fraction, 0, 1), stops, path.frames, path.ease);
  let j = 0;
  while (j < lengths.length - 2 && lengths[j + 1] <= length) j += 1;
  const width = lengths[j + 1] - lengths[j];
  const share = width > 0 ? clamp((length - lengths[j]) / width, 0, 1) : 0;
  const [a, b] = [points[j], points[j + 1]];
  return [a[0] + share * (b[0] - a[0]), a[1] + share * (b[1] - a[1])];
}

/** The displacement of the path's point that is farthest from its start. */
export function reach(path: PathDocument): Point {
  const line = curve(path);
  let farthest: Point = [0, 0];
  for (const [x, y] of line) {
    const away: Point = [x - line[0][0], y - line[0][1]];
    if (away[0] ** 2 + away[1] ** 2 > farthest[0] ** 2 + farthest[1] ** 2) farthest = away;
  }
  return farthest;
}
