// Scale: the region grows or shrinks about a point.
import { apply, bearing, polar, scaling, type Affine } from "../../shared/affine";
import type { Drag, Look } from "../../shared/document";
import type { Mask } from "../../shared/mask";
import { clamp, distance, tidy, tidyPoint, type Point } from "../../shared/points";
import { movedPatch } from "../../shared/warp";
import { colourOf, RIM, type Ink } from "../ink";
import type { Store } from "../store";
import { aboutCenter, between, endingAt, finalOf, handleAt, type AboutCenter, type Stops } from "./about_center";
import { numberRow } from "./fields";
import type { Change, InspectorRow, MotionKind, Shown, Start } from "./kind";
import { motionGesture } from "./motion_gesture";

export interface ScaleMotion extends AboutCenter {
  readonly type: "scale";
  readonly factor: Stops;
}

const TAP_FACTOR = 0.02; // a smaller change is a click
const MOST_FACTOR = 100;
const SNAP_FACTOR = 0.25;
const NOTCH = 1.05; // of the wheel
const LEAST_ARM = 10; // pixels

const bounded = (factor: number): number => clamp(tidy(factor), 1 / MOST_FACTOR, MOST_FACTOR);

/** The factor a scale ends at. */
export const finalFactor = (motion: ScaleMotion): number => finalOf(motion.factor, 1);

/** The same scale ending at another factor. */
export const scaledTo = (motion: ScaleMotion, factor: number): ScaleMotion => ({
  ...motion,
  factor: endingAt(motion.factor, bounded(factor)),
});

/** The factor at a fraction of the time: equal ratios in equal times, as in Python. */
export function factorAt(motion: ScaleMotion, fraction: number): number {
  const [from, to, share] = between(motion.factor, 1, motion, fraction);
  return from * (to / from) ** share;
}

const mapAt = (motion: ScaleMotion, fraction: number): Affine => scaling(motion.center, factorAt(motion, fraction));

/** The handle at rest: where it was grabbed, else to the right of the region. */
function restOf(store: Store, drag: Drag & { readonly motion: ScaleMotion }, look: Look): Point {
  const radius = Math.sqrt(store.area(drag.region) / Math.PI);
  const [degrees, length] = look.arm ?? [0, Math.max(LEAST_ARM, 1.2 * radius)];
  return polar(drag.motion.center, degrees, length);
}

const snapped = (factor: number, shift: boolean): number =>
  shift ? Math.max(SNAP_FACTOR, SNAP_FACTOR * Math.round(factor / SNAP_FACTOR)) : factor;

function begin(start: Start) {
  const { store, region, press } = start;
  const old = start.old?.type === "scale" ? (start.old as ScaleMotion) : null;
  const center = old?.center ?? tidyPoint(store.mask(region).centroid);
  const from = Math.max(1, distance(center, press.point));
  return motionGesture(start, ({ point, shift }) => {
    const factor = bounded(snapped(distance(center, point) / from, shift));
    if (Math.abs(factor - 1) < TAP_FACTOR) return null;
    const motion: ScaleMotion = { type: "scale", center, factor, ease: old?.ease ?? "linear" };
    return { motion, arm: [tidy(bearing(center, press.point)), tidy(from)] };
  });
}

function draw(ink: Ink, { store, drag, look, selected }: Shown<ScaleMotion>): void {
  const { motion } = drag;
  const colour = colourOf(look);
  const rest = restOf(store, drag, look);
  const end = apply(mapAt(motion, 1), rest);
  ink.dashed([3, 4], () => ink.line(ink.trace([motion.center, rest]), colour, 1.25));
  ink.line(ink.trace([rest, end]), colour, selected ? 3.5 : 2.5);
  for (let frame = 1; frame < store.latentFrames; frame++) {
    ink.dot(apply(mapAt(motion, frame / store.latentFrames), rest), 3, "#fff", RIM);
  }
  ink.dot(motion.center, 5, colour, "#fff");
  ink.grip(end, colour);
  ink.label(`×${finalFactor(motion)}`, motion.center, end);
}

function factorRow(change: Change<ScaleMotion>): InspectorRow<ScaleMotion> {
  return numberRow("Factor", "Factor of the size", 0.05, finalFactor, (factor) => {
    if (factor > 0) change((motion) => scaledTo(motion, factor));
  });
}

export const scaleKind: MotionKind<ScaleMotion> = {
  ...aboutCenter,
  type: "scale",
  tools: [
    {
      name: "scale", label: "Scale", key: "s",
      hint: "Pull away from the centre to grow the region, towards it to shrink it; the wheel does it, too.",
      icon: ["M3.5 10.5 H9.5 V16.5 H3.5 Z", "M11.5 8.5 L16.5 3.5", "M12.4 3.5 H16.5 V7.6"],
    },
  ],
  toolOf: () => "scale",
  describe: (motion) => {
    const factor = finalFactor(motion);
    return `${factor > 1 ? "Grow" : "Shrink"} to ${Math.round(100 * factor)} %`;
  },
  at: mapAt,
  moves: (motion) => finalFactor(motion) !== 1,
  begin,
  handleAt: ({ store, drag, look }, index, point, reach) =>
    handleAt(drag.motion, apply(mapAt(drag.motion, 1), restOf(store, drag, look)), index, point, reach),
  pulled: ({ store, drag, look }, handle, { point, shift }) => {
    const { motion } = drag;
    if (handle.part === "center") return { ...motion, center: tidyPoint(point) };
    const length = Math.max(1, distance(motion.center, restOf(store, drag, look)));
    return scaledTo(motion, snapped(distance(motion.center, point) / length, shift));
  },
  arm: ({ look }) => look.arm,
  nudged: (_, { motion }, [x, y]) => {
    const factor = bounded(finalFactor(motion) + 0.01 * (x - y));
    return scaledTo(motion, factor === 1 ? 1 + 0.01 * Math.sign(x - y) : factor);
  },
  draw,
  preview: (picture, mask, motion) => (fraction) => movedPatch(picture, mask, mapAt(motion, fraction)),
  rows: (change) => [factorRow(change)],
  wheel: (motion, mask: Mask, notches) => {
    const old = motion ?? ({ type: "scale", center: tidyPoint(mask.centroid), factor: 1, ease: "linear" } as const);
    return scaledTo(old, finalFactor(old) * NOTCH ** notches);
  },
};
