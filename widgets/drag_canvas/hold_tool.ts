// The gesture of the hold tool: press on an object, pull, release; press twice to pin it.
import type { Point } from "../shared/points";
import type { Gesture, Press } from "./gesture";
import { HOLD } from "./holding";
import type { Store } from "./store";

const NOTCH_DEGREES = 5;
const NOTCH_FACTOR = 1.05;

/** Holds the object under the pointer; null for the second press of a double press, which pins it. */
export function takeHold(store: Store, press: Press, reach: number): Gesture | null {
  const { holding } = store;
  const start = press.point;
  if (holding.isDouble(start, reach)) {
    holding.pin(start);
    return null;
  }
  const grab = holding.grab(start);
  const { position } = grab.pose;
  let offset: Point = [position[0] - start[0], position[1] - start[1]];
  return {
    move({ point, beyond }) {
      const [x, y] = beyond ?? point;
      const [fromX, fromY] = grab.pose.position;
      const to: Point = [x + offset[0], y + offset[1]];
      if (to[0] !== fromX || to[1] !== fromY) holding.move(grab, { position: to });
    },
    end: () => holding.end(grab),
    cancel: () => holding.end(grab),
    wheel(notches, scales) {
      if (scales) holding.scale(grab, NOTCH_FACTOR ** notches);
      else holding.turn(grab, -NOTCH_DEGREES * notches);
    },
    pinch({ shift: [dx, dy], degrees, factor }) {
      const [x, y] = grab.pose.position;
      offset = [offset[0] + dx, offset[1] + dy];
      holding.move(grab, {
        position: [x + dx, y + dy],
        degrees: grab.pose.degrees + degrees,
        factor: grab.pose.factor * factor,
      });
    },
  };
}

/** Handles the wheel over a hold without a pressed pointer; false where there is no hold. */
export function wheelHold(store: Store, point: Point, notches: number, scales: boolean): boolean {
  const { holding } = store;
  if (store.tool !== HOLD || !holding.at(point)) return false;
  const grab = holding.grab(point);
  if (scales) holding.scale(grab, NOTCH_FACTOR ** notches);
  else holding.turn(grab, -NOTCH_DEGREES * notches);
  holding.end(grab);
  return true;
}
