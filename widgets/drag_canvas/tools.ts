// What a press of the pointer starts, tool by tool. A gesture shows the scene it leads to and
// keeps it when the pointer is released; nothing here knows of the DOM.
import { bearing, unwrap } from "../shared/affine";
import {
  finalDegrees,
  replaceDrag,
  turnedTo,
  withDrags,
  withKeep,
  type Drag,
  type Motion,
  type PathMotion,
  type RotationMotion,
  type Scene,
} from "../shared/document";
import { fitPath } from "../shared/fit";
import { Mask, brushMask, type Region } from "../shared/mask";
import { pathLength } from "../shared/spline";
import { add, distance, simplify, subtract, tidy, tidyPoint, type Point } from "../shared/points";
import { anchor, armOf, hit, holdArm, type Hit } from "./hit";
import type { Selection, Store, ToolName } from "./store";

export interface Press {
  readonly point: Point;
  readonly shift: boolean;
  readonly alt: boolean;
}

export interface Gesture {
  move(press: Press): void;
  end(): void;
}

export interface ToolInfo {
  readonly name: ToolName;
  readonly label: string;
  readonly key: string;
  readonly hint: string;
}

export const TOOLS: readonly ToolInfo[] = [
  { name: "select", label: "Select", key: "v", hint: "Click a drag to select it. Pull its handles to change it." },
  { name: "brush", label: "Brush", key: "b", hint: "Paint the object, then pull it. Shift adds, Alt erases." },
  { name: "box", label: "Box", key: "x", hint: "Draw a box around the object, then pull it. Shift adds." },
  { name: "lasso", label: "Lasso", key: "l", hint: "Circle the object, then pull it. Shift adds." },
  { name: "eraser", label: "Eraser", key: "e", hint: "Rub out parts of a region or of the keep area." },
  { name: "pull", label: "Pull", key: "p", hint: "Pull the region to where it should go: a straight arrow." },
  { name: "path", label: "Draw a path", key: "f", hint: "Draw the way the region should take." },
  { name: "deform", label: "Deform", key: "d", hint: "Pull a part of the object: it stretches and the rest stays." },
  { name: "rotate", label: "Rotate", key: "r", hint: "Turn the region about its centre. Shift snaps to 15°." },
  { name: "keep", label: "Keep", key: "k", hint: "Paint what must not change. Alt erases." },
];

const TAP_PIXELS = 2; // a shorter pull is a click
const TAP_DEGREES = 1;
const SNAP_DEGREES = 15;

/** Starts what a press means with the tool in hand; null when it means nothing. */
export function begin(store: Store, press: Press, reach: number): Gesture | null {
  const { tool } = store;
  if (tool === "keep") return paintKeep(store, press);
  const touched = hit(store, press.point, reach);
  if (touched?.part === "path" && tool === "select") {
    store.select(touched.selection);
    return null;
  }
  const under = touched?.part === "path" ? null : touched; // an arrow is no obstacle to painting
  if (tool === "eraser" || (press.alt && isPaint(tool))) return erase(store, press, under);
  if (under?.part === "waypoint" || under?.part === "center" || under?.part === "arm") {
    return moveHandle(store, under);
  }
  if (isPaint(tool)) {
    if (under && !press.shift) return moveRegion(store, under.selection, press, null);
    if (tool === "brush") return paint(store, press);
    return tool === "box" ? drawBox(store, press) : drawLasso(store, press);
  }
  if (tool === "select") {
    if (under) return moveRegion(store, under.selection, press, null);
    store.select(null);
    return null;
  }
  const target = under?.selection ?? activeTarget(store);
  if (target === null) {
    store.setError("Paint a region first: the brush, the box and the lasso do.");
    return null;
  }
  return moveRegion(store, target, press, tool);
}

export const isPaint = (tool: ToolName): tool is "brush" | "box" | "lasso" =>
  tool === "brush" || tool === "box" || tool === "lasso";

/** What a motion tool acts on when it is pressed beside all regions. */
function activeTarget(store: Store): Selection {
  if (store.scene.draft) return "draft";
  if (store.selection !== null) return store.selection;
  const { drags } = store.scene.document;
  return drags.length > 0 ? drags.length - 1 : null;
}

export function regionOf(scene: Scene, selection: Selection): Region | null {
  if (selection === null) return null;
  return selection === "draft" ? scene.draft : (scene.document.drags[selection]?.region ?? null);
}

// --- motions ------------------------------------------------------------------------------------

function moveRegion(
  store: Store,
  selection: Selection,
  press: Press,
  tool: "pull" | "path" | "deform" | "rotate" | null,
): Gesture | null {
  const region = regionOf(store.scene, selection);
  if (!region) return null;
  const old = typeof selection === "number" ? store.scene.document.drags[selection].motion : null;
  // Without a motion tool in hand a drag keeps its kind: what turned is turned again.
  const kind = tool ?? (old?.type === "rotation" ? "rotate" : old?.type === "deformation" ? "deform" : "pull");
  return kind === "rotate"
    ? turn(store, selection, region, old, press)
    : pull(store, selection, region, old, press, kind);
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

function pull(
  store: Store,
  selection: Selection,
  region: Region,
  old: Motion | null,
  press: Press,
  kind: "pull" | "path" | "deform",
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
      else {
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
function moveHandle(store: Store, handle: Hit): Gesture | null {
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

// --- regions ------------------------------------------------------------------------------------

/** What paint goes to: with Shift on a finished drag its region, else the one being painted. */
function paintTarget(store: Store, press: Press): Selection {
  return press.shift && !store.scene.draft && typeof store.selection === "number"
    ? store.selection
    : "draft";
}

function withRegion(scene: Scene, selection: Selection, region: Region): Scene {
  if (typeof selection !== "number") return { ...scene, draft: region };
  return replaceDrag(scene, selection, { ...scene.document.drags[selection], region });
}

/** A single stroke stays the shape that it is; what is put together becomes a mask. */
function joined(store: Store, old: Region | null, added: Region): Region {
  return old ? store.mask(old).or(store.mask(added)).toRegion() : added;
}

function paint(store: Store, press: Press): Gesture {
  const target = paintTarget(store, press);
  const old = regionOf(store.scene, target);
  const radius = tidy(store.brushRadius);
  const stroke: Point[] = [press.point];
  let next: Scene | null = null;
  const show = (tolerance: number): void => {
    const points = simplify(stroke, tolerance).map(tidyPoint);
    const added: Region = { type: "brush", points, radius };
    next = store.mask(added).empty
      ? null
      : withRegion(store.scene, target, joined(store, old, added));
    store.show(next);
  };
  show(0);
  return {
    move({ point }) {
      stroke.push(point);
      show(0.25);
    },
    end() {
      if (next) store.commit(next, target);
      else store.show(null);
    },
  };
}

function drawBox(store: Store, press: Press): Gesture {
  return drawShape(store, press, (corner) => ({
    type: "box",
    left: tidy(Math.min(press.point[0], corner[0])),
    top: tidy(Math.min(press.point[1], corner[1])),
    right: tidy(Math.max(press.point[0], corner[0])),
    bottom: tidy(Math.max(press.point[1], corner[1])),
  }));
}

function drawLasso(store: Store, press: Press): Gesture {
  const drawn: Point[] = [press.point];
  return drawShape(store, press, (point) => {
    drawn.push(point);
    const points = simplify(drawn, 0.4).map(tidyPoint);
    return points.length < 3 ? null : { type: "polygon", points };
  });
}

/** Box and lasso start over; with Shift they add. */
function drawShape(store: Store, press: Press, shape: (point: Point) => Region | null): Gesture {
  const target = paintTarget(store, press);
  const old = press.shift ? regionOf(store.scene, target) : null;
  let next: Scene | null = null;
  return {
    move({ point }) {
      const drawn = distance(press.point, point) < TAP_PIXELS && !next ? null : shape(point);
      next =
        drawn && !store.mask(drawn).empty
          ? withRegion(store.scene, target, joined(store, old, drawn))
          : null;
      store.show(next);
    },
    end() {
      if (next) store.commit(next, target);
      else {
        store.show(null);
        store.select(null);
      }
    },
  };
}

function stampOn(mask: Mask, from: Point, to: Point, radius: number, value: 0 | 1): Mask {
  const stamp = brushMask([from, to], radius, mask);
  return value === 1 ? mask.or(stamp) : mask.without(stamp);
}

/** Rubs along the pointer's way and hands each result to `put`. */
function rub(store: Store, press: Press, start: Mask, value: 0 | 1, put: (mask: Mask) => Scene): Gesture {
  let mask = stampOn(start, press.point, press.point, store.brushRadius, value);
  let last = press.point;
  store.show(put(mask));
  return {
    move({ point }) {
      mask = stampOn(mask, last, point, store.brushRadius, value);
      last = point;
      store.show(put(mask));
    },
    end() {
      store.commit(put(mask));
    },
  };
}

function erase(store: Store, press: Press, under: Hit | null): Gesture | null {
  const { scene } = store;
  const target = under?.part === "region" ? under.selection : scene.draft ? "draft" : store.selection;
  const region = regionOf(scene, target);
  const { keep } = scene.document;
  const overKeep = keep !== null && store.mask(keep).at(press.point);
  if (keep && (overKeep || !region) && under?.part !== "region") {
    return rub(store, press, store.mask(keep), 0, (mask) =>
      withKeep(scene, mask.empty ? null : mask.toRegion()),
    );
  }
  if (!region) return null;
  return rub(store, press, store.mask(region), 0, (mask) => {
    if (!mask.empty) return withRegion(scene, target, mask.toRegion());
    if (typeof target !== "number") return { ...scene, draft: null };
    return withDrags(scene, scene.document.drags.filter((_, i) => i !== target));
  });
}

function paintKeep(store: Store, press: Press): Gesture | null {
  const { scene, size } = store;
  const { keep } = scene.document;
  const start = keep ? store.mask(keep) : new Mask(size.width, size.height);
  return rub(store, press, start, press.alt ? 0 : 1, (mask) =>
    withKeep(scene, mask.empty ? null : mask.toRegion()),
  );
}

/** The displacement a path ends with, for the list. */
export const displacement = (motion: PathMotion): Point =>
  subtract(motion.path.points[motion.path.points.length - 1], motion.path.points[0]);
