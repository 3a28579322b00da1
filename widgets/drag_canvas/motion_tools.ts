// The gestures that move a region: pulling, drawing its way, turning, and changing any of these.
import { bearing, unwrap } from "../shared/affine";
import {
  addDrag,
  finalDegrees,
  regionOf,
  replaceDrag,
  turnedTo,
  type Drag,
  type Look,
  type Motion,
  type PathMotion,
  type RotationMotion,
  type Scene,
  type Selection,
} from "../shared/document";
import { fitPath } from "../shared/fit";
import { extentAlong, type Region } from "../shared/mask";
import { add, clamp, distance, subtract, tidy, tidyPoint, type Point } from "../shared/points";
import { pathLength, reach } from "../shared/spline";
import type { Gesture, Press } from "./gesture";
import { anchor, armOf, betweens, type Hit } from "./hit";
import type { Store } from "./store";

const TAP_PIXELS = 2; // a shorter pull is a click
const TAP_DEGREES = 1;
const SNAP_DEGREES = 15;
const WAYPOINT_PIXELS = 20; // of a freehand path for each of its waypoints

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
function moved(
  scene: Scene,
  selection: Selection,
  region: Region,
  motion: Motion,
  arm: Look["arm"] = null,
): [Scene, number] {
  const { drags } = scene.document;
  if (typeof selection === "number") {
    return [replaceDrag(scene, selection, { ...drags[selection], motion }, { arm, muted: false }), selection];
  }
  const drag: Drag = { region, motion, source: null };
  return [{ ...addDrag(scene, drag, arm), draft: null }, drags.length];
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
      const points = kind === "path" ? fitPath(drawn, WAYPOINT_PIXELS) : [start, point];
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
      const arm = [tidy(from), tidy(distance(center, press.point))] as const;
      next = Math.abs(shown) >= TAP_DEGREES ? moved(store.scene, selection, region, motion, arm) : null;
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

/**
 * The motion after a handle has been pulled to a point, null if it cannot be there; `turned` is what
 * the arm had turned by.
 */
function pulled(store: Store, handle: Hit, drag: Drag, look: Look, turned: number, press: Press): Motion | null {
  const { motion } = drag;
  const { point, shift } = press;
  if (motion.type === "rotation") {
    if (handle.part === "center") return { ...motion, center: tidyPoint(point) };
    const [rest] = armOf(store, drag, look);
    const degrees = unwrap(bearing(motion.center, point) - rest, turned);
    return turnedTo(motion, shift ? SNAP_DEGREES * Math.round(degrees / SNAP_DEGREES) : tidy(degrees));
  }
  if (handle.part === "edge") return { ...motion, edge: heldShare(store, drag, point) };
  if (handle.part === "waypoint" && handle.waypoint === 0) return withStart(store, drag, point);
  const place = subtract(point, anchor(store, drag));
  return handle.part === "between"
    ? withInserted(motion, handle.waypoint ?? 0, place)
    : withWaypoint(motion, handle.waypoint ?? 0, place);
}

/** How much of the region a deformation holds when the border of the held part goes through a point. */
function heldShare(store: Store, drag: Drag, point: Point): number {
  const extent = drag.motion.type === "rotation" ? null : extentAlong(store.mask(drag.region), reach(drag.motion.path));
  if (!extent) return 1;
  const along = point[0] * extent.unit[0] + point[1] * extent.unit[1];
  return clamp(tidy((extent.most + 0.5 - along) / extent.span), 0.05, 1);
}

/** Moves a handle: of a path, of what a deformation holds, the centre of a rotation or its arm. */
export function moveHandle(store: Store, handle: Hit): Gesture | null {
  if (typeof handle.selection !== "number") return null;
  const index = handle.selection;
  const { document, looks } = store.scene;
  const [drag, look] = [document.drags[index], looks[index]];
  let turned = drag.motion.type === "rotation" ? finalDegrees(drag.motion) : 0;
  let next: Scene | null = null;
  store.select(index);
  if (handle.part === "waypoint") store.setWaypoint(handle.waypoint ?? null);
  return {
    move(press) {
      const motion = pulled(store, handle, drag, look, turned, press);
      if (motion?.type === "rotation") turned = finalDegrees(motion);
      if (!motion || !leads(motion)) return;
      // the arm stays as long as it is drawn when its region is what gave it its length
      const arm = motion.type === "rotation" ? armOf(store, drag, look) : look.arm;
      next = replaceDrag(store.scene, index, { ...drag, motion }, { arm });
      store.show(next);
    },
    end() {
      if (!next) return;
      store.commit(next, index);
      if (handle.part === "between") store.setWaypoint((handle.waypoint ?? 0) + 1);
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

/**
 * The motion that takes hold of another place of its region: the other waypoints stay where they are
 * seen, so the way becomes longer or shorter. Null beside the region.
 */
export function withStart(store: Store, drag: Drag, point: Point): PathMotion | null {
  const { motion } = drag;
  if (motion.type === "rotation" || !store.mask(drag.region).at(point)) return null;
  const offset = anchor(store, drag);
  const points = motion.path.points.map((old, i) => tidyPoint(i === 0 ? point : add(old, offset)));
  return { ...motion, path: { ...motion.path, points } };
}

/** One more waypoint after waypoint `index`; a pinned path reaches it halfway in time. */
export function withInserted(motion: PathMotion, index: number, point: Point): PathMotion {
  const { path } = motion;
  const points = path.points.toSpliced(index + 1, 0, tidyPoint(point));
  const frames = path.frames && path.frames.toSpliced(index + 1, 0, (path.frames[index] + path.frames[index + 1]) / 2);
  return { ...motion, path: { ...path, points, frames } };
}

/** Without a waypoint; null where too little would be left, and for the start. */
export function withoutWaypoint(motion: PathMotion, index: number): PathMotion | null {
  const { path } = motion;
  if (index <= 0 || index >= path.points.length || path.points.length < 3) return null;
  const frames = path.frames && path.frames.toSpliced(index, 1);
  const changed = { ...motion, path: { ...path, points: path.points.toSpliced(index, 1), frames } };
  return leads(changed) ? changed : null;
}

/** The same motion with another timing. */
export const withEase = (motion: Motion, ease: string): Motion =>
  motion.type === "rotation" ? { ...motion, ease } : { ...motion, path: { ...motion.path, ease } };

/** Keeps a change of a drag's motion, if it still leads somewhere. */
export function changeMotion(store: Store, index: number, motion: Motion, label = ""): boolean {
  const drag = store.scene.document.drags[index];
  if (!drag || !leads(motion)) return false;
  store.commit(replaceDrag(store.scene, index, { ...drag, motion }), index, label);
  return true;
}

function selectedPath(store: Store): PathMotion | null {
  const motion = typeof store.selection === "number" ? store.scene.document.drags[store.selection].motion : null;
  return motion && motion.type !== "rotation" ? motion : null;
}

/** Takes a waypoint out of the selected path: the one in hand unless another is named. */
export function deleteWaypoint(store: Store, index = store.waypoint): boolean {
  const motion = selectedPath(store);
  const changed = motion && index !== null ? withoutWaypoint(motion, index) : null;
  return changed !== null && changeMotion(store, store.selection as number, changed);
}

/** Puts a waypoint halfway to the one in hand, by default the end, or after the start; takes it in hand. */
export function insertWaypoint(store: Store): boolean {
  const motion = selectedPath(store);
  if (!motion) return false;
  const before = Math.max(0, (store.waypoint ?? motion.path.points.length - 1) - 1);
  const changed = withInserted(motion, before, betweens(motion.path.points)[before]);
  if (!changeMotion(store, store.selection as number, changed)) return false;
  store.setWaypoint(before + 1);
  return true;
}

/** Takes the next waypoint of the selected path in hand, or the one before. */
export function cycleWaypoint(store: Store, step: number): boolean {
  const motion = selectedPath(store);
  if (!motion) return false;
  const count = motion.path.points.length;
  store.setWaypoint(((store.waypoint ?? count - 1) + step + count) % count);
  return true;
}

/** Moves the end of the selected drag, or the waypoint in hand, by pixels; a rotation by degrees. */
export function nudge(store: Store, step: Point): void {
  if (typeof store.selection !== "number") return;
  const drag = store.scene.document.drags[store.selection];
  const { motion } = drag;
  let changed: Motion | null;
  if (motion.type === "rotation") {
    const turned = tidy(finalDegrees(motion) + step[0] - step[1]);
    changed = turnedTo(motion, turned === 0 ? Math.sign(step[0] - step[1]) : turned);
  } else {
    const { points } = motion.path;
    const index = store.waypoint ?? points.length - 1;
    const place = add(points[index], step);
    changed = index === 0 ? withStart(store, drag, add(place, anchor(store, drag))) : withWaypoint(motion, index, place);
  }
  if (changed) changeMotion(store, store.selection, changed, `nudge ${store.selection} ${store.waypoint}`);
}

/** The displacement a path ends with, for the list. */
export const displacement = (motion: PathMotion): Point =>
  subtract(motion.path.points[motion.path.points.length - 1], motion.path.points[0]);
