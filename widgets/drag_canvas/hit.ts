// What lies under a point: handles of the selected drag, then paths, then regions.
import { finalDegrees, type Drag, type Look, type Scene, type Selection } from "../shared/document";
import { extentAlong } from "../shared/mask";
import { add, distance, distanceToPolyline, subtract, type Point } from "../shared/points";
import { curve, reach as farthest } from "../shared/spline";
import type { Store } from "./store";

/** The share of a region that a deformation holds unless it says otherwise. */
export const HELD_SHARE = 1 / 3;

export interface Hit {
  readonly selection: Selection;
  /** "between" is a handle that makes a waypoint, "edge" the border of what a deformation holds. */
  readonly part: "waypoint" | "between" | "center" | "arm" | "edge" | "path" | "region";
  readonly waypoint?: number;
}

/** The arm of a rotation before it turns: as it was grabbed, else upright and as long as the region is wide. */
export function armOf(store: Store, drag: Drag, look: Look): readonly [bearing: number, length: number] {
  if (look.arm) return look.arm;
  const radius = Math.sqrt(store.area(drag.region) / Math.PI);
  return [-90, Math.max(10, 1.4 * radius)];
}

export function armEnd(store: Store, drag: Drag, look: Look, degrees?: number): Point {
  const { motion } = drag;
  if (motion.type !== "rotation") return [0, 0];
  const [bearing, length] = armOf(store, drag, look);
  const angle = ((bearing + (degrees ?? finalDegrees(motion))) * Math.PI) / 180;
  return [motion.center[0] + length * Math.cos(angle), motion.center[1] + length * Math.sin(angle)];
}

const BESIDE = 4; // pixels of the frame

function inFrame(store: Store, [x, y]: Point): boolean {
  return x >= 0 && y >= 0 && x <= store.size.width - 1 && y <= store.size.height - 1;
}

/** The line across a region that borders what a deformation holds, and the grip that moves it. */
export interface HeldBorder {
  readonly grip: Point;
  readonly ends: readonly [Point, Point];
}

const borders = new WeakMap<Drag, HeldBorder | null>();

export function heldBorder(store: Store, drag: Drag): HeldBorder | null {
  let border = borders.get(drag);
  if (border === undefined) {
    border = borderOf(store, drag);
    borders.set(drag, border);
  }
  return border;
}

function borderOf(store: Store, drag: Drag): HeldBorder | null {
  const { motion } = drag;
  if (motion.type !== "deformation") return null;
  const mask = store.mask(drag.region);
  const extent = extentAlong(mask, farthest(motion.path));
  const across = extent && extentAlong(mask, [-extent.unit[1], extent.unit[0]]);
  if (!across) return null;
  const { unit, most, span } = extent;
  const along = most + 0.5 - (motion.edge ?? HELD_SHARE) * span;
  const at = (side: number): Point => [
    along * unit[0] + side * across.unit[0],
    along * unit[1] + side * across.unit[1],
  ];
  const ends = [at(across.least - BESIDE), at(across.most + BESIDE)] as const;
  // The grip stands beside the region, which is for pulling, at the end that is in the frame.
  return { grip: inFrame(store, ends[0]) ? ends[0] : ends[1], ends };
}

/** Halfway from each waypoint to the next. */
export const betweens = (points: readonly Point[]): Point[] =>
  points.slice(1).map((point, i): Point => [(point[0] + points[i][0]) / 2, (point[1] + points[i][1]) / 2]);

/** Is there room for a handle between waypoint `index` and the next one? */
export const roomBetween = (points: readonly Point[], index: number, reach: number): boolean =>
  distance(points[index], points[index + 1]) >= 4.5 * reach;

/**
 * What to add to a path's points to draw it on its region. Only displacements count, so Python may
 * start a path anywhere; one that does not start on the region is drawn from the region's middle.
 */
export function anchor(store: Store, drag: Drag): Point {
  if (drag.motion.type === "rotation") return [0, 0];
  let offset = anchors.get(drag);
  if (!offset) {
    const [start] = drag.motion.path.points;
    const mask = store.mask(drag.region);
    offset = mask.at(start) ? [0, 0] : subtract(mask.centroid, start);
    anchors.set(drag, offset);
  }
  return offset;
}

/** The start lies on the region, where a press pulls anew, unless it is there to change things. */
export const firstHandle = (store: Store): 0 | 1 => (store.tool === "select" ? 0 : 1);

const anchors = new WeakMap<Drag, Point>();

function handleOf(store: Store, index: number, point: Point, reach: number): Hit | null {
  const { document, looks } = store.scene;
  const drag = document.drags[index];
  const { motion } = drag;
  if (motion.type === "rotation") {
    if (distance(point, armEnd(store, drag, looks[index])) <= reach) return { selection: index, part: "arm" };
    if (distance(point, motion.center) <= reach) return { selection: index, part: "center" };
    return null;
  }
  const { points } = motion.path;
  const offset = anchor(store, drag);
  for (let i = points.length - 1; i >= firstHandle(store); i--) {
    if (distance(point, add(points[i], offset)) <= reach) return { selection: index, part: "waypoint", waypoint: i };
  }
  const border = heldBorder(store, drag);
  if (border && distance(point, border.grip) <= reach) return { selection: index, part: "edge" };
  const near = 0.6 * reach; // smaller than waypoints, and not on the region, which is for pulling
  const between = betweens(points).findIndex(
    (place, i) => distance(point, add(place, offset)) <= near && roomBetween(points, i, reach),
  );
  if (between >= 0 && !store.mask(drag.region).at(point)) {
    return { selection: index, part: "between", waypoint: between };
  }
  return null;
}

/** From the topmost down; what is muted lies below all, out of reach unless it is selected. */
function reachable({ document, looks }: Scene, selection: Selection): number[] {
  const order = [...document.drags.keys()].reverse().filter((i) => i !== selection && !looks[i].muted);
  return typeof selection === "number" && document.drags[selection] ? [selection, ...order] : order;
}

/** The topmost thing within `reach` pixels of `point`. */
export function hit(store: Store, point: Point, reach: number): Hit | null {
  const { document, draft } = store.scene;
  const { selection } = store;
  if (typeof selection === "number" && document.drags[selection]) {
    const handle = handleOf(store, selection, point, reach);
    if (handle) return handle;
  }
  if (draft && store.mask(draft).at(point)) return { selection: "draft", part: "region" };
  const order = reachable(store.scene, selection);
  for (const index of order) {
    const { region } = document.drags[index];
    if (store.mask(region).at(point)) return { selection: index, part: "region" };
  }
  for (const index of order) {
    const drag = document.drags[index];
    if (drag.motion.type === "rotation") continue;
    const place = subtract(point, anchor(store, drag));
    if (distanceToPolyline(place, curve(drag.motion.path)) <= reach) return { selection: index, part: "path" };
  }
  return null;
}
