// Deformation: the edge of a region is pulled along a path, the rest of the region stays.
import { cached } from "../../shared/cached";
import { element } from "../../shared/dom";
import type { Drag } from "../../shared/document";
import { edgeMask, extentAlong } from "../../shared/mask";
import { clamp, distance, tidy, type Point } from "../../shared/points";
import { pathAt, reach as farthest } from "../../shared/spline";
import { movedPatch, stretchedPatch } from "../../shared/warp";
import { colourOf } from "../ink";
import type { Store } from "../store";
import { alongPath, drawPath, inWords, type PathMotion } from "./along_path";
import type { Change, InspectorRow, MotionKind } from "./kind";

export interface DeformationMotion extends PathMotion {
  readonly type: "deformation";
  /** The share of the region that is held, of its size along the pull. */
  readonly edge?: number;
}

type Deformed = Drag & { readonly motion: DeformationMotion };

const HELD_SHARE = 1 / 3; // unless the motion says otherwise
const BESIDE = 4; // pixels of the frame

/** The line across a region that borders the held part, and the grip that moves it. */
export interface HeldBorder {
  readonly grip: Point;
  readonly ends: readonly [Point, Point];
}

const shareOf = (motion: DeformationMotion): number => motion.edge ?? HELD_SHARE;

const borders = new WeakMap<Drag, HeldBorder | null>();

export const heldBorder = (store: Store, drag: Deformed): HeldBorder | null =>
  cached(borders, drag, () => borderOf(store, drag));

function inFrame(store: Store, [x, y]: Point): boolean {
  return x >= 0 && y >= 0 && x <= store.size.width - 1 && y <= store.size.height - 1;
}

function borderOf(store: Store, { motion, region }: Deformed): HeldBorder | null {
  const mask = store.mask(region);
  const extent = extentAlong(mask, farthest(motion.path));
  const across = extent && extentAlong(mask, [-extent.unit[1], extent.unit[0]]);
  if (!across) return null;
  const { unit, most, span } = extent;
  const along = most + 0.5 - shareOf(motion) * span;
  const at = (side: number): Point => [
    along * unit[0] + side * across.unit[0],
    along * unit[1] + side * across.unit[1],
  ];
  const ends = [at(across.least - BESIDE), at(across.most + BESIDE)] as const;
  // the grip is beside the region, where a press pulls, at an end within the frame
  return { grip: inFrame(store, ends[0]) ? ends[0] : ends[1], ends };
}

/** The held share when the border of the held part goes through a point. */
function heldShare(store: Store, { motion, region }: Deformed, point: Point): number {
  const extent = extentAlong(store.mask(region), farthest(motion.path));
  if (!extent) return 1;
  const along = point[0] * extent.unit[0] + point[1] * extent.unit[1];
  return clamp(tidy((extent.most + 0.5 - along) / extent.span), 0.05, 1);
}

function heldRow(change: Change<DeformationMotion>): InspectorRow<DeformationMotion> {
  const control = element("input", {
    type: "range", min: 5, max: 100, step: 1, "aria-label": "Held share of the region, in percent",
  });
  control.addEventListener("input", () => change((motion) => ({ ...motion, edge: Number(control.value) / 100 }), "hold"));
  return {
    name: "Held",
    control,
    show: (motion) => {
      control.value = String(Math.round(100 * shareOf(motion)));
      return true;
    },
  };
}

const shared = alongPath<DeformationMotion>("deformation");

export const deformationKind: MotionKind<DeformationMotion> = {
  ...shared,
  tools: [
    {
      name: "deform", label: "Deform", key: "d",
      hint: "Pull a part of the object: it stretches and the rest stays.",
      icon: ["M4 4 H9 C9 7 16.5 7.5 16.5 10 C16.5 12.5 9 13 9 16 H4 Z", "M8 10 H13 M11 8 L13 10 L11 12"],
    },
  ],
  toolOf: () => "deform",
  describe: (motion) => `Deform ${inWords(motion)}`,
  held: (mask, motion) => edgeMask(mask, farthest(motion.path), shareOf(motion)),
  handleAt: (shown, index, point, reach) => {
    const handle = shared.handleAt(shown, index, point, reach);
    if (handle && handle.part !== "between") return handle;
    const border = heldBorder(shown.store, shown.drag);
    return border && distance(point, border.grip) <= reach ? { selection: index, part: "edge" } : handle;
  },
  pulled: (shown, handle, press) =>
    handle.part === "edge"
      ? { ...shown.drag.motion, edge: heldShare(shown.store, shown.drag, press.point) }
      : shared.pulled(shown, handle, press),
  draw: (ink, shown) => {
    const border = shown.selected ? heldBorder(shown.store, shown.drag) : null;
    if (border) {
      ink.dashed([4, 4], () => ink.line(ink.trace(border.ends), colourOf(shown.look), 1.5));
      ink.grip(border.grip, colourOf(shown.look));
    }
    drawPath(ink, shown, true);
  },
  preview: (picture, mask, motion) => {
    const extent = extentAlong(mask, farthest(motion.path));
    if (!extent) return (fraction) => movedPatch(picture, mask, shared.at(motion, fraction));
    const [start] = motion.path.points;
    return (fraction) => {
      const [x, y] = pathAt(motion.path, fraction);
      return stretchedPatch(picture, mask, extent, shareOf(motion), [x - start[0], y - start[1]]);
    };
  },
  rows: (change) => [...shared.rows(change), heldRow(change)],
};
