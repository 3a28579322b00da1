// Translation: the whole region moves along a path.
import { movedPatch } from "../../shared/warp";
import { alongPath, drawPath, inWords, type PathMotion } from "./along_path";
import type { MotionKind } from "./kind";

export interface TranslationMotion extends PathMotion {
  readonly type: "translation";
}

const shared = alongPath<TranslationMotion>("translation");

export const translationKind: MotionKind<TranslationMotion> = {
  ...shared,
  tools: [
    {
      name: "pull", label: "Pull", key: "p",
      hint: "Pull the region to where it should go: a straight arrow.",
      icon: ["M4 16 L15.5 4.5", "M8.5 4 H16 V11.5"],
    },
    {
      name: "path", label: "Draw a path", key: "f",
      hint: "Draw the way the region should take, or click its waypoints one by one.",
      icon: ["M3.5 15.5 C7.5 16.5 6.5 9 10 9 C12.5 9 12 6 15.5 4.8", "M12.4 3.4 L16.2 4.5 L14 7.8"],
    },
  ],
  toolOf: (motion) => (motion.path.points.length > 2 ? "path" : "pull"),
  describe: (motion) => `Move ${inWords(motion)}`,
  draw: (ink, shown) => drawPath(ink, shown, false),
  preview: (picture, mask, motion) => (fraction) => movedPatch(picture, mask, shared.at(motion, fraction)),
};
