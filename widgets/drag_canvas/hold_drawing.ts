// Draws the holds: the region where it is, and a dashed outline at its target pose.
import { apply } from "../shared/affine";
import { PALETTE } from "../shared/document";
import type { Mask } from "../shared/mask";
import type { Point } from "../shared/points";
import { posed, type Hold } from "./holding";
import type { Ink } from "./ink";
import type { Store } from "./store";

type Outline = (mask: Mask) => readonly (readonly Point[])[];

/** Draws all holds, and the objects that the keys can choose. */
export function drawHolds(ink: Ink, store: Store, chosen: number | null, outline: Outline): void {
  if (chosen !== null) {
    store.holding.objects?.forEach(({ region }, index) => {
      const path = ink.loops(outline(store.mask(region)).map((loop) => [...loop]));
      ink.dashed(index === chosen ? [] : [3, 4], () => ink.line(path, "#ffffff", index === chosen ? 2 : 1.25));
    });
  }
  for (const hold of store.holding.holds) drawHold(ink, store, hold, outline);
}

function drawHold(ink: Ink, store: Store, hold: Hold, outline: Outline): void {
  const { context } = ink;
  const colour = PALETTE[(hold.id - 1) % PALETTE.length];
  const pose = store.holding.poseOf(hold);
  const region = ink.loops(outline(store.mask(hold.region)).map((loop) => [...loop]));
  context.globalAlpha = 0.18;
  context.fillStyle = colour;
  context.fill(region, "evenodd");
  context.globalAlpha = 1;
  ink.line(region, colour, 1.25);
  const map = posed(hold, pose);
  const ghost = ink.loops(outline(store.mask(hold.grip)).map((loop) => loop.map((point) => apply(map, point))));
  ink.dashed([6, 5], () => ink.line(ghost, "#ffffff", 1.75));
  ink.line(ink.trace([hold.at, pose.position]), colour, 1.5);
  ink.dot(pose.position, hold.pinned ? 6.5 : 4.5, hold.pinned ? colour : "#fff", hold.pinned ? "#fff" : colour);
}
