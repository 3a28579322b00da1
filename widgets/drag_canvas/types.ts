// Types that several files of the canvas share.
import type { Selection } from "../shared/document";

/** A tool by its name; the motion tools are named by the kinds of motion in `motions/`. */
export type ToolName = string;

export interface ToolInfo {
  readonly name: ToolName;
  readonly label: string;
  readonly key: string;
  readonly hint: string;
  /** Paths of a line icon on a 20 x 20 grid. */
  readonly icon: readonly string[];
}

/** Something of the scene that lies under a point. */
export interface Hit {
  readonly selection: Selection;
  /** The region, the line of its path, or the name of a handle that its motion has. */
  readonly part: "region" | "path" | (string & {});
  readonly waypoint?: number;
}
