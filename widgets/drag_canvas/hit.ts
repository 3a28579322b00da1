// What lies under a point: handles of the selected drag, then paths, then regions.
import { finalDegrees, type Drag, type Motion, type Selection } from "../shared/document";
import { add, distance, distanceToPolyline, subtract, type Point } from "../shared/points";
import { curve } from "../shared/spline";
import type { Store } from "./store";

export interface Hit {
  readonly selection: Selection;
  readonly part: "waypoint" | "center" | "arm" | "path" | "region";
  readonly waypoint?: number;
}

export interface Arm {
  /** Degrees clockwise from the x axis, where the arm stood before it was turned. */
  readonly bearing: number;
  readonly length: number;
}

// The document has no arm; a rotation made here remembers where it was grabbed.
const arms = new WeakMap<Motion, Arm>();

export const holdArm = (motion: Motion, arm: Arm): void => void arms.set(motion, arm);

/** The arm of a rotation: as it was grabbed, else upright and as long as the region is wide. */
export function armOf(store: Store, drag: Drag): Arm {
  const held = arms.get(drag.motion);
  if (held) return held;
  const radius = Math.sqrt(store.mask(drag.region).area / Math.PI);
  return { bearing: -90, length: Math.max(10, 1.4 * radius) };
}

export function armEnd(store: Store, drag: Drag, degrees?: number): Point {
  const { motion } = drag;
  if (motion.type !== "rotation") return [0, 0];
  const arm = armOf(store, drag);
  const angle = ((arm.bearing + (degrees ?? finalDegrees(motion))) * Math.PI) / 180;
  return [
    motion.center[0] + arm.length * Math.cos(angle),
    motion.center[1] + arm.length * Math.sin(angle),
  ];
}

/**
 * What to add to a path's points to draw it on its region. Only displacements count, so Python may
 * start a path anywhere; one that does not start on the region is drawn from the region's middle.
 */
export function anchor(store: Store, drag: Drag): Point {
  if (drag.motion.type === "rotation") return [0, 0];
  const [start] = drag.motion.path.points;
  const mask = store.mask(drag.region);
  return mask.at(start) ? [0, 0] : subtract(mask.centroid, start);
}

function handleOf(store: Store, index: number, point: Point, reach: number): Hit | null {
  const drag = store.scene.document.drags[index];
  const { motion } = drag;
  if (motion.type === "rotation") {
    if (distance(point, armEnd(store, drag)) <= reach) return { selection: index, part: "arm" };
    if (distance(point, motion.center) <= reach) return { selection: index, part: "center" };
    return null;
  }
  // Only what steers: the start lies on the region, where a press pulls anew.
  const { points } = motion.path;
  const offset = anchor(store, drag);
  for (let i = points.length - 1; i > 0; i--) {
    if (distance(point, add(points[i], offset)) <= reach) return { selection: index, part: "waypoint", waypoint: i };
  }
  return null;
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
  const order = document.drags.map((_, i) => i).reverse();
  if (typeof selection === "number" && document.drags[selection]) order.unshift(selection);
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
