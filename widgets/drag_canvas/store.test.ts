import { beforeEach, expect, it } from "vitest";
import type { DragDocument } from "../shared/document";
import type { Region } from "../shared/mask";
import { FakeModel } from "./fake_model";
import { shortcut } from "./keyboard";
import { Store } from "./store";

let model: FakeModel;
let store: Store;
const disc = (x: number): Region => ({ type: "disc", center: [x, 20], radius: 4 });
const painted = (x: number) => ({ ...store.scene, draft: disc(x) });
const fromPython = (x: number): DragDocument => ({
  version: 1,
  keep: null,
  drags: [{
    region: disc(x),
    motion: { type: "rotation", center: [x, 20], degrees: 30, ease: "linear" },
    source: null,
  }],
});

beforeEach(() => {
  model = new FakeModel();
  store = new Store(model);
});

it("sends what is kept and not what is only shown", () => {
  store.show(painted(10));
  expect([model.saved, store.shown.draft]).toEqual([0, disc(10)]);
  store.commit(painted(12), "draft");
  expect([model.saved, model.get("draft")]).toEqual([1, disc(12)]);
  store.commit(painted(12), "draft");
  expect(model.saved).toBe(1);
});

it("goes back and forth", () => {
  store.commit(painted(10), "draft");
  store.commit(painted(20), "draft");
  store.undo();
  expect(model.get("draft")).toEqual(disc(10));
  store.undo();
  expect([model.get("draft"), store.canUndo, store.selection]).toEqual([null, false, null]);
  store.redo();
  store.redo();
  expect([model.get("draft"), store.canRedo]).toEqual([disc(20), false]);
});

it("counts a change of document and draft together as one step", () => {
  store.commit(painted(10), "draft");
  store.commit({ document: fromPython(10), draft: null }, 0);
  store.undo();
  expect([store.scene.draft, store.canRedo]).toEqual([disc(10), true]);
  store.redo();
  expect(model.get("state")).toEqual(fromPython(10));
});

it("can undo what Python did", () => {
  store.commit(painted(10), "draft");
  model.set("state", fromPython(30));
  expect(store.scene.document.drags).toHaveLength(1);
  store.undo();
  expect(store.scene.document.drags).toHaveLength(0);
  expect(store.scene.draft).toEqual(disc(10));
});

it("takes back what Python refuses, with its words and without a step", () => {
  store.commit(painted(10), "draft");
  store.commit(painted(20), "draft");
  model.trigger("msg:custom", { type: "error", text: "too far" });
  model.set("draft", disc(10));
  expect([store.error, store.scene.draft]).toEqual(["too far", disc(10)]);
  store.undo();
  expect(store.scene.draft).toBeNull();
});

it("listens no more once disposed", () => {
  store.dispose();
  expect([...model.callbacks.values()].every((set) => set.size === 0)).toBe(true);
});

it("knows the shortcuts", () => {
  const press = (key: string, more: object = {}) =>
    shortcut(store, { key, target: null, ...more } as unknown as KeyboardEvent);
  expect(press("r")).toBe(true);
  expect(store.tool).toBe("rotate");
  const { brushRadius } = store;
  press("]");
  expect(store.brushRadius).toBe(brushRadius + 1);
  store.commit(painted(10), "draft");
  press("Delete");
  expect(store.scene.draft).toBeNull();
  press("z", { ctrlKey: true });
  expect(store.scene.draft).toEqual(disc(10));
  expect(press("q")).toBe(false);
  expect(press("c", { ctrlKey: true })).toBe(false);
});
