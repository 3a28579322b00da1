// Shortcuts, and a pointer that arrow keys move, so that every tool works without a mouse.
import { regionOf } from "../shared/document";
import { clamp, type Point } from "../shared/points";
import type { Store } from "./store";
import type { Gesture } from "./gesture";
import type { Viewport } from "./viewport";
import type { HelpOverlay } from "./help";
import { cycleWaypoint, deleteWaypoint, insertWaypoint, nudge } from "./motion_tools";
import { HOLD } from "./holding";
import type { Preview } from "./preview";
import { dropPoint, finishOutline } from "./outline_tools";
import { begin, TOOLS } from "./tools";

const FAR = 8; // pixels per arrow key with Shift
const PAN = 24; // screen pixels per arrow key with the hand

export function arrow(event: KeyboardEvent): Point | null {
  const step = event.shiftKey ? FAR : 1;
  switch (event.key) {
    case "ArrowLeft":
      return [-step, 0];
    case "ArrowRight":
      return [step, 0];
    case "ArrowUp":
      return [0, -step];
    case "ArrowDown":
      return [0, step];
    default:
      return null;
  }
}

/** Handles tools, undo, redo, delete and brush size; false for other keys. */
export function shortcut(store: Store, event: KeyboardEvent): boolean {
  const inField = (event.target as Element | null)?.tagName === "INPUT";
  const key = event.key.toLowerCase();
  if (event.ctrlKey || event.metaKey) {
    if (key === "z" && event.shiftKey) store.redo();
    else if (key === "z") store.undo();
    else if (key === "y") store.redo();
    else return false;
    return true;
  }
  if (inField) return false;
  if (event.altKey && (key === "arrowup" || key === "arrowdown")) return store.reorder(key === "arrowup" ? -1 : 1);
  if (event.altKey) return false;
  if (key === "delete" || key === "backspace") {
    if (store.outline) dropPoint(store);
    else if (store.waypoint === null || !deleteWaypoint(store)) store.removeSelected();
  } else if (key === "escape") {
    store.setError(null);
    if (store.outline) store.setOutline(null);
    else store.select(null);
  } else if (key === "[") store.setBrushRadius(Math.max(1, store.brushRadius - 1));
  else if (key === "]") {
    const { width, height } = store.size;
    store.setBrushRadius(Math.min(Math.round(Math.min(width, height) / 4), store.brushRadius + 1));
  } else if (key === "i") return insertWaypoint(store);
  else if (key === "." || key === ",") return cycleWaypoint(store, key === "." ? 1 : -1);
  else if (key === "m") return store.mute();
  else if (key === "c") return store.duplicate();
  else {
    const tool = TOOLS.find((info) => info.key === key);
    if (!tool || (tool.name === HOLD && !store.holding.possible)) return false;
    store.setTool(tool.name);
  }
  return true;
}

/** Handles the preview and the list of shortcuts; false for other keys. */
export function viewKey(event: KeyboardEvent, preview: Preview, help: HelpOverlay): boolean {
  const inField = (event.target as Element | null)?.tagName === "INPUT";
  if (inField || event.ctrlKey || event.metaKey || event.altKey) return false;
  if (event.key === "?") help.open();
  else if (event.key === "g") preview.toggle();
  else return false;
  return true;
}

/** Handles zoom; false for other keys. */
export function zoomKey(viewport: Viewport, event: KeyboardEvent): boolean {
  if (event.ctrlKey || event.metaKey || event.altKey) return false;
  if (event.key === "+" || event.key === "=") viewport.zoomIn();
  else if (event.key === "-" || event.key === "_") viewport.zoomOut();
  else if (event.key === "0") viewport.fit();
  else return false;
  return true;
}

/**
 * Arrow keys nudge the end of the selected drag. Without one they move a crosshair; Space or Enter
 * shows it, then presses and releases at it as a mouse does.
 */
export class KeyboardPointer {
  point: Point | null = null;
  private gesture: Gesture | null = null;

  constructor(
    private readonly store: Store,
    private readonly viewport: Viewport,
    private readonly reach: () => number,
  ) {}

  get pressed(): boolean {
    return this.gesture !== null;
  }

  hide(): void {
    if (this.gesture) this.store.show(null);
    this.gesture = null;
    this.point = null;
  }

  key(event: KeyboardEvent): boolean {
    const { store } = this;
    const step = event.altKey ? null : arrow(event);
    if (step && store.tool === "hand") {
      this.viewport.pull([-PAN * step[0], -PAN * step[1]]);
      return true;
    }
    if (step) {
      const steering = typeof store.selection === "number" && !this.gesture && !this.point;
      if (steering) nudge(store, step);
      else this.moveBy(step);
      return true;
    }
    if (event.key === "Enter" && store.outline) {
      finishOutline(store);
      return true;
    }
    if (event.key === " " || event.key === "Enter") {
      this.toggle(event);
      return true;
    }
    if (event.key === "Escape" && this.point) {
      this.hide();
      return true;
    }
    return false;
  }

  /** Shows the crosshair on the selected region, else in the middle of the frame. */
  private show(): void {
    const region = regionOf(this.store.scene, this.store.selection);
    const { width, height } = this.store.size;
    const [x, y] = region ? this.store.mask(region).centroid : [(width - 1) / 2, (height - 1) / 2];
    this.point = [Math.floor(x), Math.floor(y)];
    this.viewport.reveal(this.point);
  }

  private moveBy(step: Point): void {
    const { width, height } = this.store.size;
    if (!this.point) this.show();
    const [x, y] = this.point ?? [0, 0];
    this.point = [clamp(x + step[0], 0, width - 1), clamp(y + step[1], 0, height - 1)];
    this.gesture?.move({ point: this.point, shift: false, alt: false });
    this.viewport.reveal(this.point);
  }

  private toggle(event: KeyboardEvent): void {
    if (this.gesture) {
      const { gesture } = this;
      this.gesture = null;
      gesture.end();
      // the arrow keys now nudge the new drag
      if (typeof this.store.selection === "number") this.point = null;
      return;
    }
    if (!this.point) {
      this.show();
      return;
    }
    const press = { point: this.point, shift: event.shiftKey, alt: event.altKey } as const;
    this.store.setError(null);
    this.gesture = begin(this.store, press, this.reach());
    if (this.store.outline) this.gesture = null; // a corner takes one key press, without a release
  }
}
