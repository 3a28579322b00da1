import { describe, expect, it } from "vitest";
import { FakeModel } from "../shared/fake_model";
import { Store } from "./store";

describe("the store of the studio's bar", () => {
  it("has a state before Python has sent one", () => {
    const store = new Store(new FakeModel({ state: {} }));
    expect(store.state).toMatchObject({ status: "stopped", blocks: 0, doing: null });
    expect(store.figures).toEqual([]);
    expect(store.failure).toBeNull();
    expect(store.written).toBeNull();
  });

  it("shows an error of the prompt beside the prompt, other errors beside the buttons", () => {
    const model = new FakeModel({ state: {} });
    const store = new Store(model);
    let calls = 0;
    store.watch(() => calls++);
    model.trigger("msg:custom", { type: "error", text: "unknown words", request: "prompt" });
    expect([store.answer, store.error]).toEqual(["unknown words", null]);
    model.trigger("msg:custom", { type: "error", text: "no drags", request: "animate" });
    expect([store.answer, store.error]).toEqual(["unknown words", "no drags"]);
    store.request("prompt", { text: "a red box" });
    expect([store.answer, store.error]).toEqual([null, null]);
    expect(model.sent).toEqual([{ type: "prompt", text: "a red box" }]);
    expect(calls).toBe(3);
  });

  it("clears an error once the stream works again", () => {
    const model = new FakeModel({ state: {} });
    const store = new Store(model);
    model.trigger("msg:custom", { type: "error", text: "no drags", request: "animate" });
    model.set("state", { status: "working" });
    expect(store.error).toBeNull();
  });
});
