import { describe, expect, it } from "vitest";
import { GONE } from "../shared/model";
import { Store } from "./store";

/** A model without a kernel: remembers what was sent, and says what it is told to. */
function fakeModel(traits: Record<string, unknown> = {}) {
  const listeners = new Map<string, ((...values: unknown[]) => void)[]>();
  const sent: unknown[] = [];
  let deaf = false;
  return {
    sent,
    deafen: () => (deaf = true),
    say: (event: string, ...values: unknown[]) => listeners.get(event)?.forEach((listen) => listen(...values)),
    get: (name: string) => traits[name],
    set: (name: string, value: unknown) => (traits[name] = value),
    send: (content: unknown) => {
      if (deaf) throw new Error("no connection");
      sent.push(content);
    },
    on: (event: string, listen: (...values: never[]) => void) =>
      listeners.set(event, [...(listeners.get(event) ?? []), listen as never]),
    off: (event: string, listen: (...values: never[]) => void) =>
      listeners.set(event, (listeners.get(event) ?? []).filter((known) => known !== (listen as never))),
    count: () => [...listeners.values()].flat().length,
  };
}

describe("the store of the studio's bar", () => {
  it("has a state before Python has told one", () => {
    const store = new Store(fakeModel({ state: {} }));
    expect(store.state).toMatchObject({ status: "stopped", blocks: 0, doing: null });
    expect(store.figures).toEqual([]);
    expect(store.failure).toBeNull();
    expect(store.written).toBeNull();
  });

  it("answers a prompt beside the prompt and all else beside the buttons", () => {
    const model = fakeModel({ state: {} });
    const store = new Store(model);
    let told = 0;
    store.watch(() => told++);
    model.say("msg:custom", { type: "error", text: "unknown words", request: "prompt" });
    expect([store.answer, store.error]).toEqual(["unknown words", null]);
    model.say("msg:custom", { type: "error", text: "no drags", request: "animate" });
    expect([store.answer, store.error]).toEqual(["unknown words", "no drags"]);
    store.ask("prompt", { text: "a red box" });
    expect([store.answer, store.error]).toEqual([null, null]);
    expect(model.sent).toEqual([{ type: "prompt", text: "a red box" }]);
    expect(told).toBe(3);
  });

  it("forgets an error once something is under way again", () => {
    const model = fakeModel({ state: {} });
    const store = new Store(model);
    model.say("msg:custom", { type: "error", text: "no drags", request: "animate" });
    model.set("state", { status: "working" });
    model.say("change:state");
    expect(store.error).toBeNull();
  });

  it("says when the kernel is gone", () => {
    const model = fakeModel({ state: {} });
    const store = new Store(model);
    model.deafen();
    store.ask("play");
    expect(store.error).toBe(GONE);
  });

  it("lets go of its model", () => {
    const model = fakeModel({ state: {} });
    new Store(model).dispose();
    expect(model.count()).toBe(0);
  });
});
