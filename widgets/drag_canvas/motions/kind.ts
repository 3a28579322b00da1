// The interface of a kind of motion, for the canvas.
import type { Affine } from "../../shared/affine";
import type { Drag, Look, Motion, Selection } from "../../shared/document";
import type { Mask, Region, Size } from "../../shared/mask";
import type { Point } from "../../shared/points";
import type { Patch, Pixels } from "../../shared/warp";
import type { Gesture, Press } from "../gesture";
import type { Ink } from "../ink";
import type { Store } from "../store";
import type { Hit, ToolInfo, ToolName } from "../types";

/** The start of a gesture. */
export interface Start {
  readonly store: Store;
  readonly selection: Selection;
  readonly region: Region;
  /** The motion that the region has already. */
  readonly old: Motion | null;
  readonly press: Press;
  readonly tool: ToolName | null;
  /** Called when a press of the path tool is released in place. */
  readonly tapped: (start: Point) => void;
}

/** A drag as it is shown. */
export interface Shown<M extends Motion> {
  readonly store: Store;
  readonly drag: Drag & { readonly motion: M };
  readonly look: Look;
  readonly selected: boolean;
}

/** A control of the inspector for the selected drag. */
export interface InspectorRow<M extends Motion> {
  readonly name: string;
  readonly control: HTMLElement;
  /** Shows the motion's value; false hides the row. */
  readonly show: (motion: M) => boolean;
}

/** Changes the selected drag's motion; changes with the same label become one step of undo. */
export type Change<M extends Motion> = (how: (motion: M) => M, label?: string) => void;

export interface MotionKind<M extends Motion = Motion> {
  /** The "type" of such motions in documents. */
  readonly type: M["type"];
  /** True for the camera: it moves the whole frame, and objects lie on top. */
  readonly wholeFrame?: true;
  /** The tools whose gestures make such a motion. */
  readonly tools: readonly ToolInfo[];
  /** The tool that makes such a motion, for the icon in the list and for pulling again. */
  readonly toolOf: (motion: M) => ToolName;
  /** "Move 24 px →" */
  readonly describe: (motion: M) => string;
  /** The map of the region at a fraction of the drag, 0 = rest, 1 = the end. */
  readonly at: (motion: M, fraction: number) => Affine;
  /** False for a motion that stands still, which Python refuses. */
  readonly moves: (motion: M) => boolean;
  readonly ease: (motion: M) => string;
  readonly withEase: (motion: M, ease: string) => M;
  /** Number of waypoints that can be selected. */
  readonly waypoints: (motion: M) => number;
  /** The part of the region that the motion holds. */
  readonly held: (mask: Mask, motion: M) => Mask;
  /** Starts the gesture that makes such a motion. */
  readonly begin: (start: Start) => Gesture;
  /** The handle under a point of the selected drag. */
  readonly handleAt: (shown: Shown<M>, index: number, point: Point, reach: number) => Hit | null;
  /** The line that selects the drag by a click, in pixels of the frame. */
  readonly line: (store: Store, drag: Shown<M>["drag"]) => readonly Point[];
  /** The motion after a handle was pulled; `last` is the motion before this move of the pointer. */
  readonly pulled: (shown: Shown<M>, handle: Hit, press: Press, last: M) => M | null;
  /** The arm that a drag keeps while a handle is pulled. */
  readonly arm: (shown: Shown<M>) => Look["arm"];
  /** The motion after an arrow key moved it by pixels. */
  readonly nudged: (store: Store, drag: Shown<M>["drag"], step: Point) => M | null;
  readonly draw: (ink: Ink, shown: Shown<M>) => void;
  /** Makes the pixels of the region at a moment of the preview. */
  readonly preview: (picture: Pixels, mask: Mask, motion: M) => (fraction: number) => Patch;
  readonly rows: (change: Change<M>) => readonly InspectorRow<M>[];
  /** The motion after the wheel was turned with the kind's tool. */
  readonly wheel?: (motion: M | null, mask: Mask, notches: number, shift: boolean) => M;
  /** The motion of the whole frame after a key with the kind's tool; null for other keys. */
  readonly afterKey?: (motion: M | null, key: string, shift: boolean, size: Size) => M | null;
  /** The motion as a sentence, for the status line. */
  readonly sentence?: (motion: M) => string;
}

