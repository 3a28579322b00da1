import { describe, expect, it } from "vitest";
import { apply } from "../shared/affine";
import { FakeCanvasModel } from "./fake_model";
import { HoldKeys } from "./hold_keys";
import { takeHold, wheelHold } from "./hold_tool";
import { Holding, posed, type Hold } from "./holding";
import { Store } from "./store";

const DISC = { type: "disc", center: [20, 20], radius: 6 } as const;

const hold = (changes: Partial<Hold> = {}): Hold => ({
  id: 1, key: null, region: DISC, at: [20, 20], grip: DISC, grip_at: [20, 20],
  position: [20, 20], degrees: 0, factor: 1, pinned: false, blocks: 0, stamp: null,
  ...changes,
});

/** A store whose holding sends when it is told to, at times of the test. */
function made(playing = true) {
  const model = new FakeCanvasModel();
  if (playing) model.set("live_status", "playing");
  const store = new Store(model);
  store.holding.dispose();
  const frames: (() => void)[] = [];
  const clock = { now: 1000 };
  const holding = new Holding(store, model, (call) => frames.push(call), () => clock.now);
  Object.assign(store, { holding });
  const sent = (type: string) =>
    model.sent.filter((message) => (message as { type: string }).type === type) as Record<string, unknown>[];
  const frame = (): void => frames.splice(0).forEach((call) => call());
  return { model, store, holding, clock, sent, frame };
}

const press = (x: number, y: number) => ({ point: [x, y] as const, shift: false, alt: false });

describe("the pose of a hold", () => {
  it("turns and scales the grip about the held point, and moves it", () => {
    const map = posed({ grip_at: [10, 20] }, { position: [30, 20], degrees: 90, factor: 2 });
    expect(apply(map, [10, 20])).toEqual([30, 20]);
    const [x, y] = apply(map, [13, 20]);
    expect(x).toBeCloseTo(30);
    expect(y).toBeCloseTo(26); // clockwise, as y points down
  });
});

describe("a pull", () => {
  it("takes hold at once and sends the newest pose, once a frame of the screen", () => {
    const { store, sent, frame } = made();
    const gesture = takeHold(store, press(20, 20), 4)!;
    expect(sent("hold")).toMatchObject([{ point: [20, 20], id: null }]);
    gesture.move(press(24, 20));
    gesture.move(press(30, 22));
    expect(sent("hold_move")).toEqual([]);
    frame();
    const { key } = sent("hold")[0];
    expect(sent("hold_move")).toEqual([
      { type: "hold_move", key, x: 30, y: 22, degrees: 0, factor: 1, stamp: 1000, ticket: 0 },
    ]);
    gesture.end();
    expect(sent("hold_end")).toEqual([{ type: "hold_end", key }]);
  });

  it("of a page that is gone ends when another one opens", () => {
    const model = new FakeCanvasModel();
    model.set("holds", [hold({ key: 7 }), hold({ id: 2 })]); // Python holds the second
    new Store(model);
    expect(model.sent).toEqual([{ type: "hold_end", key: 7 }]);
    model.set("holds", [hold({ key: 7 }), hold({ id: 2, key: 8 })]); // and another page moves the second
    expect(model.sent).toEqual([{ type: "hold_end", key: 7 }, { type: "hold_end", key: 7 }]);
  });

  it("never queues: two moves are under way, and of the others the newest waits", () => {
    const { store, holding, sent, frame } = made();
    const gesture = takeHold(store, press(20, 20), 4)!;
    for (const x of [21, 22, 23, 24, 25]) {
      gesture.move(press(x, 20));
      frame();
    }
    expect(sent("hold_move").map(({ x }) => x)).toEqual([21, 22]);
    holding.onMessage({ type: "hold_moved", key: sent("hold")[0]["key"], ticket: 0 });
    expect(sent("hold_move").map(({ x }) => x)).toEqual([21, 22, 25]);
  });

  it("goes on outside of the frame", () => {
    const { store, sent, frame } = made();
    const gesture = takeHold(store, press(20, 20), 4)!;
    gesture.move({ ...press(0, 20), beyond: [-30, 20] });
    frame();
    expect(sent("hold_move")).toMatchObject([{ x: -30, y: 20 }]);
  });

  it("moves a hold that is there by as much as the pointer moves", () => {
    const { model, store, sent, frame } = made();
    model.set("holds", [hold({ id: 4, position: [22, 21], degrees: 30 })]);
    const gesture = takeHold(store, press(18, 20), 4)!;
    expect(sent("hold")).toMatchObject([{ id: 4 }]);
    gesture.move(press(28, 20));
    frame();
    expect(sent("hold_move")).toMatchObject([{ x: 32, y: 21, degrees: 30 }]);
  });

  it("is turned and scaled by the wheel and by two fingers", () => {
    const { store, sent, frame } = made();
    const gesture = takeHold(store, press(20, 20), 4)!;
    gesture.wheel!(-2, false);
    gesture.wheel!(1, true);
    frame();
    expect(sent("hold_move")).toMatchObject([{ degrees: 10, factor: 1.05 }]);
    gesture.pinch!({ shift: [3, -1], degrees: -10, factor: 2 });
    frame();
    expect(sent("hold_move")[1]).toMatchObject({ x: 23, y: 19, degrees: 0, factor: 2.1 });
  });

  it("ends when it is cancelled", () => {
    const { store, sent } = made();
    takeHold(store, press(20, 20), 4)!.cancel!();
    expect(sent("hold_end")).toHaveLength(1);
  });

  it("is dropped when Python refuses it, and no other", () => {
    const { model, store, holding } = made();
    const kept = holding.grab([20, 20]);
    model.set("holds", [hold({ key: kept.key })]);
    const refused = holding.grab([50, 40]);
    model.trigger("msg:custom", { type: "error", request: "hold", text: "no object" });
    expect(store.error).toBe("no object");
    holding.move(kept, { position: [25, 20] });
    expect(holding.poseOf(holding.holds[0]).position).toEqual([25, 20]);
    expect(holding.held(refused)).toBeNull();
  });
});

describe("a double press", () => {
  it("pins, where the first press has let go", () => {
    const { model, store, holding, clock, sent } = made();
    takeHold(store, press(20, 20), 4)!.end();
    model.set("holds", [hold({ key: sent("hold")[0]["key"] as number })]); // not gone yet
    clock.now += 200;
    expect(takeHold(store, press(21, 20), 4)).toBeNull();
    expect(sent("hold_pin")).toEqual([{ type: "hold_pin", point: [21, 20], id: null }]);
    clock.now += 200;
    expect(takeHold(store, press(21, 20), 4)).not.toBeNull(); // the third is a first one
    expect(holding.at([21, 20])).toBeNull();
  });

  it("is none when it comes late or elsewhere", () => {
    const { store, clock, sent } = made();
    takeHold(store, press(20, 20), 4)!.end();
    clock.now += 500;
    takeHold(store, press(20, 20), 4)!.end();
    clock.now += 100;
    takeHold(store, press(40, 20), 4)!.end();
    expect(sent("hold_pin")).toEqual([]);
  });
});

describe("the wheel", () => {
  it("turns what is held under the pointer, with the hold tool in hand", () => {
    const { model, store, sent, frame } = made();
    model.set("holds", [hold({ id: 3, pinned: true })]);
    expect(wheelHold(store, [50, 40], 1, false)).toBe(false);
    expect(wheelHold(store, [20, 20], 1, false)).toBe(true);
    frame();
    expect(sent("hold_move")).toMatchObject([{ degrees: -5, x: 20, y: 20 }]);
    expect(sent("hold_end")).toHaveLength(1);
    store.setTool("brush");
    expect(wheelHold(store, [20, 20], 1, false)).toBe(false);
  });
});

describe("a pointer over the frame", () => {
  it("is told to Python once, while it plays and with the hold tool in hand", () => {
    const { model, store, holding, sent } = made();
    holding.hover(true);
    holding.hover(true);
    holding.hover(false);
    store.setTool("brush");
    holding.hover(true);
    store.setTool("hold");
    model.set("live_status", "paused");
    holding.hover(true);
    expect(sent("hover")).toEqual([{ type: "hover", inside: true }, { type: "hover", inside: false }]);
  });
});

describe("the time from pointer to picture", () => {
  it("is taken when the picture is painted, once for each move", () => {
    const { model, holding, clock, sent } = made();
    model.set("holds", [hold({ stamp: 1000 })]);
    clock.now = 1420;
    holding.paint(1);
    clock.now = 1800;
    model.set("holds", [hold({ stamp: 1000, blocks: 2 })]);
    holding.paint(2);
    expect(holding.latency).toBe(420);
    expect(sent("hold_shown")).toEqual([{ type: "hold_shown", milliseconds: 420 }]);
  });
});

describe("the hold tool", () => {
  it("is at hand while a stream plays, and gone afterwards", () => {
    const { model, store } = made(false);
    expect(store.tool).toBe("brush");
    store.setTool("box");
    model.set("live_status", "playing");
    expect(store.tool).toBe("hold");
    model.set("live_status", "paused");
    expect(store.tool).toBe("box");
  });

  it("stays in hand while something is held", () => {
    const { model, store } = made();
    model.set("holds", [hold()]);
    model.set("live_status", "paused");
    expect(store.tool).toBe("hold");
  });
});

describe("the keys", () => {
  const key = (keys: HoldKeys, name: string, shiftKey = false): boolean =>
    keys.key({ key: name, shiftKey, ctrlKey: false, metaKey: false, altKey: false } as KeyboardEvent);
  const OBJECTS = [
    { region: DISC, point: [20, 20] },
    { region: { type: "disc", center: [45, 30], radius: 5 }, point: [45, 30] },
  ];

  function found() {
    const all = made();
    const keys = new HoldKeys(all.store);
    key(keys, "Enter");
    all.holding.onMessage({ type: "objects", objects: OBJECTS });
    keys.update();
    return { ...all, keys };
  }

  it("find objects, go through them and say where they are", () => {
    const { keys, holding, sent } = found();
    expect(sent("objects")).toHaveLength(1);
    expect(holding.note).toMatch(/^Object 1 of 2 at x 20, y 20/);
    expect(key(keys, "Tab")).toBe(true);
    expect(holding.note).toMatch(/^Object 2 of 2 at x 45, y 30/);
    key(keys, "Tab");
    expect(keys.chosen).toBe(0);
    key(keys, "Tab", true);
    expect(keys.chosen).toBe(1);
  });

  it("pull, turn, scale and let go", () => {
    const { keys, holding, sent, frame } = found();
    key(keys, "Tab");
    key(keys, "ArrowRight", true);
    key(keys, "ArrowUp");
    key(keys, ".");
    key(keys, ">");
    frame();
    expect(sent("hold")).toMatchObject([{ point: [45, 30], id: null }]);
    expect(sent("hold_move")).toMatchObject([{ x: 53, y: 29, degrees: 5, factor: 1.05 }]);
    expect(holding.note).toBe("Held object 2 of 2: target x 53, y 29, turned 5 degrees, 105 % of its size.");
    key(keys, "Delete");
    expect(sent("hold_end")).toHaveLength(1);
    expect(holding.note).toMatch(/^Let go of object 2 of 2/);
  });

  it("pin what they hold, and take the pin out", () => {
    const { model, keys, holding, sent } = found();
    key(keys, "ArrowRight");
    model.set("holds", [hold({ id: 8, key: sent("hold")[0]["key"] as number, at: [20.5, 20] })]);
    key(keys, "Enter");
    expect(sent("hold_pin")).toEqual([{ type: "hold_pin", point: [20.5, 20], id: 8 }]);
    expect(holding.note).toMatch(/^Pinned object 1 of 2/);
    model.set("holds", [hold({ id: 9, pinned: true, at: [20.5, 20], position: [21, 20] })]);
    key(keys, "Enter");
    expect(sent("hold_pin")[1]).toMatchObject({ id: 9 });
    expect(holding.note).toMatch(/^Unpinned/);
  });

  it("let go of all with Escape, after which Tab leaves the canvas", () => {
    const { model, keys, holding, sent } = found();
    model.set("holds", [hold({ blocks: 3 })]);
    expect(key(keys, "Escape")).toBe(true);
    expect(sent("hold_release")).toHaveLength(1);
    expect(holding.note).toBe("Let go of all after 3 blocks.");
    expect(key(keys, "Tab")).toBe(false);
    model.set("holds", []);
    expect(key(keys, "Escape")).toBe(false);
  });

  it("mean nothing with another tool", () => {
    const { store, keys } = found();
    store.setTool("brush");
    expect(key(keys, "ArrowRight")).toBe(false);
  });
});
