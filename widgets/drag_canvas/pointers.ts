// Which pointers draw, erase, pan or pinch: a mouse, a pen with an eraser, one finger or two.
import type { Point } from "../shared/points";

/** The part of a PointerEvent that is used. */
export interface PointerLike {
  readonly pointerId: number;
  readonly pointerType: string;
  readonly button: number;
  readonly buttons: number;
  readonly clientX: number;
  readonly clientY: number;
}

/** The role of a press. A second finger makes it a pinch. */
export type Role = "draw" | "erase" | "pan" | "pinch" | null;

const MIDDLE_BUTTON = 1;
const ERASER_BUTTON = 5; // the other end of a pen

const placeOf = (event: PointerLike): Point => [event.clientX, event.clientY];

export class Pointers {
  role: Role = null;
  private activePointer = -1;
  private pen = false;
  private readonly places = new Map<number, Point>();

  /** The role of a new press; null for a pointer to ignore. `hand`: the hand tool is selected. */
  press(event: PointerLike, hand: boolean): Role {
    const finger = event.pointerType === "touch";
    if (finger && this.pen) return null; // the palm of the hand that holds the pen
    if (this.role !== null && !(finger && this.places.size === 1)) return null;
    const role = this.roleOf(event, hand);
    if (role === null) return null;
    this.places.set(event.pointerId, placeOf(event));
    this.role = role;
    this.activePointer = event.pointerId;
    this.pen = event.pointerType === "pen";
    return role;
  }

  private roleOf(event: PointerLike, hand: boolean): Role {
    if (event.pointerType === "touch" && this.places.size === 1) return "pinch";
    if (event.button === MIDDLE_BUTTON) return "pan";
    if (event.pointerType === "pen" && event.button === ERASER_BUTTON) return "erase";
    if (event.button !== 0) return null;
    return hand ? "pan" : "draw";
  }

  /** True if this pointer draws, erases or pans. */
  isActive(event: PointerLike): boolean {
    return this.role !== null && this.role !== "pinch" && event.pointerId === this.activePointer;
  }

  /** Old and new places of the pointers of a pan or a pinch, in pixels of the window. */
  move(event: PointerLike): { readonly before: readonly Point[]; readonly after: readonly Point[] } | null {
    if (!this.places.has(event.pointerId)) return null;
    const before = [...this.places.values()];
    this.places.set(event.pointerId, placeOf(event));
    return { before, after: [...this.places.values()] };
  }

  /** True if a pointer was released outside of the page: it then moves without a button pressed. */
  slipped(event: PointerLike): boolean {
    return event.buttons === 0 && this.places.has(event.pointerId);
  }

  /** True when the last pointer is released. After a pinch the remaining finger does nothing. */
  release(event: PointerLike): boolean {
    if (!this.places.delete(event.pointerId)) return false;
    if (this.places.size > 0) return false;
    this.role = null;
    this.pen = false;
    return true;
  }
}
