import { beforeEach, expect, it } from "vitest";
import { apply, identity } from "../../shared/affine";
import { withKeep, withLook } from "../../shared/document";
import type { Point } from "../../shared/points";
import { activeCamera, cameraMapAt } from "../camera_drag";
import { FakeCanvasModel } from "../fake_model";
import { hit } from "../hit";
import { frameKey, nudge, wheelRegion } from "../motion_tools";
import { prepareFrames } from "../preview";
import { Store } from "../store";
import { begin } from "../tools";
import { kindOf } from ".";
import { mapAt, outlineOf, type CameraMotion } from "./camera";

let model: FakeCanvasModel;
let store: Store;

beforeEach(() => {
  model = new FakeCanvasModel();
  store = new Store(model); // a frame of 64 x 48 pixels
});

function stroke(tool: string, points: Point[], shift = false): void {
  store.setTool(tool);
  const press = (point: Point) => ({ point, shift, alt: false });
  const gesture = begin(store, press(points[0]), 2);
  for (const point of points.slice(1)) gesture?.move(press(point));
  gesture?.end();
}

const drags = () => store.scene.document.drags;
const motion = (index = 0) => drags()[index].motion as CameraMotion;
const key = (name: string, shiftKey = false) => frameKey(store, { key: name, shiftKey } as KeyboardEvent);
const rounded = (points: readonly Point[]) => points.map(([x, y]) => [Math.round(100 * x) / 100, Math.round(100 * y) / 100]);

it("pans where the frame is pulled, and needs no region", () => {
  stroke("camera", [[30, 20], [36, 17]]);
  expect(drags()[0]).toEqual({
    region: { type: "box", left: 0, top: 0, right: 64, bottom: 48 },
    motion: { type: "camera", pan: [6, -3], zoom: 1, roll: 0, center: [31.5, 23.5], ease: "linear", frames: null },
    source: null,
  });
  stroke("camera", [[5, 5], [9, 25]], true); // along one axis
  expect(motion().pan).toEqual([6, 17]);
  expect(drags().length).toBe(1);
  expect(kindOf(motion()).describe(motion())).toBe("Camera 18 px ↓");
});

it("maps the scene as Python does", () => {
  const camera: CameraMotion = { type: "camera", pan: [6, -2], zoom: 2, roll: 90, center: [30, 20], ease: "linear", frames: null };
  expect(rounded([apply(mapAt(camera, 1), [35, 20]), apply(mapAt(camera, 1), [30, 20])])).toEqual([[24, 12], [24, 22]]);
  // half as large, four pixels to the right in the scene
  const outline = outlineOf({ ...camera, pan: [8, 0], roll: 0 }, { width: 61, height: 41 });
  expect(rounded([outline[0], outline[2]])).toEqual([[18.75, 9.75], [49.25, 30.25]]);
});

it("zooms and rolls by its handles about the place where it looks", () => {
  stroke("camera", [[30, 20], [38, 20]]); // the frame's middle lies on (39.5, 23.5)
  stroke("camera", [[39.5, 23.5 - 14.4], [39.5 + 14.4, 23.5]]);
  expect(motion().roll).toBe(90);
  stroke("camera", [[39.5, 23.5], [31.5, 23.5]]);
  expect(motion().pan).toEqual([0, 0]);
  expect(store.selection).toBe(0);
  stroke("camera", [[31.5 - 24, 23.5 + 32], [31.5 - 12, 23.5 + 16]]);
  expect(motion().zoom).toBe(2);
  expect(rounded([apply(mapAt(motion(), 1), [31.5, 23.5])])).toEqual([[31.5, 23.5]]);
});

it("is steered by wheel and keys, and skips what does not move", () => {
  store.setTool("camera");
  expect(wheelRegion(store, 1)).toBe(true);
  expect(motion()).toMatchObject({ pan: [0, 0], zoom: 1.05, roll: 0 });
  wheelRegion(store, 1, true);
  expect(motion()).toMatchObject({ zoom: 1.05, roll: 2 });
  store.clear();
  for (const name of ["ArrowRight", "ArrowLeft"]) expect(key(name)).toBe(true);
  expect(motion().pan).toEqual([-1, 0]); // Python takes no camera that stands still
  key("ArrowDown", true);
  key("+");
  key(".");
  expect(motion()).toMatchObject({ zoom: 1.02, roll: 1 });
  expect(kindOf(motion()).sentence?.(motion())).toBe("The camera pans -1, 8 pixels, zooms to 102 % and rolls 1 degrees.");
  nudge(store, [0, 2]);
  expect(Math.round(motion().pan[1])).toBe(10);
  expect(key("x")).toBe(false);
  store.undo();
  store.setTool("pull");
  expect(key("ArrowLeft")).toBe(false);
});

it("leaves the frame to the other tools", () => {
  stroke("camera", [[30, 20], [38, 20]]);
  expect(hit(store, [10, 10], 2)).toBe(null);
  expect(hit(store, [39.5, 23.5], 2)).toEqual({ selection: 0, part: "view" });
  stroke("box", [[34, 18], [45, 29]]); // over the handle of the camera
  expect(store.scene.draft).not.toBe(null);
  store.select(0);
  stroke("pull", [[40, 24], [44, 24]]);
  expect(drags().map((drag) => drag.motion.type)).toEqual(["camera", "translation"]);
  store.select(0);
  store.setTool("scale");
  expect(wheelRegion(store, 1)).toBe(false);
  stroke("pull", [[2, 2], [10, 2]]); // beside all regions: the object, not the camera
  expect(motion().type).toBe("camera");
});

it("carries objects that move with the scene", () => {
  stroke("box", [[10, 10], [21, 21]]);
  stroke("pull", [[15, 15], [25, 15]]);
  stroke("camera", [[30, 20], [34, 20]]);
  expect(activeCamera(store.scene)).toBe(1);
  expect(cameraMapAt(store.scene, 0, 1)).toEqual({ ...identity, c: -4 });
  expect(cameraMapAt(store.scene, 1, 1)).toEqual(identity);
  store.commit(withLook(store.scene, 0, { relative: "frame" }));
  expect(cameraMapAt(store.scene, 0, 1)).toEqual(identity);
  expect(model.get("looks")).toMatchObject([{ relative: "frame" }, {}]);
  store.mute(1);
  expect(activeCamera(store.scene)).toBe(null);
});

it("leaves the region to keep alone, and is one at a time", () => {
  store.commit(withKeep(store.scene, { type: "box", left: 0, top: 0, right: 8, bottom: 8 }));
  stroke("camera", [[30, 20], [34, 20]]);
  expect(store.area(store.scene.document.keep!)).toBe(64);
  store.duplicate(0);
  expect(store.scene.looks.map(({ muted }) => muted)).toEqual([true, false]);
  store.mute(0);
  expect(store.scene.looks.map(({ muted }) => muted)).toEqual([false, true]);
});

it("moves the whole picture in the preview, and objects over it", () => {
  stroke("box", [[10, 10], [21, 21]]);
  stroke("pull", [[15, 15], [25, 15]]);
  stroke("camera", [[30, 20], [34, 20]]);
  const data = new Uint8ClampedArray(4 * 64 * 48).fill(200);
  const { background, patches } = prepareFrames(store, store.scene, { width: 64, height: 48, data });
  const [ground, object] = patches(0.5);
  expect([...background.data.slice(0, 4)]).toEqual([38, 40, 46, 255]);
  expect([ground.width, ground.height, ground.map.c, object.map.c]).toEqual([64, 48, -2, -2]);
  const kept = withKeep(store.scene, { type: "box", left: 40, top: 30, right: 50, bottom: 40 });
  const stays = prepareFrames(store, withLook(kept, 1, { relative: "frame" }), { width: 64, height: 48, data }).patches(1)[1];
  expect([stays.map, stays.left]).toEqual([identity, 39]); // with a pixel of room
});
