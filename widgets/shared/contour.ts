// The outline of a mask as closed loops, rounded so that pixel stairs look like a drawn line.
import type { Mask } from "./mask";
import type { Point } from "./points";

/** Loops along the borders of the mask's pixels; holes run the other way round. */
export function contours(mask: Mask): Point[][] {
  const { width, height, pixels } = mask;
  const filled = (x: number, y: number): boolean =>
    x >= 0 && y >= 0 && x < width && y < height && pixels[y * width + x] === 1;
  const corner = (x: number, y: number): number => y * (width + 1) + x;

  // Each border edge runs with the inside on its right; a corner where two areas touch has two.
  const edges = new Map<number, number[]>();
  const link = (from: number, to: number): void => {
    const known = edges.get(from);
    if (known) known.push(to);
    else edges.set(from, [to]);
  };
  // `indexOf` skips empty pixels, which are most of a frame.
  for (let i = pixels.indexOf(1); i >= 0; i = pixels.indexOf(1, i + 1)) {
    const [x, y] = [i % width, Math.floor(i / width)];
    const inside = x > 0 && y > 0 && x < width - 1 && y < height - 1;
    if (inside && (pixels[i - 1] & pixels[i + 1] & pixels[i - width] & pixels[i + width]) === 1) continue;
    if (!filled(x, y - 1)) link(corner(x, y), corner(x + 1, y));
    if (!filled(x + 1, y)) link(corner(x + 1, y), corner(x + 1, y + 1));
    if (!filled(x, y + 1)) link(corner(x + 1, y + 1), corner(x, y + 1));
    if (!filled(x - 1, y)) link(corner(x, y + 1), corner(x, y));
  }

  const loops: Point[][] = [];
  for (const start of edges.keys()) {
    while (edges.get(start)?.length) {
      const loop: Point[] = [];
      let at = start;
      for (let next = edges.get(at)?.pop(); next !== undefined; next = edges.get(at)?.pop()) {
        loop.push([(at % (width + 1)) - 0.5, Math.floor(at / (width + 1)) - 0.5]);
        at = next;
        if (at === start) break;
      }
      loops.push(loop);
    }
  }
  return loops;
}

/** The loop with each point replaced by the middle of its edge, `rounds` times: stairs become slopes. */
export function rounded(loop: readonly Point[], rounds = 6): Point[] {
  let points = [...loop];
  for (let round = 0; round < rounds; round++) {
    points = points.map((point, i) => {
      const next = points[(i + 1) % points.length];
      return [(point[0] + next[0]) / 2, (point[1] + next[1]) / 2];
    });
  }
  return points;
}
