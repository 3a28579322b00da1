// Virtual scrolling of a long row of tiles: those in view and a few more on both sides.

export interface Span {
  readonly first: number;
  /** One past the last. */
  readonly end: number;
}

export function visible(scroll: number, width: number, tile: number, count: number, spare: number): Span {
  const first = Math.max(0, Math.floor(scroll / tile) - spare);
  const end = Math.min(count, Math.ceil((scroll + width) / tile) + spare);
  return { first: Math.min(first, count), end: Math.max(end, 0) };
}

/** The scroll position at which a tile is in view with a neighbour; unchanged if it is already. */
export function reveal(index: number, scroll: number, width: number, tile: number): number {
  const left = (index - 1) * tile;
  const right = (index + 2) * tile;
  if (left < scroll) return Math.max(0, left);
  if (right > scroll + width) return Math.max(0, right - width);
  return scroll;
}
