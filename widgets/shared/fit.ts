// A freehand line as the control points of a clamped B-spline: few handles, the same curve.
import { basis, solve } from "./spline";
import { distance, type Point } from "./points";

/** Drops points closer than half a pixel to the one before; the last one always stays. */
function thinned(points: readonly Point[]): Point[] {
  const kept: Point[] = [points[0]];
  for (const point of points) if (distance(point, kept[kept.length - 1]) >= 0.5) kept.push(point);
  if (kept.length > 1) kept[kept.length - 1] = points[points.length - 1];
  return kept;
}

/**
 * Least-squares control points of a clamped B-spline through a drawn line: both ends are met
 * exactly, and one control point stands for about `spacing` pixels of line (at most `most`).
 */
export function fitPath(drawn: readonly Point[], spacing = 14, most = 9): Point[] {
  const line = thinned(drawn);
  if (line.length < 4) return [line[0], line[line.length - 1]];
  const along = [0];
  for (let i = 1; i < line.length; i++) along.push(along[i - 1] + distance(line[i - 1], line[i]));
  const total = along[along.length - 1];
  const count = Math.min(most, line.length, Math.max(4, Math.round(total / spacing) + 2));

  const inner = count - 2;
  const normal = Array.from({ length: inner }, () => new Array<number>(inner).fill(0));
  const right = Array.from({ length: inner }, (): Point => [0, 0]);
  const [first, last] = [line[0], line[line.length - 1]];
  line.forEach((point, i) => {
    const weights = basis(along[i] / total, count);
    const rest = [0, 1].map(
      (axis) => point[axis] - weights[0] * first[axis] - weights[count - 1] * last[axis],
    );
    for (let row = 0; row < inner; row++) {
      for (let k = 0; k < inner; k++) normal[row][k] += weights[row + 1] * weights[k + 1];
      const weight = weights[row + 1];
      right[row] = [right[row][0] + weight * rest[0], right[row][1] + weight * rest[1]];
    }
  });
  for (let i = 0; i < inner; i++) normal[i][i] += 1e-6; // a line with gaps stays solvable
  return [first, ...solve(normal, right), last];
}
