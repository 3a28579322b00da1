// Pointer events on the overlay, turned into gestures of the tools and moves of the camera.
import { bearing, unwrap } from "../shared/affine";
import { focusedBeside } from "../shared/dom";
import { clamp, distance, type Point } from "../shared/points";
import type { Viewport } from "./viewport";
import type { Gesture, Pinch, Press } from "./gesture";
import { wheelRegion } from "./motion_tools";
import { Pointers } from "./pointers";
import type { Store } from "./store";
import { wheelHold } from "./hold_tool";
import { begin, beginErasing } from "./tools";

const REACH = 9; // screen pixels around a handle that count as a hit
const FINGER_REACH = 18;
const PIXELS = 100; // of a notch of the wheel
const LINES = 3;
const MOST_NOTCHES = 4; // of one event

export class Pointing {
  /** The place of the pointer over the frame. */
  point: Point | null = null;
  private gesture: Gesture | null = null;
  private finger = false;
  private readonly pointers = new Pointers();

  constructor(
    private readonly store: Store,
    private readonly viewport: Viewport,
    private readonly changed: () => void,
    private readonly pressed: () => void,
    private readonly released: () => void,
  ) {
    const { overlay } = viewport;
    overlay.addEventListener("pointerdown", this.down);
    overlay.addEventListener("pointermove", this.move);
    overlay.addEventListener("pointerup", this.up);
    overlay.addEventListener("pointercancel", this.lost);
    overlay.addEventListener("lostpointercapture", this.lost);
    overlay.addEventListener("pointerleave", this.leave);
    overlay.addEventListener("wheel", this.wheel, { passive: false });
    overlay.addEventListener("contextmenu", (event) => event.preventDefault());
  }

  get busy(): boolean {
    return this.gesture !== null;
  }

  get panning(): boolean {
    return this.pointers.role === "pan" || this.pointers.role === "pinch";
  }

  /** Distance that counts as on a handle, in pixels of the frame. */
  get reach(): number {
    return (this.finger ? FINGER_REACH : REACH) / this.viewport.scale;
  }

  /** Cancels the current gesture; false if there is none. */
  cancel(): boolean {
    if (!this.gesture) return false;
    const { gesture } = this;
    this.gesture = null;
    if (gesture.cancel) gesture.cancel();
    else this.store.show(null);
    return true;
  }

  private press(event: MouseEvent): Press {
    const { viewport } = this;
    return { point: viewport.at(event), shift: event.shiftKey, alt: event.altKey, beyond: viewport.beyond(event) };
  }

  private readonly down = (event: PointerEvent): void => {
    const role = this.pointers.press(event, this.store.tool === "hand");
    if (role === null) return;
    event.preventDefault(); // no text selection; `pressed` sets the focus
    this.pressed();
    this.capture(event.pointerId);
    this.finger = event.pointerType === "touch";
    this.store.setError(null);
    if (role === "pinch") {
      if (!this.gesture?.pinch) this.cancel();
    }
    else if (role === "erase") this.gesture = beginErasing(this.store, this.press(event));
    else if (role === "draw") this.gesture = begin(this.store, this.press(event), this.reach);
    this.changed();
  };

  private capture(pointer: number): void {
    try {
      this.viewport.overlay.setPointerCapture(pointer);
    } catch {
      // the pointer is gone already, or is synthetic: its events still arrive
    }
  }

  private readonly move = (event: PointerEvent): void => {
    this.point = this.viewport.at(event);
    this.store.holding.hover(true);
    if (this.pointers.slipped(event)) {
      this.finish(event);
      return;
    }
    const moved = this.pointers.move(event);
    if (moved && this.pointers.role === "pinch" && moved.before.length === 2) this.pinch(moved.before, moved.after);
    else if (moved && this.pointers.role === "pan") {
      const [[fromX, fromY], [x, y]] = [moved.before[0], moved.after[0]];
      this.viewport.pull([x - fromX, y - fromY]);
    } else if (this.gesture && this.pointers.isActive(event)) {
      for (const step of event.getCoalescedEvents?.() ?? []) this.gesture.move(this.press(step));
      this.gesture.move(this.press(event));
    }
    this.changed();
  };

  /** Two fingers rotate and scale a hold; otherwise they move the view. */
  private pinch(before: readonly Point[], after: readonly Point[]): void {
    if (this.gesture?.pinch) this.gesture.pinch(pinched(before, after, this.viewport.scale));
    else this.viewport.pinch(before, after);
  }

  private readonly up = (event: PointerEvent): void => {
    if (this.pointers.isActive(event)) this.gesture?.move(this.press(event));
    this.finish(event);
  };

  /** Ends the gesture at its last move. */
  private finish(event: PointerEvent): void {
    const active = this.pointers.isActive(event);
    const last = this.pointers.release(event);
    const { gesture } = this;
    if (gesture && (active || last)) {
      this.gesture = null;
      const { drags } = this.store.scene.document;
      gesture.end();
      if (this.store.scene.document.drags !== drags && this.store.scene.document.drags.length >= drags.length) this.released();
    }
    this.changed();
  }

  private readonly lost = (event: PointerEvent): void => {
    const active = this.pointers.isActive(event);
    const last = this.pointers.release(event);
    if (active || last) this.cancel();
    this.changed();
  };

  private readonly leave = (): void => {
    this.point = null;
    this.store.holding.hover(false);
    this.changed();
  };

  /** Handles the wheel over a hold: it rotates, with Shift it scales; false without a hold. */
  private wheelHolds(event: WheelEvent): boolean {
    const way = event.deltaY || event.deltaX; // with Shift some systems scroll sideways
    const notches = -clamp(way / (event.deltaMode === WheelEvent.DOM_DELTA_LINE ? LINES : PIXELS), -MOST_NOTCHES, MOST_NOTCHES);
    if (!this.gesture) return wheelHold(this.store, this.viewport.at(event), notches, event.shiftKey);
    this.gesture.wheel?.(notches, event.shiftKey);
    return this.gesture.wheel !== undefined;
  }

  private readonly wheel = (event: WheelEvent): void => {
    if (!event.ctrlKey && this.wheelHolds(event)) {
      event.preventDefault();
      return;
    }
    const focused = focusedBeside(this.viewport.overlay) === this.viewport.overlay;
    const way = event.deltaY || (event.shiftKey ? event.deltaX : 0); // as above
    if (focused && way !== 0 && !event.ctrlKey && wheelRegion(this.store, -Math.sign(way), event.shiftKey)) {
      event.preventDefault();
      return;
    }
    if (!this.viewport.wheel(event, focused)) return;
    event.preventDefault();
    this.point = this.viewport.at(event);
  };
}

/** How two fingers moved, `scale` pixels of the window being one of the frame. */
function pinched([a, b]: readonly Point[], [toA, toB]: readonly Point[], scale: number): Pinch {
  return {
    shift: [(toA[0] + toB[0] - a[0] - b[0]) / 2 / scale, (toA[1] + toB[1] - a[1] - b[1]) / 2 / scale],
    degrees: unwrap(bearing(toA, toB) - bearing(a, b), 0),
    factor: distance(toA, toB) / Math.max(1, distance(a, b)),
  };
}
