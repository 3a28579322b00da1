// The pixels of a region moved by its motion, for the preview. Pure functions on arrays; the middle of
// pixel (x, y) is at (x, y).
import { apply, inverse, translation, type Affine } from "./affine";
import type { Extent, Mask } from "./mask";
import { clamp, type Point } from "./points";

/** RGBA, four bytes a pixel, row by row. */
export interface Pixels {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8ClampedArray<ArrayBuffer>;
}

/** Pixels to be drawn with their upper left corner at (left, top) of the frame. */
export interface Patch extends Pixels {
  readonly left: number;
  readonly top: number;
}

export interface Bounds {
  readonly left: number;
  readonly top: number;
  /** The first column and row beyond. */
  readonly right: number;
  readonly bottom: number;
}

/** Maps a point of the moved region to its source. */
export type Source = (point: Point) => Point;

export function boundsOf(mask: Mask): Bounds {
  let [left, top, right, bottom] = [mask.width, mask.height, 0, 0];
  for (let y = 0, i = 0; y < mask.height; y++) {
    for (let x = 0; x < mask.width; x++, i++) {
      if (mask.pixels[i] === 0) continue;
      left = Math.min(left, x);
      right = Math.max(right, x + 1);
      top = Math.min(top, y);
      bottom = y + 1;
    }
  }
  return { left, top, right, bottom };
}

/** The bounds of a region after an affine map, with a pixel of room, within the frame. */
export function mappedBounds({ left, top, right, bottom }: Bounds, map: Affine, frame: Mask): Bounds {
  const corners: Point[] = [[left, top], [right, top], [left, bottom], [right, bottom]];
  const [xs, ys] = [0, 1].map((axis) => corners.map((corner) => apply(map, corner)[axis]));
  return {
    left: clamp(Math.floor(Math.min(...xs)) - 1, 0, frame.width),
    top: clamp(Math.floor(Math.min(...ys)) - 1, 0, frame.height),
    right: clamp(Math.ceil(Math.max(...xs)) + 1, 0, frame.width),
    bottom: clamp(Math.ceil(Math.max(...ys)) + 1, 0, frame.height),
  };
}

/** The pixels of a masked region, sampled at `source` with bilinear interpolation. */
export function warped(picture: Pixels, mask: Mask, bounds: Bounds, source: Source): Patch {
  const { left, top } = bounds;
  const [width, height] = [Math.max(1, bounds.right - left), Math.max(1, bounds.bottom - top)];
  const data = new Uint8ClampedArray(4 * width * height);
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++, at += 4) blend(picture, mask, source([left + x, top + y]), data, at);
  }
  return { left, top, width, height, data };
}

/** Writes one sample of the region: its colour, and the share of the region as alpha. */
function blend(picture: Pixels, mask: Mask, [x, y]: Point, data: Uint8ClampedArray, at: number): void {
  const [column, row] = [Math.floor(x), Math.floor(y)];
  if (column < -1 || row < -1 || column >= mask.width || row >= mask.height) return;
  const [right, down] = [x - column, y - row];
  let [red, green, blue, covered] = [0, 0, 0, 0];
  for (let k = 0; k < 4; k++) {
    const [i, j] = [column + (k & 1), row + (k >> 1)];
    if (i < 0 || j < 0 || i >= mask.width || j >= mask.height) continue;
    const pixel = j * mask.width + i;
    const weight = mask.pixels[pixel] * (k & 1 ? right : 1 - right) * (k >> 1 ? down : 1 - down);
    red += weight * picture.data[4 * pixel];
    green += weight * picture.data[4 * pixel + 1];
    blue += weight * picture.data[4 * pixel + 2];
    covered += weight;
  }
  if (covered === 0) return;
  data[at] = red / covered;
  data[at + 1] = green / covered;
  data[at + 2] = blue / covered;
  data[at + 3] = 255 * covered;
}

/** The pixels of a region after an affine map. */
export function movedPatch(picture: Pixels, mask: Mask, map: Affine): Patch {
  const back = inverse(map);
  return warped(picture, mask, mappedBounds(boundsOf(mask), map, mask), (point) => apply(back, point));
}

const LEAST_STRETCH = 0.05; // a region pushed into itself keeps this share of its length

/**
 * The source map of a deformation: the held share moves by the whole displacement, the far end stays,
 * the part between stretches evenly.
 */
export function stretchSource(extent: Extent, share: number, [dx, dy]: Point): Source {
  const { unit, least, most, span } = extent;
  const free = most - share * span - least; // length of the part that stretches
  if (free <= 0) return ([x, y]) => [x - dx, y - dy];
  const wanted = dx * unit[0] + dy * unit[1];
  const along = Math.max(wanted, (LEAST_STRETCH - 1) * free);
  const [moveX, moveY] = [dx + (along - wanted) * unit[0], dy + (along - wanted) * unit[1]];
  return ([x, y]) => {
    const place = x * unit[0] + y * unit[1] - least;
    const rest = place >= free + along ? free : place / (1 + along / free);
    const weight = clamp(rest / free, 0, 1);
    return [x - weight * moveX, y - weight * moveY];
  };
}

/** The pixels of a region whose edge in the direction of the pull has moved by a displacement. */
export function stretchedPatch(picture: Pixels, mask: Mask, extent: Extent, share: number, moved: Point): Patch {
  const still = boundsOf(mask);
  const gone = mappedBounds(still, translation(moved[0], moved[1]), mask);
  const bounds = {
    left: Math.min(still.left, gone.left),
    top: Math.min(still.top, gone.top),
    right: Math.max(still.right, gone.right),
    bottom: Math.max(still.bottom, gone.bottom),
  };
  return warped(picture, mask, bounds, stretchSource(extent, share, moved));
}
