// The scene with a new or changed motion in it, and the gesture that makes one.
import { addDrag, replaceDrag, type Drag, type Look, type Motion, type Scene, type Selection } from "../../shared/document";
import type { Region } from "../../shared/mask";
import type { Gesture, Press } from "../gesture";
import type { Start } from "./kind";

/** The scene in which the region of `selection` moves by `motion`, and the new selection. */
export function withMotion(
  scene: Scene,
  selection: Selection,
  region: Region,
  motion: Motion,
  arm: Look["arm"] = null,
): [Scene, number] {
  const { drags } = scene.document;
  if (typeof selection === "number") {
    return [replaceDrag(scene, selection, { ...drags[selection], motion }, { arm, muted: false }), selection];
  }
  const drag: Drag = { region, motion, source: null };
  const draft = selection === "draft" ? null : scene.draft;
  return [{ ...addDrag(scene, drag, arm), draft }, drags.length];
}

/** A gesture that shows the motion made of each move of the pointer and keeps the last one. */
export function motionGesture(
  { store, selection, region }: Start,
  make: (press: Press) => { motion: Motion; arm: Look["arm"] } | null,
): Gesture {
  let next: [Scene, number] | null = null;
  store.select(selection);
  return {
    move(press) {
      const made = make(press);
      next = made && withMotion(store.scene, selection, region, made.motion, made.arm);
      store.show(next?.[0] ?? null);
    },
    end() {
      if (next) store.commit(...next);
      else {
        store.show(null);
        store.select(selection);
      }
    },
  };
}
