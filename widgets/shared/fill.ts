// Fills the background of a region that has moved away with its surroundings, spread inward.
import type { Mask } from "./mask";
import type { Pixels } from "./warp";

/** RGB times weight, and the weight: 0 in the hole. */
interface Level {
  readonly width: number;
  readonly height: number;
  readonly values: Float32Array;
}

function known(picture: Pixels, hole: Mask): Level {
  const values = new Float32Array(4 * hole.pixels.length);
  for (let i = 0; i < hole.pixels.length; i++) {
    if (hole.pixels[i] === 1) continue;
    for (let channel = 0; channel < 3; channel++) values[4 * i + channel] = picture.data[4 * i + channel];
    values[4 * i + 3] = 1;
  }
  return { width: hole.width, height: hole.height, values };
}

/** A level of half the size: the weighted mean of each four pixels. */
function halved({ width, height, values }: Level): Level {
  const small = { width: Math.ceil(width / 2), height: Math.ceil(height / 2) };
  const sums = new Float32Array(4 * small.width * small.height);
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++, i += 4) {
      const to = 4 * ((y >> 1) * small.width + (x >> 1));
      for (let channel = 0; channel < 4; channel++) sums[to + channel] += values[i + channel];
    }
  }
  for (let i = 0; i < sums.length; i += 4) {
    const weight = sums[i + 3];
    if (weight > 1) for (let channel = 0; channel < 4; channel++) sums[i + channel] /= weight;
  }
  return { ...small, values: sums };
}

/** Fills the unknown pixels of a level from a coarser one, interpolated between the four nearest. */
function completed(level: Level, coarse: Level): void {
  const { width, height, values } = level;
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++, i += 4) {
      const missing = 1 - values[i + 3];
      if (missing <= 0) continue;
      const [u, v] = [x / 2 - 0.25, y / 2 - 0.25];
      const [column, row] = [Math.floor(u), Math.floor(v)];
      for (let k = 0; k < 4; k++) {
        const across = Math.min(Math.max(column + (k & 1), 0), coarse.width - 1);
        const down = Math.min(Math.max(row + (k >> 1), 0), coarse.height - 1);
        const weight = missing * (k & 1 ? u - column : 1 - u + column) * (k >> 1 ? v - row : 1 - v + row);
        const from = 4 * (down * coarse.width + across);
        for (let channel = 0; channel < 3; channel++) values[i + channel] += weight * coarse.values[from + channel];
      }
      values[i + 3] = 1;
    }
  }
}

/** The picture with a hole filled from its surroundings (push-pull on an image pyramid). */
export function filled(picture: Pixels, hole: Mask): Pixels {
  const levels = [known(picture, hole)];
  for (let top = levels[0]; top.width > 1 || top.height > 1; top = levels[levels.length - 1]) levels.push(halved(top));
  for (let i = levels.length - 2; i >= 0; i--) completed(levels[i], levels[i + 1]);
  const data = picture.data.slice();
  hole.pixels.forEach((pixel, i) => {
    if (pixel === 1) for (let channel = 0; channel < 3; channel++) data[4 * i + channel] = levels[0].values[4 * i + channel];
  });
  return { width: picture.width, height: picture.height, data };
}

/** A mask with a border of some pixels around it. */
export function widened(mask: Mask, by: number): Mask {
  const wide = mask.copy();
  for (let y = 0, i = 0; y < mask.height; y++) {
    for (let x = 0; x < mask.width; x++, i++) {
      if (mask.pixels[i] === 0) continue;
      const [left, right] = [Math.max(0, x - by), Math.min(mask.width - 1, x + by)];
      for (let row = Math.max(0, y - by); row <= Math.min(mask.height - 1, y + by); row++) {
        wide.pixels.fill(1, row * mask.width + left, row * mask.width + right + 1);
      }
    }
  }
  return wide;
}
