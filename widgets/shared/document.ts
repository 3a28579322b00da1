// The document that Python and the page share, version 1: dragstream.drags.documents writes the same.
import type { Region } from "./mask";
import type { Point } from "./points";

export interface PathDocument {
  readonly points: readonly Point[];
  readonly smooth: boolean;
  readonly ease: string;
  readonly frames: readonly number[] | null;
}

/** A motion of any kind; the kinds are in drag_canvas/motions. */
export interface Motion {
  readonly type: string;
}

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

/** The looks of a drag in the list; dragstream.widgets.entries has the same. */
export interface Look {
  /** Its index in the palette, whatever its place in the list. */
  readonly colour: number;
  /** A muted drag stays in the list and is not applied. */
  readonly muted: boolean;
  /** Of a rotation: where its arm was grabbed (degrees clockwise from the x axis) and how long. */
  readonly arm: readonly [bearing: number, length: number] | null;
  /** Beside a camera: the drag's target is a place in the frame, not in the scene. Of the camera: so is the region to keep. */
  readonly relative?: "frame" | undefined;
}

/** One step of undo: the drags and their looks, and the region that has no motion yet. */
export interface Scene {
  readonly document: DragDocument;
  /** One for each drag. */
  readonly looks: readonly Look[];
  readonly draft: Region | null;
}

export const emptyScene: Scene = {
  document: { version: 1, drags: [], keep: null },
  looks: [],
  draft: null,
};

/** Distinguishable on light and dark frames, and with the common kinds of colour blindness. */
export const PALETTE = ["#ff8a1f", "#19b8d4", "#e0559f", "#86b817", "#8f6ff0", "#f2c312"] as const;

/** The colour that the fewest drags have, the first of them in the palette. */
export function nextColour(looks: readonly Look[]): number {
  const uses = PALETTE.map((_, i) => looks.filter((look) => look.colour % PALETTE.length === i).length);
  return uses.indexOf(Math.min(...uses));
}

/** As many looks as drags; missing ones get unused colours. */
export function fittingLooks(looks: readonly Look[], count: number): readonly Look[] {
  if (looks.length === count) return looks;
  const fitting = looks.slice(0, count);
  while (fitting.length < count) fitting.push({ colour: nextColour(fitting), muted: false, arm: null });
  return fitting;
}

const withList = (scene: Scene, drags: readonly Drag[], looks: readonly Look[]): Scene => ({
  ...scene,
  document: { ...scene.document, drags },
  looks,
});

export const addDrag = (scene: Scene, drag: Drag, arm: Look["arm"] = null): Scene =>
  withList(
    scene,
    [...scene.document.drags, drag],
    [...scene.looks, { colour: nextColour(scene.looks), muted: false, arm }],
  );

export const withKeep = (scene: Scene, keep: Region | null): Scene => ({
  ...scene,
  document: { ...scene.document, keep },
});

const replaced = <T>(list: readonly T[], index: number, item: T): T[] =>
  list.map((old, i) => (i === index ? item : old));

export const replaceDrag = (scene: Scene, index: number, drag: Drag, look: Partial<Look> = {}): Scene =>
  withList(
    scene,
    replaced(scene.document.drags, index, drag),
    replaced(scene.looks, index, { ...scene.looks[index], ...look }),
  );

export const withLook = (scene: Scene, index: number, look: Partial<Look>): Scene =>
  replaceDrag(scene, index, scene.document.drags[index], look);

export const removeDrag = (scene: Scene, index: number): Scene =>
  withList(
    scene,
    scene.document.drags.filter((_, i) => i !== index),
    scene.looks.filter((_, i) => i !== index),
  );

/** Inserts a copy in a colour of its own after the drag, and mutes the drag: not both pull at one object. */
export function duplicateDrag(scene: Scene, index: number): Scene {
  const look = { ...scene.looks[index], colour: nextColour(scene.looks), muted: false };
  const muted = withLook(scene, index, { muted: true });
  return withList(
    muted,
    muted.document.drags.toSpliced(index + 1, 0, scene.document.drags[index]),
    muted.looks.toSpliced(index + 1, 0, look),
  );
}

/** The drag at another place in the list; the others keep their order. */
export function moveDrag(scene: Scene, index: number, to: number): Scene {
  const moved = <T>(list: readonly T[]): T[] => list.toSpliced(index, 1).toSpliced(to, 0, list[index]);
  return withList(scene, moved(scene.document.drags), moved(scene.looks));
}

/** A drag by its place in the list, the region without motion, or nothing. */
export type Selection = number | "draft" | null;

export function regionOf(scene: Scene, selection: Selection): Region | null {
  if (selection === null) return null;
  return selection === "draft" ? scene.draft : (scene.document.drags[selection]?.region ?? null);
}

/** Equal as JSON, as page and kernel exchange it. */
export const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);
