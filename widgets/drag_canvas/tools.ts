// The tools, and what a press of the pointer starts with each. Nothing here knows of the DOM.
import type { Selection } from "../shared/document";
import type { Gesture, Press } from "./gesture";
import { hit } from "./hit";
import { deleteWaypoint, moveHandle, moveRegion } from "./motion_tools";
import { addCorner, addWaypoint, beginWaypoints } from "./outline_tools";
import { drawBox, drawLasso, erase, paint, paintKeep, paintTarget } from "./paint_tools";
import type { Store, ToolName } from "./store";

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
  { name: "polygon", label: "Polygon", key: "n", hint: "Click corner after corner; the first one, Enter or a double click closes." },
  { name: "pick", label: "Select by a click", key: "w", hint: "Click an object: what looks the same to the model is selected. Shift adds." },
  { name: "eraser", label: "Eraser", key: "e", hint: "Rub out parts of a region or of the keep area." },
  { name: "pull", label: "Pull", key: "p", hint: "Pull the region to where it should go: a straight arrow." },
  { name: "path", label: "Draw a path", key: "f", hint: "Draw the way the region should take, or click its waypoints one by one." },
  { name: "deform", label: "Deform", key: "d", hint: "Pull a part of the object: it stretches and the rest stays." },
  { name: "rotate", label: "Rotate", key: "r", hint: "Turn the region about its centre. Shift snaps to 15°." },
  { name: "keep", label: "Keep", key: "k", hint: "Paint what must not change. Alt erases." },
  { name: "hand", label: "Move the view", key: "h", hint: "Drag the frame about. The wheel zooms; + and - do, too, and 0 shows all." },
];

/** Starts what a press means with the tool in hand; null when it means nothing. */
export function begin(store: Store, press: Press, reach: number): Gesture | null {
  const { tool } = store;
  if (tool === "hand") return null;
  if (store.outline?.kind === "polygon") return addCorner(store, press, reach, store.outline.target);
  if (store.outline) return addWaypoint(store, press);
  if (tool === "keep") return paintKeep(store, press);
  const touched = hit(store, press.point, reach);
  if (touched?.part === "path" && tool === "select") {
    store.select(touched.selection);
    return null;
  }
  const under = touched?.part === "path" ? null : touched; // an arrow is no obstacle to painting
  if (under?.part === "waypoint" && press.alt) {
    deleteWaypoint(store, under.waypoint);
    return null;
  }
  if (tool === "eraser" || (press.alt && isPaint(tool))) return erase(store, press);
  if (under && under.part !== "region") return moveHandle(store, under);
  if (isPaint(tool)) {
    if (under && !press.shift) return moveRegion(store, under.selection, press, null);
    if (tool === "brush") return paint(store, press);
    if (tool === "pick") {
      store.picking.ask(press.point, press.shift);
      return null;
    }
    if (tool === "polygon") return addCorner(store, press, reach, paintTarget(store, press));
    return tool === "box" ? drawBox(store, press) : drawLasso(store, press);
  }
  if (tool === "select") {
    if (under) return moveRegion(store, under.selection, press, null);
    store.select(null);
    return null;
  }
  const target = under?.selection ?? activeTarget(store);
  if (target === null) {
    store.setError("Paint a region first: the brush, the box, the lasso and the polygon do.");
    return null;
  }
  return moveRegion(store, target, press, tool, (start) =>
    tool === "path" ? beginWaypoints(store, target, start) : store.select(target),
  );
}

/** The pen's other end rubs out, whatever tool is in hand. */
export const beginErasing = (store: Store, press: Press): Gesture =>
  store.tool === "keep" ? paintKeep(store, { ...press, alt: true }) : erase(store, press);

const PAINT_TOOLS = ["brush", "box", "lasso", "polygon", "pick"] as const;
export const isPaint = (tool: ToolName): tool is (typeof PAINT_TOOLS)[number] =>
  (PAINT_TOOLS as readonly ToolName[]).includes(tool);

/** What a motion tool acts on when it is pressed beside all regions. */
function activeTarget(store: Store): Selection {
  if (store.scene.draft) return "draft";
  if (store.selection !== null) return store.selection;
  const { drags } = store.scene.document;
  return drags.length > 0 ? drags.length - 1 : null;
}
