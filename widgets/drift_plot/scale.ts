// Axes: from values to pixels, and where the ticks are.
import type { Point } from "../shared/points";

export interface Domain {
  readonly low: number;
  readonly high: number;
}

/** The smallest domain with all finite values, a little wider; null without any. */
export function extent(values: Iterable<number>, room = 0.08): Domain | null {
  let low = Infinity;
  let high = -Infinity;
  for (const value of values) {
    if (!Number.isFinite(value)) continue;
    if (value < low) low = value;
    if (value > high) high = value;
  }
  if (low > high) return null;
  const width = high - low || Math.abs(high) * 0.1 || 1;
  return { low: low - room * width, high: high + room * width };
}

/** Round steps of 1, 2 or 5 times a power of ten, about `count` of them. */
export function tickStep(domain: Domain, count: number): number {
  const rough = (domain.high - domain.low) / Math.max(1, count);
  if (!(rough > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(rough));
  const times = rough / power;
  return power * (times > 5 ? 10 : times > 2 ? 5 : times > 1 ? 2 : 1);
}

export function ticks(domain: Domain, count: number, least = 0): number[] {
  const step = Math.max(tickStep(domain, count), least);
  const found: number[] = [];
  for (let k = Math.ceil(domain.low / step - 1e-9); k * step <= domain.high + 1e-9 * step; k++) {
    found.push(k * step || 0); // never -0
  }
  return found;
}

/** As many decimals as a step needs. */
export function decimals(step: number): number {
  return Math.max(0, Math.min(6, -Math.floor(Math.log10(step) + 1e-9)));
}

export function place(value: number, domain: Domain, from: number, to: number): number {
  return from + ((to - from) * (value - domain.low)) / (domain.high - domain.low);
}

/** Pixels with a tenth's precision: enough for a screen, short in a path. */
function px(value: number): number {
  return Math.round(value * 10) / 10;
}

/** SVG path data of a line; points that are not finite leave gaps. */
export function linePath(points: Iterable<Point>): string {
  let path = "";
  let open = false;
  for (const [x, y] of points) {
    const there = Number.isFinite(x) && Number.isFinite(y);
    if (there) path += `${open ? "L" : "M"}${px(x)} ${px(y)}`;
    open = there;
  }
  return path;
}

/** SVG path data of the area between two edges, (x, upper, lower) each; gaps as in `linePath`. */
export function bandPath(edges: readonly (readonly [x: number, upper: number, lower: number])[]): string {
  let path = "";
  let run: (readonly [number, number, number])[] = [];
  const flush = (): void => {
    if (run.length > 0) {
      const above = run.map(([x, upper]) => `${px(x)} ${px(upper)}`);
      const below = [...run].reverse().map(([x, , lower]) => `${px(x)} ${px(lower)}`);
      path += `M${above.join("L")}L${below.join("L")}Z`;
    }
    run = [];
  };
  for (const edge of edges) {
    if (edge.every(Number.isFinite)) run.push(edge);
    else flush();
  }
  flush();
  return path;
}

/** A number as text: four figures, an exponent only where it is huge or tiny. */
export function formatNumber(value: number): string {
  if (!Number.isFinite(value)) return "–";
  if (value !== 0 && (Math.abs(value) < 1e-3 || Math.abs(value) >= 1e5)) return value.toExponential(2);
  const text = value.toPrecision(4);
  return (text.includes("e") ? value.toFixed(0) : text).replace("-", "−");
}
