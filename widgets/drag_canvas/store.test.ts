import { beforeEach, describe, expect, it } from "vitest";
import type { DragDocument } from "../shared/document";
import type { Region } from "../shared/mask";
import type { Point } from "../shared/points";
import { FakeCanvasModel } from "./fake_model";
import { shortcut } from "./keyboard";
import { frameDue } from "./player";
import type { RotationMotion } from "./motions/rotation";
import { Store } from "./store";

let model: FakeCanvasModel;
let store: Store;
const disc = (x: number): Region => ({ type: "disc", center: [x, 20], radius: 4 });
const look = (colour: number, muted = false) => ({ colour, muted, arm: null });
const painted = (x: number) => ({ ...store.scene, draft: disc(x) });
const fromPython = (x: number): DragDocument => ({
  version: 1,
  keep: null,
  drags: [{
    region: disc(x),
    motion: { type: "rotation", center: [x, 20], degrees: 30, ease: "linear" } as RotationMotion,
    source: null,
  }],
});

/** Python sets everything at once; here the number of the step goes first. */
function python(revision: number, values: Readonly<Record<string, unknown>>): void {
  model.set("revision", revision);
  for (const [name, value] of Object.entries(values)) model.set(name, value);
}

beforeEach(() => {
  model = new FakeCanvasModel();
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
  store.commit({ document: fromPython(10), looks: [look(0)], draft: null }, 0);
  store.undo();
  expect([store.scene.draft, store.canRedo]).toEqual([disc(10), true]);
  store.redo();
  expect(model.get("state")).toEqual(fromPython(10));
  expect(model.get("looks")).toEqual([look(0)]);
});

it("can undo what Python did", () => {
  store.commit(painted(10), "draft");
  python(1, { state: fromPython(30) });
  expect(store.scene.document.drags).toHaveLength(1);
  store.undo();
  expect(store.scene.document.drags).toHaveLength(0);
  expect(store.scene.draft).toEqual(disc(10));
});

it("follows when Python goes back and forth", () => {
  store.commit(painted(10), "draft");
  const first = model.get("revision") as number;
  store.commit(painted(20), "draft", "nudge");
  const second = model.get("revision") as number;
  store.commit(painted(21), "draft", "nudge");
  expect([new Set([0, first, second]).size, model.get("revision")]).toEqual([3, second]);
  python(first, { draft: disc(10) });
  expect([store.scene.draft, store.canUndo, store.canRedo]).toEqual([disc(10), true, true]);
  python(second, { draft: disc(21) });
  expect([store.scene.draft, store.canRedo]).toEqual([disc(21), false]);
  store.undo();
  expect([model.get("draft"), model.get("revision")]).toEqual([disc(10), first]);
});

it("takes back what Python refuses, with its words and without a step", () => {
  store.commit(painted(10), "draft");
  const accepted = model.get("revision") as number;
  store.commit(painted(20), "draft");
  python(accepted, { draft: disc(10) });
  model.trigger("msg:custom", { type: "error", text: "too far", refused: true });
  expect([store.error, store.scene.draft, store.canRedo]).toEqual(["too far", disc(10), false]);
  store.undo();
  expect(store.scene.draft).toBeNull();
});

it("listens no more once disposed", () => {
  store.dispose();
  expect(model.count).toBe(0);
});

it("asks whether Python is there when the connection was cut", () => {
  model.trigger("comm_live_update");
  expect(model.sent).toEqual([{ type: "hello" }]);
  model.trigger("msg:custom", { type: "hello" });
  expect(store.heartbeat.gone).toBe(false);
  model.connected = false;
  model.trigger("comm_live_update");
  expect(store.heartbeat.gone).toBe(true);
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

describe("the list", () => {
  const colours = () => store.scene.looks.map((one) => one.colour);
  const places = () => store.scene.document.drags.map((drag) => (drag.region as Region & { center: Point }).center[0]);

  beforeEach(() => {
    const drags = [10, 30, 50].flatMap((x) => fromPython(x).drags);
    python(1, { state: { version: 1, drags, keep: null } });
  });

  it("gives colours that stay with their drags", () => {
    expect(colours()).toEqual([0, 1, 2]);
    store.reorder(-1, 2);
    expect([places(), colours(), store.selection]).toEqual([[10, 50, 30], [0, 2, 1], 1]);
    store.reorder(1, 2);
    expect(places()).toEqual([10, 50, 30]);
    store.select(0);
    store.removeSelected();
    expect([places(), colours()]).toEqual([[50, 30], [2, 1]]);
    store.undo();
    store.undo();
    expect([places(), colours()]).toEqual([[10, 30, 50], [0, 1, 2]]);
  });

  it("mutes and copies, each one step of undo", () => {
    store.mute(1);
    expect(model.get("looks")).toEqual([look(0), look(1, true), look(2)]);
    store.duplicate(0);
    expect([places(), colours(), store.selection]).toEqual([[10, 10, 30, 50], [0, 3, 1, 2], 1]);
    expect(store.scene.looks.map((one) => one.muted)).toEqual([true, false, true, false]);
    store.undo();
    store.undo();
    expect(store.scene.looks.map((one) => one.muted)).toEqual([false, false, false]);
  });

  it("lets keep lie on what is muted, and on nothing else", () => {
    store.mute(1);
    const keep: Region = { type: "box", left: 0, top: 0, right: 64, bottom: 48 };
    store.commit({ ...store.scene, document: { ...store.scene.document, keep } });
    const kept = () => store.mask(store.scene.document.keep!);
    expect([kept().at([10, 20]), kept().at([30, 20])]).toEqual([false, true]);
    store.mute(1);
    expect(kept().at([30, 20])).toBe(false);
  });
});

describe("selecting by a click", () => {
  const answer = (threshold: number) => {
    const values = new Uint8Array(64 * 48);
    for (let x = 10; x < 20; x++) for (let y = 5; y < 15; y++) values[y * 64 + x] = x < 15 ? 200 : 100;
    const message = { type: "similarity", point: [12, 8], width: 64, height: 48, threshold };
    model.trigger("msg:custom", message, [new DataView(values.buffer)]);
  };
  const area = () => store.mask(store.scene.draft!).area;

  it("asks once; the threshold then moves without asking, as one step of undo", () => {
    store.picking.request([12.004, 8], false);
    expect(model.sent).toEqual([{ type: "pick", point: [12, 8], selector: "features" }]);
    expect(store.picking.waiting).toBe(true);
    answer(0.5);
    expect([store.picking.waiting, area(), store.selection]).toEqual([false, 50, "draft"]);
    store.picking.setThreshold(0.3);
    expect([area(), model.sent.length]).toEqual([100, 1]);
    store.undo();
    expect(store.scene.draft).toBeNull();
  });

  it("adds with Shift", () => {
    store.commit(painted(40), "draft");
    const before = area();
    store.picking.request([12, 8], true);
    answer(0.5);
    expect(area()).toBe(before + 50);
  });

  it("says what is wrong", () => {
    store.picking.request([12, 8], false);
    model.trigger("msg:custom", { type: "error", text: "no blocks" });
    expect([store.picking.waiting, store.error]).toEqual([false, "no blocks"]);
    model.set("selectors", []);
    store.picking.request([12, 8], false);
    expect([store.picking.waiting, model.sent.length]).toEqual([false, 1]);
  });
});

describe("clips", () => {
  const frames = [1, 2, 3].map((n) => new DataView(new ArrayBuffer(n)));
  const send = (clip: number) => model.trigger("msg:custom", { type: "clip", clip, frame_rate: 10 }, frames);

  it("are replaced by newer ones and end before the frame that Python shows", () => {
    send(1);
    const first = store.clip;
    send(2);
    store.endClip(first);
    expect(store.clip?.number).toBe(2);
    model.trigger("msg:custom", { type: "still" });
    expect(store.clip).toBeNull();
  });

  it("show the frame that is due, whatever was missed", () => {
    const clip = { number: 1, rate: 10, frames };
    expect([-1, 0, 0.09, 0.11, 0.2, 9].map((seconds) => frameDue(clip, seconds))).toEqual([0, 0, 0, 1, 2, 2]);
  });
});
