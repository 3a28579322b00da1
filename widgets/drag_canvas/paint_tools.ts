// The painting tools: handle regions with brush, box and lasso, the keep region, the eraser.
import {
  regionOf,
  removeDrag,
  replaceDrag,
  withKeep,
  type Scene,
  type Selection,
} from "../shared/document";
import { Mask, brushMask, stamp, type Region } from "../shared/mask";
import { distance, simplifyTo, tidy, tidyPoint, type Point } from "../shared/points";
import type { Gesture, Press } from "./gesture";
import type { Store } from "./store";

const TAP_PIXELS = 2; // a smaller box or lasso is a click

/** The target of paint: with Shift on a finished drag its region, else the one being painted. */
export function paintTarget(store: Store, press: Press): Selection {
  return press.shift && !store.scene.draft && typeof store.selection === "number"
    ? store.selection
    : "draft";
}

function withRegion(scene: Scene, selection: Selection, region: Region): Scene {
  if (typeof selection !== "number") return { ...scene, draft: region };
  return replaceDrag(scene, selection, { ...scene.document.drags[selection], region });
}

function withoutRegion(scene: Scene, selection: Selection): Scene {
  return typeof selection === "number" ? removeDrag(scene, selection) : { ...scene, draft: null };
}

/** A region with a shape added: a mask, or the shape itself if there was no region. */
function joined(store: Store, old: Region | null, added: Region): Region {
  return old ? store.region(store.mask(old).or(store.mask(added))) : added;
}

/** The scene with a shape drawn in place of a region or added to it; null if it covers nothing. */
export function withDrawn(store: Store, target: Selection, shape: Region, adds: boolean): Scene | null {
  if (store.mask(shape).empty) return null;
  const old = adds ? regionOf(store.scene, target) : null;
  return withRegion(store.scene, target, joined(store, old, shape));
}

/** The brush: stamps while it moves and becomes one stroke when released. */
export function paint(store: Store, press: Press): Gesture {
  const target = paintTarget(store, press);
  const old = regionOf(store.scene, target);
  const radius = tidy(store.brushRadius);
  const stroke: Point[] = [];
  let painted = old ? store.mask(old) : new Mask(store.size.width, store.size.height);
  const lead = (point: Point): void => {
    painted = painted.copy();
    stamp(painted, stroke.at(-1) ?? point, point, radius);
    stroke.push(point);
    store.show(painted.empty ? null : withRegion(store.scene, target, store.region(painted)));
  };
  lead(press.point);
  return {
    move: ({ point }) => lead(point),
    end() {
      const points = simplifyTo(stroke, 0.25).map(tidyPoint);
      const added: Region = { type: "brush", points, radius };
      if (store.mask(added).empty) store.show(null);
      else store.commit(withRegion(store.scene, target, joined(store, old, added)), target);
    },
  };
}

export function drawBox(store: Store, press: Press): Gesture {
  return drawShape(store, press, (corner) => ({
    type: "box",
    left: tidy(Math.min(press.point[0], corner[0])),
    top: tidy(Math.min(press.point[1], corner[1])),
    right: tidy(Math.max(press.point[0], corner[0])),
    bottom: tidy(Math.max(press.point[1], corner[1])),
  }));
}

export function drawLasso(store: Store, press: Press): Gesture {
  const drawn: Point[] = [press.point];
  return drawShape(store, press, (point) => {
    drawn.push(point);
    const points = simplifyTo(drawn, 0.4).map(tidyPoint);
    return points.length < 3 ? null : { type: "polygon", points };
  });
}

/** Box and lasso start over; with Shift they add. */
function drawShape(store: Store, press: Press, shape: (point: Point) => Region | null): Gesture {
  const target = paintTarget(store, press);
  let next: Scene | null = null;
  return {
    move({ point }) {
      const drawn = distance(press.point, point) < TAP_PIXELS && !next ? null : shape(point);
      next = drawn && withDrawn(store, target, drawn, press.shift);
      store.show(next);
    },
    end() {
      if (next) store.commit(next, target);
      else {
        store.show(null);
        store.select(null);
      }
    },
  };
}

/** A region that the eraser can change, and the scene with another mask in its place. */
interface Erasable {
  readonly mask: Mask;
  readonly after: (mask: Mask) => Scene;
}

/** In the order in which the eraser tries them: the painted region, the selected drag, the rest. */
function erasables(store: Store): Erasable[] {
  const { scene } = store;
  const { drags, keep } = scene.document;
  const order: Selection[] = ["draft", store.selection, ...[...drags.keys()].reverse()];
  const found = order.flatMap((selection): Erasable[] => {
    const region = regionOf(scene, selection);
    if (!region) return [];
    const after = (mask: Mask): Scene =>
      mask.empty
        ? withoutRegion(scene, selection)
        : withRegion(scene, selection, store.region(mask));
    return [{ mask: store.mask(region), after }];
  });
  if (keep) {
    const after = (mask: Mask): Scene => withKeep(scene, mask.empty ? null : store.region(mask));
    found.push({ mask: store.mask(keep), after });
  }
  return found;
}

/** Erases from the first region that it touches, and from no other until it is released. */
export function erase(store: Store, press: Press): Gesture {
  const candidates = erasables(store);
  let last = press.point;
  let taken: Erasable | null = null;
  let mask: Mask | null = null;
  const rub = (point: Point): void => {
    const rubbed = brushMask([last, point], store.brushRadius, store.size);
    last = point;
    taken ??=
      candidates.find((candidate) => candidate.mask.at(point)) ??
      candidates.find((candidate) => candidate.mask.overlaps(rubbed)) ??
      null;
    if (!taken) return;
    mask = (mask ?? taken.mask).without(rubbed);
    store.show(taken.after(mask));
  };
  rub(press.point);
  return {
    move: ({ point }) => rub(point),
    end() {
      if (taken && mask) store.commit(taken.after(mask));
    },
  };
}

/** Paints the keep region, one for all drags; Alt erases. */
export function paintKeep(store: Store, press: Press): Gesture {
  const { scene, size } = store;
  const { keep } = scene.document;
  let mask = keep ? store.mask(keep) : new Mask(size.width, size.height);
  let last = press.point;
  let next = scene;
  const lead = (point: Point): void => {
    const touched = brushMask([last, point], store.brushRadius, size);
    mask = press.alt ? mask.without(touched) : mask.or(touched);
    last = point;
    next = withKeep(scene, mask.empty ? null : store.region(mask));
    store.show(next);
  };
  lead(press.point);
  return {
    move: ({ point }) => lead(point),
    end: () => store.commit(next),
  };
}
