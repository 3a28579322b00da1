// Rotation: the region turns about a point.
import { apply, bearing, polar, rotation, unwrap } from "../../shared/affine";
import type { Drag, Look } from "../../shared/document";
import { clamp, distance, tidy, tidyPoint, type Point } from "../../shared/points";
import { movedPatch } from "../../shared/warp";
import type { Press } from "../gesture";
import { colourOf, RIM, type Ink } from "../ink";
import type { Store } from "../store";
import { aboutCenter, between, endingAt, finalOf, handleAt, type AboutCenter, type Stops } from "./about_center";
import { numberRow } from "./fields";
import type { Change, InspectorRow, MotionKind, Shown, Start } from "./kind";
import { motionGesture } from "./motion_gesture";

export interface RotationMotion extends AboutCenter {
  readonly type: "rotation";
  readonly degrees: Stops;
}

const TAP_DEGREES = 1; // a smaller turn is a click
const SNAP_DEGREES = 15;
const MOST_DEGREES = 36000;

/** The angle a rotation ends at. */
export const finalDegrees = (motion: RotationMotion): number => finalOf(motion.degrees, 0);

/** The same rotation ending at another angle. */
export const turnedTo = (motion: RotationMotion, degrees: number): RotationMotion => ({
  ...motion,
  degrees: endingAt(motion.degrees, degrees),
});

/** The degrees turned at a fraction of the time. */
export function angleAt(motion: RotationMotion, fraction: number): number {
  const [from, to, share] = between(motion.degrees, 0, motion, fraction);
  return from + share * (to - from);
}

/** The arm at rest: as it was grabbed, else upright and longer than the region is wide. */
export function armOf(store: Store, drag: Drag, look: Look): readonly [bearing: number, length: number] {
  if (look.arm) return look.arm;
  const radius = Math.sqrt(store.area(drag.region) / Math.PI);
  return [-90, Math.max(10, 1.4 * radius)];
}

export function armEnd({ store, drag, look }: Omit<Shown<RotationMotion>, "selected">, degrees?: number): Point {
  const { motion } = drag;
  const [from, length] = armOf(store, drag, look);
  return polar(motion.center, from + (degrees ?? finalDegrees(motion)), length);
}

const snapped = (degrees: number, { shift }: Press): number =>
  shift ? SNAP_DEGREES * Math.round(degrees / SNAP_DEGREES) : tidy(degrees);

function begin(start: Start) {
  const { store, region, press } = start;
  const old = start.old?.type === "rotation" ? (start.old as RotationMotion) : null;
  const center = old?.center ?? tidyPoint(store.mask(region).centroid);
  const from = bearing(center, press.point);
  let degrees = 0;
  return motionGesture(start, (now) => {
    degrees = unwrap(bearing(center, now.point) - from, degrees);
    const shown = snapped(degrees, now);
    if (Math.abs(shown) < TAP_DEGREES) return null;
    const motion: RotationMotion = { type: "rotation", center, degrees: shown, ease: old?.ease ?? "linear" };
    return { motion, arm: [tidy(from), tidy(distance(center, press.point))] };
  });
}

function draw(ink: Ink, { store, drag, look, selected }: Shown<RotationMotion>): void {
  const { motion } = drag;
  const colour = colourOf(look);
  const degrees = finalDegrees(motion);
  const [from, length] = armOf(store, drag, look);
  const shown = { store, drag, look };
  ink.wedge(motion.center, length, from, from + degrees, colour, selected);
  const [rest, end] = [armEnd(shown, 0), armEnd(shown)];
  ink.dashed([3, 4], () => ink.line(ink.trace([motion.center, rest]), colour, 1.25));
  ink.line(ink.trace([motion.center, end]), colour, 2.25);
  for (let frame = 1; frame < store.latentFrames; frame++) {
    const turned = rotation(motion.center, angleAt(motion, frame / store.latentFrames));
    ink.dot(apply(turned, rest), 3, "#fff", RIM);
  }
  ink.dot(motion.center, 5, colour, "#fff");
  ink.dot(end, selected ? 6.5 : 5, selected ? "#fff" : colour, selected ? colour : "#fff");
  ink.label(`${Math.round(degrees)}°`, motion.center, end);
}

function degreesRow(change: Change<RotationMotion>): InspectorRow<RotationMotion> {
  const read = (motion: RotationMotion): number => Math.round(10 * finalDegrees(motion)) / 10;
  return numberRow("Degrees", "Degrees, clockwise", 1, read, (degrees) => {
    if (degrees !== 0) change((motion) => turnedTo(motion, clamp(degrees, -MOST_DEGREES, MOST_DEGREES)));
  });
}

export const rotationKind: MotionKind<RotationMotion> = {
  ...aboutCenter,
  type: "rotation",
  tools: [
    {
      name: "rotate", label: "Rotate", key: "r",
      hint: "Turn the region about its centre. Shift snaps to 15°.",
      icon: ["M15.8 8 A6.2 6.2 0 1 0 16.2 11.2", "M16.4 3.6 V8.2 H11.8", "M10 10 H10.02"],
    },
  ],
  toolOf: () => "rotate",
  describe: (motion) => {
    const degrees = finalDegrees(motion);
    return `Turn ${Math.abs(Math.round(degrees))}° ${degrees < 0 ? "↺" : "↻"}`;
  },
  at: (motion, fraction) => rotation(motion.center, angleAt(motion, fraction)),
  moves: (motion) => finalDegrees(motion) !== 0,
  begin,
  handleAt: (shown, index, point, reach) => handleAt(shown.drag.motion, armEnd(shown), index, point, reach),
  pulled: ({ store, drag, look }, handle, press, last) => {
    const { motion } = drag;
    if (handle.part === "center") return { ...motion, center: tidyPoint(press.point) };
    const [rest] = armOf(store, drag, look);
    const degrees = unwrap(bearing(motion.center, press.point) - rest, finalDegrees(last));
    return turnedTo(motion, snapped(degrees, press));
  },
  // an arm whose length came from the region keeps it
  arm: ({ store, drag, look }) => armOf(store, drag, look),
  nudged: (_, { motion }, [x, y]) => {
    const degrees = tidy(finalDegrees(motion) + x - y);
    return turnedTo(motion, degrees === 0 ? Math.sign(x - y) : degrees);
  },
  draw,
  preview: (picture, mask, motion) => (fraction) =>
    movedPatch(picture, mask, rotation(motion.center, angleAt(motion, fraction))),
  rows: (change) => [degreesRow(change)],
};
