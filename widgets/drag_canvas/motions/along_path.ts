// Shared by translation and deformation: motions along a path.
import { translation } from "../../shared/affine";
import { cached } from "../../shared/cached";
import { iconButton } from "../../shared/controls";
import type { Drag, Motion, PathDocument, Scene } from "../../shared/document";
import { fitPath } from "../../shared/fit";
import { add, distance, subtract, tidyPoint, type Point } from "../../shared/points";
import { curve, pathAt, pathLength } from "../../shared/spline";
import type { Gesture } from "../gesture";
import { ACTION_ICONS } from "../icons";
import { colourOf, RIM, type Ink } from "../ink";
import type { Store } from "../store";
import type { Hit } from "../types";
import type { Change, InspectorRow, MotionKind, Shown, Start } from "./kind";
import { withMotion } from "./motion_gesture";

export interface PathMotion extends Motion {
  readonly path: PathDocument;
}

const TAP_PIXELS = 2; // a shorter pull is a click
const WAYPOINT_PIXELS = 20; // of a freehand path for each of its waypoints
const ARROWS = ["→", "↘", "↓", "↙", "←", "↖", "↑", "↗"] as const;

export const isPath = (motion: Motion): motion is PathMotion => "path" in motion;

const asPath = (points: readonly Point[], ease: string): PathDocument => ({
  points: points.map(tidyPoint),
  smooth: true,
  ease,
  frames: null,
});

/** Halfway from each waypoint to the next. */
export const betweens = (points: readonly Point[]): Point[] =>
  points.slice(1).map((point, i): Point => [(point[0] + points[i][0]) / 2, (point[1] + points[i][1]) / 2]);

/** True if there is room for a handle between waypoint `index` and the next one. */
const roomBetween = (points: readonly Point[], index: number, reach: number): boolean =>
  distance(points[index], points[index + 1]) >= 4.5 * reach;

const anchors = new WeakMap<Drag, Point>();

/**
 * The offset at which a path is drawn. Only displacements matter, so a path from Python may start
 * anywhere; one that does not start on its region is drawn from the region's middle.
 */
export function anchor(store: Store, drag: Drag & { readonly motion: PathMotion }): Point {
  return cached(anchors, drag, (): Point => {
    const [start] = drag.motion.path.points;
    const mask = store.mask(drag.region);
    return mask.at(start) ? [0, 0] : subtract(mask.centroid, start);
  });
}

/** The start has a handle with the select tool only: with others a press on the region pulls it anew. */
const firstHandle = (store: Store): 0 | 1 => (store.tool === "select" ? 0 : 1);

/** "24 px →" */
export function inWords(motion: PathMotion): string {
  const { points } = motion.path;
  return wayInWords(subtract(points[points.length - 1], points[0]));
}

/** "24 px →" */
export function wayInWords([dx, dy]: Point): string {
  const sector = Math.round(Math.atan2(dy, dx) / (Math.PI / 4));
  return `${Math.round(Math.hypot(dx, dy))} px ${ARROWS[(sector + 8) % 8]}`;
}

export function withWaypoint<M extends PathMotion>(motion: M, index: number, point: Point): M {
  const points = motion.path.points.map((old, i) => (i === index ? tidyPoint(point) : old));
  return { ...motion, path: { ...motion.path, points } };
}

/**
 * The motion with another start on its region; the other waypoints stay where they are drawn. Null for a
 * start beside the region.
 */
function withStart<M extends PathMotion>(store: Store, drag: Drag & { readonly motion: M }, point: Point): M | null {
  const { motion } = drag;
  if (!store.mask(drag.region).at(point)) return null;
  const offset = anchor(store, drag);
  const points = motion.path.points.map((old, i) => tidyPoint(i === 0 ? point : add(old, offset)));
  return { ...motion, path: { ...motion.path, points } };
}

/** One more waypoint after waypoint `index`; a pinned path reaches it halfway in time. */
export function withInserted<M extends PathMotion>(motion: M, index: number, point: Point): M {
  const { path } = motion;
  const points = path.points.toSpliced(index + 1, 0, tidyPoint(point));
  const frames = path.frames && path.frames.toSpliced(index + 1, 0, (path.frames[index] + path.frames[index + 1]) / 2);
  return { ...motion, path: { ...path, points, frames } };
}

/** Without a waypoint; null for the start, and if too little would be left. */
export function withoutWaypoint<M extends PathMotion>(motion: M, index: number): M | null {
  const { path } = motion;
  if (index <= 0 || index >= path.points.length || path.points.length < 3) return null;
  const frames = path.frames && path.frames.toSpliced(index, 1);
  const changed = { ...motion, path: { ...path, points: path.points.toSpliced(index, 1), frames } };
  return moves(changed) ? changed : null;
}

const moves = (motion: PathMotion): boolean => pathLength(motion.path) >= 0.5;

/** The scene in which a region moves along waypoints, and the new selection. */
export function movedAlong(
  { store, selection, region, old }: Pick<Start, "store" | "selection" | "region" | "old">,
  points: readonly Point[],
): [Scene, number] {
  const ease = old && isPath(old) ? old.path.ease : "linear";
  const motion = { type: "translation", path: asPath(points, ease) };
  return withMotion(store.scene, selection, region, motion);
}

/** A pull from the region; drawn freely with the tool "path". */
function pull(start: Start, type: string): Gesture {
  const { store, selection, region, old, press, tool, tapped } = start;
  const mask = store.mask(region);
  // an arrow starts on its region, wherever the press was
  const from = mask.at(press.point) ? press.point : mask.centroid;
  const ease = old?.type === type && isPath(old) ? old.path.ease : "linear";
  const free = tool === "path";
  const drawn: Point[] = [from];
  let next: [Scene, number] | null = null;
  store.select(selection);
  return {
    move({ point }) {
      drawn.push(point);
      const far = free || distance(from, point) >= TAP_PIXELS;
      const path = asPath(free ? fitPath(drawn, WAYPOINT_PIXELS) : [from, point], ease);
      next = far ? withMotion(store.scene, selection, region, { type, path } as PathMotion) : null;
      store.show(next?.[0] ?? null);
    },
    end() {
      if (next && drawn.some((point) => distance(from, point) >= TAP_PIXELS)) return store.commit(...next);
      store.show(null);
      if (free) tapped(from);
      else store.select(selection);
    },
  };
}

function handleAt({ store, drag }: Shown<PathMotion>, index: number, point: Point, reach: number): Hit | null {
  const { points } = drag.motion.path;
  const offset = anchor(store, drag);
  for (let i = points.length - 1; i >= firstHandle(store); i--) {
    if (distance(point, add(points[i], offset)) <= reach) return { selection: index, part: "waypoint", waypoint: i };
  }
  return null;
}

/** The small handles that insert a waypoint; none on the region, where a press pulls. */
function betweenAt({ store, drag }: Shown<PathMotion>, index: number, point: Point, reach: number): Hit | null {
  const { points } = drag.motion.path;
  const offset = anchor(store, drag);
  const between = betweens(points).findIndex(
    (place, i) => distance(point, add(place, offset)) <= 0.6 * reach && roomBetween(points, i, reach),
  );
  if (between < 0 || store.mask(drag.region).at(point)) return null;
  return { selection: index, part: "between", waypoint: between };
}

function pulled<M extends PathMotion>({ store, drag }: Shown<M>, handle: Hit, point: Point): M | null {
  const waypoint = handle.waypoint ?? 0;
  if (handle.part === "waypoint" && waypoint === 0) return withStart(store, drag, point);
  const place = subtract(point, anchor(store, drag));
  return handle.part === "between"
    ? withInserted(drag.motion, waypoint, place)
    : withWaypoint(drag.motion, waypoint, place);
}

function nudged<M extends PathMotion>(store: Store, drag: Drag & { readonly motion: M }, step: Point): M | null {
  const { points } = drag.motion.path;
  const index = store.waypoint ?? points.length - 1;
  const place = add(points[index], step);
  return index === 0
    ? withStart(store, drag, add(place, anchor(store, drag)))
    : withWaypoint(drag.motion, index, place);
}

/** The path with a dot for each latent frame and, if it is selected, its handles. */
export function drawPath(ink: Ink, { store, drag, look, selected }: Shown<PathMotion>, bar: boolean): void {
  const { path } = drag.motion;
  const colour = colourOf(look);
  const { waypoint, latentFrames: frames } = store;
  const { points } = path;
  const line = curve(path);
  ink.shifted(anchor(store, drag), () => {
    if (selected && points.length > 2) ink.faint(points);
    ink.line(ink.trace(line), colour, selected ? 3.5 : 2.5);
    ink.head(line, bar ? 11 : 13, colour, bar);
    for (let frame = 1; frame < frames; frame++) ink.dot(pathAt(path, frame / frames), 3, "#fff", RIM);
    ink.dot(line[0], 4, colour, RIM);
    if (!selected) return;
    betweens(points).forEach((point, i) => {
      if (roomBetween(points, i, ink.reach)) ink.dot(point, 2.75, "rgba(255, 255, 255, 0.55)", RIM);
    });
    points.forEach((point, i) => {
      if (i < firstHandle(store) && i !== waypoint) return;
      const radius = i === points.length - 1 ? 5.5 : 4.5;
      ink.dot(point, radius, i === waypoint ? colour : "#fff", i === waypoint ? "#fff" : colour);
    });
  });
}

function curveRow<M extends PathMotion>(change: Change<M>): InspectorRow<M> {
  const toggle = (motion: M): M => ({ ...motion, path: { ...motion.path, smooth: !motion.path.smooth } });
  const control = iconButton("Curved", ACTION_ICONS.curve, () => change(toggle));
  return {
    name: "Curve",
    control,
    show: ({ path }) => {
      control.setAttribute("aria-pressed", String(path.smooth));
      return path.points.length > 2;
    },
  };
}

/** The members that all kinds along a path share. */
export function alongPath<M extends PathMotion>(type: M["type"]) {
  return {
    type,
    at: (motion, fraction) => {
      const [start, now] = [motion.path.points[0], pathAt(motion.path, fraction)];
      return translation(now[0] - start[0], now[1] - start[1]);
    },
    moves,
    ease: (motion) => motion.path.ease,
    withEase: (motion, ease) => ({ ...motion, path: { ...motion.path, ease } }),
    waypoints: (motion) => motion.path.points.length,
    held: (mask, _motion: M) => mask,
    begin: (start) => pull(start, type),
    handleAt: (shown, index, point, reach) =>
      handleAt(shown, index, point, reach) ?? betweenAt(shown, index, point, reach),
    line: (store, drag) => {
      const offset = anchor(store, drag);
      return curve(drag.motion.path).map((point) => add(point, offset));
    },
    pulled: (shown, handle, press) => pulled(shown, handle, press.point),
    arm: ({ look }) => look.arm,
    nudged,
    rows: (change) => [curveRow(change)],
  } satisfies Partial<MotionKind<M>>;
}
