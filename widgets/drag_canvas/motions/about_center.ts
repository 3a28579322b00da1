// Shared by rotation and scale: a value, or several stops, about a centre.
import type { Motion } from "../../shared/document";
import type { Mask } from "../../shared/mask";
import { clamp, distance, type Point } from "../../shared/points";
import { progress } from "../../shared/spline";
import type { Hit } from "../types";

export type Stops = number | readonly number[];

export interface AboutCenter extends Motion {
  readonly center: Point;
  readonly ease: string;
  readonly frames?: readonly number[] | null;
}

/** The value at the end. */
export const finalOf = (stops: Stops, rest: number): number =>
  typeof stops === "number" ? stops : (stops.at(-1) ?? rest);

/** The stops with another last value. */
export const endingAt = (stops: Stops, value: number): Stops =>
  typeof stops === "number" ? value : [...stops.slice(0, -1), value];

/** The stops before and after a fraction of the time, and the fraction between them. */
export function between(stops: Stops, rest: number, { frames, ease }: AboutCenter, fraction: number): readonly [number, number, number] {
  const given = typeof stops === "number" ? [stops] : stops;
  const way = typeof stops !== "number" && given[0] === rest ? given : [rest, ...given];
  const step = progress(clamp(fraction, 0, 1), [...way.keys()], frames ?? null, ease);
  const i = Math.min(Math.floor(step), way.length - 2);
  return [way[i], way[i + 1], step - i];
}

/** The handle at a point: the end of the arm, or the centre. */
export function handleAt(motion: AboutCenter, end: Point, index: number, point: Point, reach: number): Hit | null {
  if (distance(point, end) <= reach) return { selection: index, part: "arm" };
  return distance(point, motion.center) <= reach ? { selection: index, part: "center" } : null;
}

/** The parts of a kind that are the same for both. */
export const aboutCenter = {
  ease: (motion: AboutCenter): string => motion.ease,
  withEase: <M extends AboutCenter>(motion: M, ease: string): M => ({ ...motion, ease }),
  waypoints: (): number => 1,
  held: (mask: Mask): Mask => mask,
  line: (): readonly Point[] => [],
};
