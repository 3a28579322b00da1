// The document that Python and the page share, version 1: dragstream.drags.labels writes the same.
import type { Region } from "./mask";
import type { Point } from "./points";

export interface PathDocument {
  readonly points: readonly Point[];
  readonly smooth: boolean;
  readonly ease: string;
  readonly frames: readonly number[] | null;
}

export interface PathMotion {
  readonly type: "translation" | "deformation";
  readonly path: PathDocument;
  /** Deformations only: how much of the region is held, as a share of its size along the pull. */
  readonly edge?: number;
}

export interface RotationMotion {
  readonly type: "rotation";
  readonly center: Point;
  readonly degrees: number | readonly number[];
  readonly ease: string;
  readonly frames?: readonly number[] | null;
}

export type Motion = PathMotion | RotationMotion;

export interface Drag {
  readonly region: Region;
  readonly motion: Motion;
  readonly source?: { readonly block: number; readonly region: Region } | null;
}

export interface DragDocument {
  readonly version: 1;
  readonly drags: readonly Drag[];
  readonly keep: Region | null;
}

/** What undo steps through: the document, and the region that waits for its motion. */
export interface Scene {
  readonly document: DragDocument;
  readonly draft: Region | null;
}

export const emptyScene: Scene = {
  document: { version: 1, drags: [], keep: null },
  draft: null,
};

export const withDrags = (scene: Scene, drags: readonly Drag[]): Scene => ({
  ...scene,
  document: { ...scene.document, drags },
});

export const withKeep = (scene: Scene, keep: Region | null): Scene => ({
  ...scene,
  document: { ...scene.document, keep },
});

export const replaceDrag = (scene: Scene, index: number, drag: Drag): Scene =>
  withDrags(
    scene,
    scene.document.drags.map((old, i) => (i === index ? drag : old)),
  );

export const removeDrag = (scene: Scene, index: number): Scene =>
  withDrags(
    scene,
    scene.document.drags.filter((_, i) => i !== index),
  );

/** A drag by its place in the list, the region still without motion, or nothing. */
export type Selection = number | "draft" | null;

export function regionOf(scene: Scene, selection: Selection): Region | null {
  if (selection === null) return null;
  return selection === "draft" ? scene.draft : (scene.document.drags[selection]?.region ?? null);
}

/** Equal as they travel, which is all that counts between page and kernel. */
export const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

/** The angle a rotation ends at. */
export const finalDegrees = (motion: RotationMotion): number =>
  typeof motion.degrees === "number" ? motion.degrees : (motion.degrees.at(-1) ?? 0);

/** The same rotation ending at another angle: an arc keeps its earlier stops. */
export const turnedTo = (motion: RotationMotion, degrees: number): RotationMotion => ({
  ...motion,
  degrees: typeof motion.degrees === "number" ? degrees : [...motion.degrees.slice(0, -1), degrees],
});
