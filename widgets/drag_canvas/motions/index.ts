// The kinds of motion, in the order of their tools.
import type { Affine } from "../../shared/affine";
import type { Motion } from "../../shared/document";
import type { ToolInfo, ToolName } from "../types";
import { cameraKind } from "./camera";
import { deformationKind } from "./deformation";
import type { MotionKind } from "./kind";
import { ownKind, posesKind } from "./own";
import { rotationKind } from "./rotation";
import { scaleKind } from "./scale";
import { translationKind } from "./translation";

// The lookup by type passes each kind only motions of its own type.
const KINDS = [translationKind, deformationKind, rotationKind, scaleKind, cameraKind, ownKind, posesKind] as unknown as readonly MotionKind[];

export const MOTION_TOOLS: readonly ToolInfo[] = KINDS.flatMap((kind) => kind.tools);

/** The kind of a motion. */
export function kindOf(motion: Motion): MotionKind {
  const kind = KINDS.find(({ type }) => type === motion.type);
  if (!kind) throw new Error(`no motion of type ${motion.type} is known`);
  return kind;
}

/** The kind whose motions a tool makes. */
export const kindOfTool = (tool: ToolName): MotionKind | undefined =>
  KINDS.find(({ tools }) => tools.some(({ name }) => name === tool));

/** The map of the region at a fraction of the drag, 0 = rest, 1 = the end. */
export const motionAt = (motion: Motion, fraction: number): Affine => kindOf(motion).at(motion, fraction);
