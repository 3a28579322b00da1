// Tools that draw click by click: the corners of a polygon, the waypoints of a path. An unfinished
// outline is not yet part of the scene.
import type { Selection } from "../shared/document";
import { regionOf } from "../shared/document";
import { distance, tidyPoint, type Point } from "../shared/points";
import type { Gesture, Press } from "./gesture";
import { movedAlong } from "./motions/along_path";
import { withDrawn } from "./paint_tools";
import type { Store } from "./store";

export interface Outline {
  readonly kind: "polygon" | "path";
  readonly points: readonly Point[];
  /** The region that a polygon is added to or that a path moves. */
  readonly target: Selection;
  readonly adds: boolean;
}

const DOUBLE_PIXELS = 2; // a click so near the last one ends the outline

/** A click of the polygon tool. */
export function addCorner(store: Store, press: Press, reach: number, target: Selection): Gesture | null {
  const outline = store.outline ?? { kind: "polygon", points: [], target, adds: press.shift };
  const { points } = outline;
  const closes = points.length > 2 && distance(press.point, points[0]) <= reach;
  return closes || again(points, press.point) ? finished(store) : placed(store, outline, press.point);
}

/** The first click of a path that is made of waypoints: on the region, where it starts. */
export function beginWaypoints(store: Store, target: Selection, start: Point): void {
  store.setOutline({ kind: "path", points: [tidyPoint(start)], target, adds: false });
}

/** A further click of the path tool. */
export function addWaypoint(store: Store, press: Press): Gesture | null {
  const { outline } = store;
  if (!outline) return null;
  return again(outline.points, press.point) ? finished(store) : placed(store, outline, press.point);
}

function again(points: readonly Point[], point: Point): boolean {
  return points.length > 1 && distance(point, points[points.length - 1]) < DOUBLE_PIXELS;
}

function finished(store: Store): null {
  finishOutline(store);
  return null;
}

/** One more point, which moves with the pointer until it is released. */
function placed(store: Store, outline: Outline, point: Point): Gesture {
  const put = (place: Point): void =>
    store.setOutline({ ...outline, points: [...outline.points, tidyPoint(place)] });
  put(point);
  return { move: (press) => put(press.point), end: () => undefined };
}

/** Removes the last point, and the outline with its only one. */
export function dropPoint(store: Store): void {
  const { outline } = store;
  if (!outline) return;
  const points = outline.points.slice(0, -1);
  store.setOutline(points.length > 0 ? { ...outline, points } : null);
}

/** Commits the region or the path, if there are enough points. */
export function finishOutline(store: Store): void {
  const { outline } = store;
  if (!outline) return;
  const { kind, points, target } = outline;
  store.setOutline(null);
  if (kind === "polygon") {
    if (points.length < 3) return;
    const next = withDrawn(store, target, { type: "polygon", points }, outline.adds);
    if (next) store.commit(next, target);
    return;
  }
  const region = regionOf(store.scene, target);
  if (region && points.length > 1) {
    const old = typeof target === "number" ? store.scene.document.drags[target].motion : null;
    store.commit(...movedAlong({ store, selection: target, region, old }, points));
  }
}

/** The outline as it would be with one more point under the pointer. */
export function traced(outline: Outline, pointer: Point | null): readonly Point[] {
  return pointer ? [...outline.points, pointer] : outline.points;
}
