// The gestures and keys that change a motion, whatever its kind.
import { regionOf, replaceDrag, type Motion, type Scene, type Selection } from "../shared/document";
import type { Point } from "../shared/points";
import type { Gesture, Press } from "./gesture";
import { activeCamera, isCamera, wholeFrame } from "./camera_drag";
import { kindOf, kindOfTool } from "./motions";
import { betweens, isPath, withInserted, withoutWaypoint, type PathMotion } from "./motions/along_path";
import { withMotion } from "./motions/motion_gesture";
import type { Store } from "./store";
import type { Hit, ToolName } from "./types";

/** Starts the gesture of a motion tool on a region. */
export function moveRegion(
  store: Store,
  selection: Selection,
  press: Press,
  tool: ToolName | null,
  tapped: (start: Point) => void = () => store.select(selection),
): Gesture | null {
  const region = regionOf(store.scene, selection);
  if (!region) return null;
  const old = motionOf(store, selection);
  // without a motion tool a drag keeps its kind
  const kind = tool === null && old ? kindOf(old) : kindOfTool(tool ?? "pull");
  const used = tool ?? kind?.tools[0]?.name ?? null;
  return kind?.begin({ store, selection, region, old, press, tool: used, tapped }) ?? null;
}

const motionOf = (store: Store, selection: Selection): Motion | null =>
  typeof selection === "number" ? (store.scene.document.drags[selection]?.motion ?? null) : null;

/** Moves a handle of a drag. */
export function moveHandle(store: Store, handle: Hit): Gesture | null {
  if (typeof handle.selection !== "number") return null;
  const index = handle.selection;
  const { document, looks } = store.scene;
  const shown = { store, drag: document.drags[index], look: looks[index], selected: true };
  const kind = kindOf(shown.drag.motion);
  let last = shown.drag.motion;
  let next: Scene | null = null;
  store.select(index);
  if (handle.part === "waypoint") store.setWaypoint(handle.waypoint ?? null);
  return {
    move(press) {
      const motion = kind.pulled(shown, handle, press, last);
      if (!motion) return;
      last = motion;
      if (!kind.moves(motion)) return;
      next = replaceDrag(store.scene, index, { ...shown.drag, motion }, { arm: kind.arm(shown) });
      store.show(next);
    },
    end() {
      if (!next) return;
      store.commit(next, index);
      if (handle.part === "between") store.setWaypoint((handle.waypoint ?? 0) + 1);
    },
  };
}

/** Changes the motion of a drag; false if the new one would stand still. */
export function changeMotion(store: Store, index: number, motion: Motion, label = ""): boolean {
  const drag = store.scene.document.drags[index];
  if (!drag || !kindOf(motion).moves(motion)) return false;
  store.commit(replaceDrag(store.scene, index, { ...drag, motion }), index, label);
  return true;
}

function selectedPath(store: Store): PathMotion | null {
  const motion = motionOf(store, store.selection);
  return motion && isPath(motion) ? motion : null;
}

/** Removes a waypoint of the selected path, by default the selected one. */
export function deleteWaypoint(store: Store, index = store.waypoint): boolean {
  const motion = selectedPath(store);
  const changed = motion && index !== null ? withoutWaypoint(motion, index) : null;
  return changed !== null && changeMotion(store, store.selection as number, changed);
}

/** Inserts and selects a waypoint before the selected one (by default the end), or after the start. */
export function insertWaypoint(store: Store): boolean {
  const motion = selectedPath(store);
  if (!motion) return false;
  const before = Math.max(0, (store.waypoint ?? motion.path.points.length - 1) - 1);
  const changed = withInserted(motion, before, betweens(motion.path.points)[before]);
  if (!changeMotion(store, store.selection as number, changed)) return false;
  store.setWaypoint(before + 1);
  return true;
}

/** Selects the next waypoint of the selected path, or the one before. */
export function cycleWaypoint(store: Store, step: number): boolean {
  const motion = selectedPath(store);
  if (!motion) return false;
  const count = motion.path.points.length;
  store.setWaypoint(((store.waypoint ?? count - 1) + step + count) % count);
  return true;
}

/** Handles the wheel with a motion tool; false where it has no meaning. */
export function wheelRegion(store: Store, notches: number, shift = false): boolean {
  const kind = kindOfTool(store.tool);
  const selection = kind?.wholeFrame ? frameDrag(store) : store.scene.draft ? "draft" : objectOf(store);
  const region = kind?.wholeFrame ? wholeFrame(store.size) : regionOf(store.scene, selection);
  if (!kind?.wheel || !region) return false;
  const old = motionOf(store, selection);
  const motion = kind.wheel(old?.type === kind.type ? old : null, store.mask(region), notches, shift);
  if (kind.moves(motion)) {
    const [scene, index] = withMotion(store.scene, selection, region, motion);
    store.commit(scene, index, `wheel ${index}`);
  }
  return true;
}

/** The drag that the tool of the whole frame changes: the selected camera, else the one that is not muted. */
const frameDrag = (store: Store): number | null =>
  typeof store.selection === "number" && isCamera(store.scene.document.drags[store.selection])
    ? store.selection
    : activeCamera(store.scene);

/** The selection, unless it is the camera. */
export const objectOf = ({ scene, selection }: Store): Selection =>
  typeof selection === "number" && isCamera(scene.document.drags[selection]) ? null : selection;

/** Starts the gesture of a tool that moves the whole frame, or of one of its handles. */
export function moveFrame(store: Store, press: Press, reach: number): Gesture | null {
  const kind = kindOfTool(store.tool);
  const index = frameDrag(store);
  if (index !== null) {
    const shown = { store, drag: store.scene.document.drags[index], look: store.scene.looks[index], selected: true };
    const handle = kind?.handleAt(shown, index, press.point, reach);
    if (handle) return moveHandle(store, handle);
  }
  const region = wholeFrame(store.size);
  const old = motionOf(store, index);
  return kind?.begin({ store, selection: index, region, old, press, tool: store.tool, tapped: () => undefined }) ?? null;
}

/** Handles a key with the tool of the whole frame; false for other keys. */
export function frameKey(store: Store, event: KeyboardEvent): boolean {
  const kind = kindOfTool(store.tool);
  if (!kind?.afterKey || event.ctrlKey || event.metaKey || event.altKey) return false;
  const index = frameDrag(store);
  const motion = kind.afterKey(motionOf(store, index), event.key, event.shiftKey, store.size);
  if (!motion) return false;
  const [scene, place] = withMotion(store.scene, index, wholeFrame(store.size), motion);
  store.commit(scene, place, `key ${place}`);
  return true;
}

/** Moves the end of the selected drag, or the selected waypoint, by pixels. */
export function nudge(store: Store, step: Point): void {
  if (typeof store.selection !== "number") return;
  const drag = store.scene.document.drags[store.selection];
  const changed = kindOf(drag.motion).nudged(store, drag, step);
  if (changed) changeMotion(store, store.selection, changed, `nudge ${store.selection} ${store.waypoint}`);
}
