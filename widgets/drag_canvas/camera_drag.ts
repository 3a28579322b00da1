// The camera among the drags of a scene: a drag of the whole frame; the other drags move with it.
import { identity, type Affine } from "../shared/affine";
import { withKeep, withLook, type Drag, type Scene } from "../shared/document";
import type { Region, Size } from "../shared/mask";
import { kindOf, motionAt } from "./motions";
import type { Store } from "./store";

export const isCamera = (drag: Drag | undefined): boolean => drag !== undefined && kindOf(drag.motion).wholeFrame === true;

export const wholeFrame = ({ width, height }: Size): Region => ({ type: "box", left: 0, top: 0, right: width, bottom: height });

/** The index of the camera that is not muted, or null. */
export function activeCamera({ document, looks }: Scene): number | null {
  const index = document.drags.findIndex((drag, i) => !looks[i].muted && isCamera(drag));
  return index < 0 ? null : index;
}

/** The map that the camera adds to a drag's own; identity for drags that move with the frame. */
export function cameraMapAt(scene: Scene, index: number, fraction: number): Affine {
  const camera = activeCamera(scene);
  const apart = camera === null || camera === index || scene.looks[index].relative === "frame";
  return apart ? identity : motionAt(scene.document.drags[camera].motion, fraction);
}

/** Mutes all cameras but the one that `before` did not have. */
function oneCamera(scene: Scene, before: Scene): Scene {
  const active = [...scene.document.drags.keys()].filter((i) => !scene.looks[i].muted && isCamera(scene.document.drags[i]));
  const newest = active.find((i) => before.looks[i]?.muted !== false) ?? active.at(-1);
  return active.filter((i) => i !== newest).reduce((muted, i) => withLook(muted, i, { muted: true }), scene);
}

/** The scene as Python accepts it: one camera, and no handle of a drag in the region to keep. */
export function normalised(store: Store, given: Scene): Scene {
  const scene = oneCamera(given, store.scene);
  const { drags, keep } = scene.document;
  if (!keep) return scene;
  const old = store.mask(keep);
  let mask = old;
  drags.forEach((drag, i) => {
    if (scene.looks[i].muted) return;
    const handle = store.handle(drag);
    if (mask.overlaps(handle)) mask = mask.without(handle);
  });
  if (mask === old) return scene;
  return withKeep(scene, mask.empty ? null : store.region(mask));
}
