// The gestures that move a region: pulling, drawing its way, turning, and changing any of these.
import { bearing, unwrap } from "../shared/affine";
import {
  finalDegrees,
  regionOf,
  replaceDrag,
  turnedTo,
  withDrags,
  type Drag,
  type Motion,
  type PathMotion,
  type RotationMotion,
  type Scene,
  type Selection,
} from "../shared/document";
import { fitPath } from "../shared/fit";
import type { Region } from "../shared/mask";
import { add, distance, subtract, tidy, tidyPoint, type Point } from "../shared/points";
import { pathLength } from "../shared/spline";
import type { Gesture, Press } from "./gesture";
import { anchor, armOf, holdArm, type Hit } from "./hit";
import type { Store } from "./store";

const TAP_PIXELS = 2; // a shorter pull is a click
const TAP_DEGREES = 1;
const SNAP_DEGREES = 15;

export function moveRegion(
  store: Store,
  selection: Selection,
  press: Press,
  tool: "pull" | "path" | "deform" | "rotate" | null,
  tapped: (start: Point) => void = () => store.select(selection),
): Gesture | null {
  const region = regionOf(store.scene, selection);
  if (!region) return null;
  const old = typeof selection === "number" ? store.scene.document.drags[selection].motion : null;
  // Without a motion tool in hand a drag keeps its kind: what turned is turned again.
  const kind = tool ?? (old?.type === "rotation" ? "rotate" : old?.type === "deformation" ? "deform" : "pull");
  return kind === "rotate"
    ? turn(store, selection, region, old, press)
    : pull(store, selection, region, old, press, kind, tapped);
}

/** The scene in which the region of `selection` moves by `motion`, and the new selection. */
function moved(scene: Scene, selection: Selection, region: Region, motion: Motion): [Scene, number] {
  const { drags } = scene.document;
  if (typeof selection === "number") {
    return [replaceDrag(scene, selection, { ...drags[selection], motion }), selection];
  }
  const drag: Drag = { region, motion, source: null };
  return [{ ...withDrags(scene, [...drags, drag]), draft: null }, drags.length];
}

/** The scene in which a region moves along waypoints, and the new selection. */
export function movedAlong(
  store: Store,
  selection: Selection,
  region: Region,
  points: readonly Point[],
): [Scene, number] {
  const old = typeof selection === "number" ? store.scene.document.drags[selection].motion : null;
  const ease = old && old.type !== "rotation" ? old.path.ease : "linear";
  const path = { points: points.map(tidyPoint), smooth: true, ease, frames: null };
  return moved(store.scene, selection, region, { type: "translation", path });
}

function pull(
  store: Store,
  selection: Selection,
  region: Region,
  old: Motion | null,
  press: Press,
  kind: "pull" | "path" | "deform",
  tapped: (start: Point) => void,
): Gesture {
  const mask = store.mask(region);
  // Pressed beside the region, the arrow still starts on it.
  const start = mask.at(press.point) ? press.point : mask.centroid;
  const type = kind === "deform" ? "deformation" : "translation";
  const ease = old?.type === type ? old.path.ease : "linear";
  const drawn: Point[] = [start];
  let next: [Scene, number] | null = null;
  store.select(selection);
  return {
    move({ point }) {
      drawn.push(point);
      const far = distance(start, point) >= TAP_PIXELS || kind === "path";
      const points = kind === "path" ? fitPath(drawn) : [start, point];
      const path = { points: points.map(tidyPoint), smooth: true, ease, frames: null };
      next = far ? moved(store.scene, selection, region, { type, path }) : null;
      store.show(next?.[0] ?? null);
    },
    end() {
      if (next && drawn.some((point) => distance(start, point) >= TAP_PIXELS)) store.commit(...next);
      else if (kind === "path") {
        store.show(null);
        tapped(start);
      } else {
        store.show(null);
        store.select(selection);
      }
    },
  };
}

function turn(
  store: Store,
  selection: Selection,
  region: Region,
  old: Motion | null,
  press: Press,
): Gesture {
  const center = old?.type === "rotation" ? old.center : tidyPoint(store.mask(region).centroid);
  const ease = old?.type === "rotation" ? old.ease : "linear";
  const from = bearing(center, press.point);
  let degrees = 0;
  let next: [Scene, number] | null = null;
  store.select(selection);
  return {
    move({ point, shift }) {
      degrees = unwrap(bearing(center, point) - from, degrees);
      const shown = shift ? SNAP_DEGREES * Math.round(degrees / SNAP_DEGREES) : tidy(degrees);
      const motion: RotationMotion = { type: "rotation", center, degrees: shown, ease };
      holdArm(motion, { bearing: from, length: distance(center, press.point) });
      next = Math.abs(shown) >= TAP_DEGREES ? moved(store.scene, selection, region, motion) : null;
      store.show(next?.[0] ?? null);
    },
    end() {
      if (next) store.commit(...next);
      else {
        store.show(null);
        store.select(selection);
      }
    },
  };
}

/** Moves a waypoint of a path, the centre of a rotation or its arm. */
export function moveHandle(store: Store, handle: Hit): Gesture | null {
  if (typeof handle.selection !== "number") return null;
  const index = handle.selection;
  const drag = store.scene.document.drags[index];
  const { motion } = drag;
  const offset = anchor(store, drag);
  let next: Scene | null = null;
  const put = (changed: Motion): void => {
    if (!leads(changed)) return;
    next = replaceDrag(store.scene, index, { ...drag, motion: changed });
    store.show(next);
  };
  let degrees = motion.type === "rotation" ? finalDegrees(motion) : 0;
  store.select(index);
  return {
    move({ point, shift }) {
      if (motion.type !== "rotation") put(withWaypoint(motion, handle.waypoint ?? 0, subtract(point, offset)));
      else if (handle.part === "center") {
        const changed = { ...motion, center: tidyPoint(point) };
        holdArm(changed, armOf(store, drag));
        put(changed);
      } else {
        const arm = armOf(store, drag);
        degrees = unwrap(bearing(motion.center, point) - arm.bearing, degrees);
        const shown = shift ? SNAP_DEGREES * Math.round(degrees / SNAP_DEGREES) : tidy(degrees);
        const changed = turnedTo(motion, shown);
        holdArm(changed, arm);
        put(changed);
      }
    },
    end() {
      if (next) store.commit(next, index);
    },
  };
}

/** Python takes no motion that stands still, so none is made here. */
const leads = (motion: Motion): boolean =>
  motion.type === "rotation" ? finalDegrees(motion) !== 0 : pathLength(motion.path) >= 0.5;

export function withWaypoint(motion: PathMotion, index: number, point: Point): PathMotion {
  const points = motion.path.points.map((old, i) => (i === index ? tidyPoint(point) : old));
  return { ...motion, path: { ...motion.path, points } };
}

/** Moves the end of the selected drag: the tip of a path by pixels, a rotation by degrees. */
export function nudge(store: Store, step: Point): void {
  if (typeof store.selection !== "number") return;
  const drag = store.scene.document.drags[store.selection];
  const { motion } = drag;
  let changed: Motion;
  if (motion.type === "rotation") {
    const turned = tidy(finalDegrees(motion) + step[0] - step[1]);
    changed = turnedTo(motion, turned === 0 ? Math.sign(step[0] - step[1]) : turned);
    holdArm(changed, armOf(store, drag));
  } else {
    const last = motion.path.points.length - 1;
    changed = withWaypoint(motion, last, add(motion.path.points[last], step));
  }
  if (!leads(changed)) return;
  store.commit(
    replaceDrag(store.scene, store.selection, { ...drag, motion: changed }),
    store.selection,
    `nudge ${store.selection}`,
  );
}

/** The displacement a path ends with, for the list. */
export const displacement = (motion: PathMotion): Point =>
  subtract(motion.path.points[motion.path.points.length - 1], motion.path.points[0]);
