// Input of the tools, from the pointer or from keys.
import type { Point } from "../shared/points";

export interface Press {
  /** In pixels of the frame. */
  readonly point: Point;
  readonly shift: boolean;
  readonly alt: boolean;
  /** The pointer itself where it is outside of the frame; `point` is then the nearest point inside. */
  readonly beyond?: Point;
}

/** A move of two fingers, in pixels of the frame. */
export interface Pinch {
  readonly shift: Point;
  readonly degrees: number;
  readonly factor: number;
}

/** From press to release. Until `end` a gesture shows its scene without keeping it. */
export interface Gesture {
  move(press: Press): void;
  end(): void;
  /** Ends the gesture without a release; by default its scene is dropped. */
  cancel?(): void;
  wheel?(notches: number, shift: boolean): void;
  /** Handles a second finger; by default it cancels the gesture and moves the view. */
  pinch?(pinch: Pinch): void;
}
