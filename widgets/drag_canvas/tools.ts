// The tools, and the gesture that each starts at a press. This file does not use the DOM.
import type { Selection } from "../shared/document";
import type { Gesture, Press } from "./gesture";
import { hit } from "./hit";
import { takeHold } from "./hold_tool";
import { HOLD } from "./holding";
import { isCamera } from "./camera_drag";
import { deleteWaypoint, moveFrame, moveHandle, moveRegion, objectOf } from "./motion_tools";
import { kindOfTool, MOTION_TOOLS } from "./motions";
import { addCorner, addWaypoint, beginWaypoints } from "./outline_tools";
import { drawBox, drawLasso, erase, paint, paintKeep, paintTarget } from "./paint_tools";
import type { Store } from "./store";
import type { ToolInfo, ToolName } from "./types";

const PAINT: readonly ToolInfo[] = [
  {
    name: "brush", label: "Brush", key: "b",
    hint: "Paint the object, then pull it. Shift adds, Alt erases.",
    icon: ["M16.5 3.5 L9.5 11", "M9.2 10.8 C6.6 10.6 5.8 12.4 5.6 14.2 C5.5 15.4 4.6 16 3.5 16.2 C5 17.2 10.6 17.4 11.2 12.8"],
  },
  {
    name: "box", label: "Box", key: "x",
    hint: "Draw a box around the object, then pull it. Shift adds.",
    icon: ["M3.5 7 V3.5 H7", "M13 3.5 H16.5 V7", "M16.5 13 V16.5 H13", "M7 16.5 H3.5 V13", "M9 3.5 H11 M9 16.5 H11 M3.5 9 V11 M16.5 9 V11"],
  },
  {
    name: "lasso", label: "Lasso", key: "l",
    hint: "Circle the object, then pull it. Shift adds.",
    icon: ["M10 3.5 C14 3.5 17 5.6 17 8.4 C17 11.2 14 13.2 10 13.2 C6 13.2 3 11.2 3 8.4 C3 5.6 6 3.5 10 3.5", "M5.6 12 C4.4 13 4.6 14.6 6.2 14.6 C7.6 14.6 7.6 16 6.4 17.2"],
  },
  {
    name: "polygon", label: "Polygon", key: "n",
    hint: "Click corner after corner; the first one, Enter or a double click closes.",
    icon: ["M4 7 L10.5 3.5 L16.5 8 L14 16 L5.5 15 Z", "M4 7 H4.02 M10.5 3.5 H10.52 M16.5 8 H16.52 M14 16 H14.02 M5.5 15 H5.52"],
  },
  {
    name: "pick", label: "Select by a click", key: "w",
    hint: "Click an object: pixels with similar features are selected. Shift adds.",
    icon: ["M11.2 8.8 L3.8 16.2", "M13.2 3.2 L14 5.6 L16.6 6.4 L14 7.2 L13.2 9.8 L12.4 7.2 L9.8 6.4 L12.4 5.6 Z", "M6.2 4.4 V7 M4.9 5.7 H7.5 M15.4 12 V14.6 M14.1 13.3 H16.7"],
  },
  {
    name: "eraser", label: "Eraser", key: "e",
    hint: "Erase parts of a region or of the keep area.",
    icon: ["M8 16.5 L3.8 12.3 L11.6 4.5 L16.6 9.5 L9.6 16.5 Z", "M7.4 8.7 L12.4 13.7", "M8 16.5 H16.5"],
  },
];

const MORE: readonly ToolInfo[] = [
  {
    name: "keep", label: "Keep", key: "k",
    hint: "Paint what must not change. Alt erases.",
    icon: ["M5 9 H15 V16.5 H5 Z", "M7 9 V6.5 A3 3 0 0 1 13 6.5 V9", "M10 12 V13.8"],
  },
  {
    name: "select", label: "Select", key: "v",
    hint: "Click a drag to select it. Pull its handles to change it.",
    icon: ["M5 3.5 L15.5 9.5 L10.8 10.8 L9.2 15.8 Z"],
  },
  {
    name: HOLD, label: "Hold while it plays", key: "o",
    hint: "Press on an object and pull. The wheel turns, Shift+wheel scales; two clicks pin; Esc lets go.",
    icon: ["M6 9 V5.5 A1.3 1.3 0 0 1 8.6 5.5 V8.5 V4.5 A1.3 1.3 0 0 1 11.2 4.5 V8.5 V5.5 A1.3 1.3 0 0 1 13.8 5.5 V12 C13.8 15 12.6 16.6 10 16.6 C7.4 16.6 6 15 6 12.5 Z", "M16.2 7 L18.2 9 L16.2 11", "M3.8 7 L1.8 9 L3.8 11"],
  },
  {
    name: "hand", label: "Move the view", key: "h",
    hint: "Drag to move the view. The wheel and + and - zoom; 0 shows the whole frame.",
    icon: ["M6.5 10.5 V5.8 A1.2 1.2 0 0 1 8.9 5.8 V9.5 M8.9 9 V4.2 A1.2 1.2 0 0 1 11.3 4.2 V9 M11.3 9 V5.2 A1.2 1.2 0 0 1 13.7 5.2 V9.6 M13.7 9.6 V7.4 A1.1 1.1 0 0 1 15.9 7.4 V12 C15.9 15 14 17 11.2 17 C8.8 17 7.7 16 6.4 14 L4.2 10.8 C3.6 9.7 4.9 8.8 5.7 9.6 L6.5 10.5"],
  },
];

export const TOOL_GROUPS: readonly { readonly label: string; readonly tools: readonly ToolInfo[] }[] = [
  { label: "Paint a region", tools: PAINT },
  { label: "Move it", tools: MOTION_TOOLS },
  { label: "More", tools: MORE },
];

export const TOOLS: readonly ToolInfo[] = TOOL_GROUPS.flatMap(({ tools }) => tools);

export function toolInfo(name: ToolName): ToolInfo {
  const info = TOOLS.find((tool) => tool.name === name);
  if (!info) throw new Error(`no tool is named ${name}`);
  return info;
}

/** Starts the gesture of a press with the selected tool; null if there is none. */
export function begin(store: Store, press: Press, reach: number): Gesture | null {
  const { tool } = store;
  if (tool === "hand") return null;
  if (tool === HOLD) return takeHold(store, press, reach);
  if (store.outline?.kind === "polygon") return addCorner(store, press, reach, store.outline.target);
  if (store.outline) return addWaypoint(store, press);
  if (tool === "keep") return paintKeep(store, press);
  if (kindOfTool(tool)?.wholeFrame) return moveFrame(store, press, reach);
  const touched = hit(store, press.point, reach);
  if (touched?.part === "path" && tool === "select") {
    store.select(touched.selection);
    return null;
  }
  const under = touched?.part === "path" ? null : touched; // painting starts on arrows, too
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
      store.picking.request(press.point, press.shift);
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

/** Starts erasing with the eraser end of a pen, whatever tool is selected. */
export const beginErasing = (store: Store, press: Press): Gesture =>
  store.tool === "keep" ? paintKeep(store, { ...press, alt: true }) : erase(store, press);

export const isPaint = (tool: ToolName): boolean =>
  tool !== "eraser" && PAINT.some(({ name }) => name === tool);

/** The region that a motion tool moves if it is pressed beside all regions. */
function activeTarget(store: Store): Selection {
  if (store.scene.draft) return "draft";
  const last = store.scene.document.drags.findLastIndex((drag) => !isCamera(drag));
  return objectOf(store) ?? (last < 0 ? null : last);
}
