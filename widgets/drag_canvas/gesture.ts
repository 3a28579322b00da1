// Input of the tools, from the pointer or from the keys in its place.
import type { Point } from "../shared/points";

export interface Press {
  /** In pixels of the frame. */
  readonly point: Point;
  readonly shift: boolean;
  readonly alt: boolean;
  /** The same point if the pointer is outside of the frame, where `point` is the nearest inside. */
  readonly beyond?: Point;
}

/** A move of two fingers, in pixels of the frame. */
export interface Pinch {
  readonly shift: Point;
  readonly degrees: number;
  readonly factor: number;
}

/** From press to release. Until `end` a gesture only shows the scene that it leads to. */
export interface Gesture {
  move(press: Press): void;
  end(): void;
  /** The gesture was taken away; without this it leaves nothing. */
  cancel?(): void;
  wheel?(notches: number, shift: boolean): void;
  /** Without this a second finger ends the gesture and moves the view. */
  pinch?(pinch: Pinch): void;
}
