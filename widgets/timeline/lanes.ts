// Layout of the branches of a session: one lane each; a fork starts where it leaves its parent.
import type { BranchFacts } from "./session";

export interface Lane {
  readonly branch: BranchFacts;
  readonly row: number;
  /** Row of the parent; null for the first branch. */
  readonly parentRow: number | null;
  /** Number of blocks at which the lane leaves its parent, and at its end. */
  readonly start: number;
  readonly end: number;
}

/** Lanes from top to bottom: each branch above those that were forked from it, oldest first. */
export function lanes(branches: readonly BranchFacts[]): Lane[] {
  const found: Lane[] = [];
  const place = (branch: BranchFacts, parentRow: number | null): void => {
    const row = found.length;
    const start = parentRow === null ? 0 : Math.min(branch.at, branch.blocks);
    found.push({ branch, row, parentRow, start, end: branch.blocks });
    for (const child of branches) {
      if (child.parent === branch.name) place(child, row);
    }
  };
  for (const branch of branches) {
    if (branch.parent === null) place(branch, null);
  }
  return found;
}

/** Pixels of a block boundary on a track that shows the longest lane whole. */
export function along(blocks: number, longest: number, width: number, margin: number): number {
  return margin + (Math.max(0, width - 2 * margin) * blocks) / Math.max(1, longest);
}

/** SVG path data of a lane: out of its parent in a bend, then straight on. */
export function lanePath(startX: number, endX: number, y: number, parentY: number | null): string {
  if (parentY === null || parentY === y) return `M${startX} ${y}H${Math.max(startX, endX)}`;
  const bend = Math.min(10, Math.abs(y - parentY) / 2);
  const straight = y - bend;
  return `M${startX} ${parentY}V${straight}Q${startX} ${y} ${startX + bend} ${y}H${Math.max(startX + bend, endX)}`;
}
