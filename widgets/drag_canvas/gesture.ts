// Input of the tools, from the pointer or from the keys in its place.
import type { Point } from "../shared/points";

export interface Press {
  /** In pixels of the frame. */
  readonly point: Point;
  readonly shift: boolean;
  readonly alt: boolean;
}

/** From press to release. Until `end` a gesture only shows the scene that it leads to. */
export interface Gesture {
  move(press: Press): void;
  end(): void;
}
