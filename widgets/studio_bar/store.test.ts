import { describe, expect, it } from "vitest";
import { FakeModel } from "../shared/fake_model";
import { Store } from "./store";

describe("the store of the studio's bar", () => {
  it("has a state before Python has told one", () => {
    const store = new Store(new FakeModel({ state: {} }));
    expect(store.state).toMatchObject({ status: "stopped", blocks: 0, doing: null });
    expect(store.figures).toEqual([]);
    expect(store.failure).toBeNull();
    expect(store.written).toBeNull();
  });

  it("answers a prompt beside the prompt and all else beside the buttons", () => {
    const model = new FakeModel({ state: {} });
    const store = new Store(model);
    let told = 0;
    store.watch(() => told++);
    model.trigger("msg:custom", { type: "error", text: "unknown words", request: "prompt" });
    expect([store.answer, store.error]).toEqual(["unknown words", null]);
    model.trigger("msg:custom", { type: "error", text: "no drags", request: "animate" });
    expect([store.answer, store.error]).toEqual(["unknown words", "no drags"]);
    store.request("prompt", { text: "a red box" });
    expect([store.answer, store.error]).toEqual([null, null]);
    expect(model.sent).toEqual([{ type: "prompt", text: "a red box" }]);
    expect(told).toBe(3);
  });

  it("forgets an error once something is under way again", () => {
    const model = new FakeModel({ state: {} });
    const store = new Store(model);
    model.trigger("msg:custom", { type: "error", text: "no drags", request: "animate" });
    model.set("state", { status: "working" });
    expect(store.error).toBeNull();
  });
});
