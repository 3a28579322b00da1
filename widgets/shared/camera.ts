// The visible part of a frame, enlarged. Places are counted from the frame's upper left corner,
// so the middle of pixel (x, y) lies at (x + 0.5, y + 0.5).
import type { Size } from "./mask";
import { clamp, distance, type Point } from "./points";

export interface Camera {
  /** 1 shows the whole frame. */
  readonly zoom: number;
  readonly left: number;
  readonly top: number;
}

export const MOST_ZOOM = 16;
export const ZOOM_STEP = 1.25;

export const wholeFrame: Camera = { zoom: 1, left: 0, top: 0 };

/** The camera within its limits: the view never leaves the frame. */
function withinLimits({ zoom, left, top }: Camera, { width, height }: Size): Camera {
  const within = clamp(zoom, 1, MOST_ZOOM);
  return {
    zoom: within,
    left: clamp(left, 0, width - width / within),
    top: clamp(top, 0, height - height / within),
  };
}

/** Zooms by a factor about a place, which stays where it is on the screen. */
export function zoomAt(camera: Camera, [x, y]: Point, factor: number, size: Size): Camera {
  const zoom = clamp(camera.zoom * factor, 1, MOST_ZOOM);
  const shrink = camera.zoom / zoom;
  const [left, top] = [x - (x - camera.left) * shrink, y - (y - camera.top) * shrink];
  return withinLimits({ zoom, left, top }, size);
}

/** The camera after the frame was pulled by (dx, dy) of its own pixels. */
export const pulledBy = (camera: Camera, [dx, dy]: Point, size: Size): Camera =>
  withinLimits({ ...camera, left: camera.left - dx, top: camera.top - dy }, size);

/** Two fingers move from `before` to `after`, which are places seen by `camera`. */
export function pinched(
  camera: Camera,
  before: readonly [Point, Point],
  after: readonly [Point, Point],
  size: Size,
): Camera {
  const middle = ([a, b]: readonly [Point, Point]): Point => [(a[0] + b[0]) / 2, (a[1] + b[1]) / 2];
  const factor = distance(...after) / Math.max(1e-6, distance(...before));
  const [from, to] = [middle(before), middle(after)];
  const zoomed = zoomAt(camera, from, factor, size);
  const share = camera.zoom / zoomed.zoom; // `to` was read before the zoom
  return pulledBy(zoomed, [(to[0] - from[0]) * share, (to[1] - from[1]) * share], size);
}

/** The camera scrolled by as little as it takes to show a place, a tenth of the view from its border. */
export function scrolledTo(camera: Camera, [x, y]: Point, size: Size): Camera {
  const [across, down] = [size.width / camera.zoom, size.height / camera.zoom];
  const left = clamp(camera.left, x - 0.9 * across, x - 0.1 * across);
  const top = clamp(camera.top, y - 0.9 * down, y - 0.1 * down);
  return withinLimits({ ...camera, left, top }, size);
}

/** The camera that shows a box (left, top, right, bottom) as large as possible. */
export function fittedTo(box: readonly [number, number, number, number], size: Size): Camera {
  const [left, top, right, bottom] = box;
  const zoom = clamp(Math.min(size.width / (right - left), size.height / (bottom - top)), 1, MOST_ZOOM);
  const [x, y] = [(left + right) / 2, (top + bottom) / 2];
  return withinLimits({ zoom, left: x - size.width / zoom / 2, top: y - size.height / zoom / 2 }, size);
}
