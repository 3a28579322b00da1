// Hit test of a point: handles of the selected drag, then regions, then paths.
import type { Scene, Selection } from "../shared/document";
import { distanceToPolyline, type Point } from "../shared/points";
import { kindOf } from "./motions";
import type { Store } from "./store";
import type { Hit } from "./types";

/** Drags from the topmost down, the selected one first; muted ones only if selected. */
function reachable({ document, looks }: Scene, selection: Selection): number[] {
  const order = [...document.drags.keys()].reverse().filter((i) => i !== selection && !looks[i].muted);
  return typeof selection === "number" && document.drags[selection] ? [selection, ...order] : order;
}

/** The topmost thing within `reach` pixels of `point`. */
export function hit(store: Store, point: Point, reach: number): Hit | null {
  const { document, draft, looks } = store.scene;
  const { selection } = store;
  const drag = typeof selection === "number" ? document.drags[selection] : undefined;
  if (typeof selection === "number" && drag) {
    const shown = { store, drag, look: looks[selection], selected: true };
    const handle = kindOf(drag.motion).handleAt(shown, selection, point, reach);
    if (handle) return handle;
  }
  if (draft && store.mask(draft).at(point)) return { selection: "draft", part: "region" };
  const order = reachable(store.scene, selection);
  for (const index of order) {
    const { region, motion } = document.drags[index];
    if (!kindOf(motion).wholeFrame && store.mask(region).at(point)) return { selection: index, part: "region" };
  }
  for (const index of order) {
    const other = document.drags[index];
    const line = kindOf(other.motion).line(store, other);
    if (line.length > 0 && distanceToPolyline(point, line) <= reach) return { selection: index, part: "path" };
  }
  return null;
}
