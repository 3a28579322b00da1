// Flood fill: the pixels similar to the clicked one and connected with it, as in
// dragstream.widgets.similarity.connected.
import { Mask, type Size } from "./mask";
import { clamp, type Point } from "./points";

/** Pixels of at least `threshold` (0 to 255) joined to the clicked one over their sides. */
export function connected(values: Uint8Array, threshold: number, [x, y]: Point, { width, height }: Size): Mask {
  const mask = new Mask(width, height);
  const start = clamp(Math.round(y), 0, height - 1) * width + clamp(Math.round(x), 0, width - 1);
  const open = [start];
  mask.pixels[start] = 1;
  const reach = (pixel: number): void => {
    if (mask.pixels[pixel] === 1 || values[pixel] < threshold) return;
    mask.pixels[pixel] = 1;
    open.push(pixel);
  };
  for (let pixel = open.pop(); pixel !== undefined; pixel = open.pop()) {
    const column = pixel % width;
    if (column > 0) reach(pixel - 1);
    if (column < width - 1) reach(pixel + 1);
    if (pixel >= width) reach(pixel - width);
    if (pixel < width * (height - 1)) reach(pixel + width);
  }
  return mask;
}
