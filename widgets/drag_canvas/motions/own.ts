// A motion of a user-defined class: drawn from the sketch of Python, and not editable.
import type { Affine } from "../../shared/affine";
import type { Motion } from "../../shared/document";
import { clamp, type Point } from "../../shared/points";
import { movedPatch } from "../../shared/warp";
import { colourOf, RIM } from "../ink";
import type { MotionKind } from "./kind";

export interface OwnMotion extends Motion {
  readonly type: "own";
  readonly value: { readonly class: string };
  readonly shown: {
    readonly lines: readonly (readonly Point[])[];
    readonly tip: "arrow" | "bar" | null;
    readonly dots: readonly Point[];
    /** The map of the region at even steps from rest to the end: a, b, c, d, e, f. */
    readonly maps: readonly (readonly [number, number, number, number, number, number])[];
  };
}

function mapAt({ shown: { maps } }: OwnMotion, fraction: number): Affine {
  const step = clamp(fraction, 0, 1) * (maps.length - 1);
  const i = Math.min(Math.floor(step), maps.length - 2);
  const [a, b, c, d, e, f] = maps[i].map((value, k) => value + (step - i) * (maps[i + 1][k] - value));
  return { a, b, c, d, e, f };
}

export const ownKind: MotionKind<OwnMotion> = {
  type: "own",
  tools: [],
  toolOf: () => "select",
  describe: (motion) => motion.value.class,
  at: mapAt,
  moves: () => true,
  ease: () => "",
  withEase: (motion) => motion,
  waypoints: () => 1,
  held: (mask) => mask,
  begin: ({ store, selection }) => ({ move: () => undefined, end: () => store.select(selection) }),
  handleAt: () => null,
  line: (_, { motion }) => motion.shown.lines.at(-1) ?? [],
  pulled: () => null,
  arm: ({ look }) => look.arm,
  nudged: () => null,
  draw: (ink, { drag: { motion }, look, selected }) => {
    const colour = colourOf(look);
    const { lines, tip, dots } = motion.shown;
    for (const line of lines) ink.line(ink.trace(line), colour, selected ? 3 : 2);
    const last = lines.at(-1);
    if (tip && last) ink.head(last, 13, colour, tip === "bar");
    for (const dot of dots) ink.dot(dot, 3, "#fff", RIM);
  },
  preview: (picture, mask, motion) => (fraction) => movedPatch(picture, mask, mapAt(motion, fraction)),
  rows: () => [],
};

/** Poses of a live hold, as a recorded block has them. */
export const posesKind = {
  ...ownKind,
  type: "poses",
  describe: () => "Held while it played",
} as unknown as MotionKind;
