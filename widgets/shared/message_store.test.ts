import { beforeEach, expect, it, vi } from "vitest";
import { FakeModel } from "./fake_model";
import { MessageStore } from "./message_store";
import { GONE } from "./model";

let model: FakeModel;
let store: MessageStore;
let calls: number;

beforeEach(() => {
  model = new FakeModel();
  store = new MessageStore(model, ["state", "figures"]);
  calls = 0;
  store.watch(() => (calls += 1));
});

it("notifies watchers until they leave", () => {
  const leave = store.watch(() => (calls += 10));
  model.set("state", 1);
  leave();
  model.set("figures", 2);
  model.set("other", 3);
  expect(calls).toBe(12);
});

it("shows an error of Python until the next request", () => {
  model.trigger("msg:custom", { type: "error", text: "<b>no</b> drags" });
  expect(store.error).toBe("<b>no</b> drags");
  model.trigger("msg:custom", { type: "hello" });
  expect(store.error).toBe("<b>no</b> drags");
  store.request("animate", { blocks: 2 });
  expect([store.error, model.sent]).toEqual([null, [{ type: "animate", blocks: 2 }]]);
  store.setError("x");
  store.setError(null);
  expect([store.error, calls]).toEqual([null, 4]);
});

it("shows that the kernel is gone, and when it is back", () => {
  vi.useFakeTimers();
  model.trigger("comm_live_update");
  expect([model.sent, store.error]).toEqual([[{ type: "hello" }], null]);
  vi.runAllTimers();
  expect([store.heartbeat.gone, store.error]).toEqual([true, GONE]);
  model.trigger("msg:custom", { type: "hello" });
  expect([store.heartbeat.gone, store.error]).toEqual([false, null]);
  vi.useRealTimers();
  model.connected = false;
  store.request("play");
  expect(store.error).toBe(GONE);
});

it("leaves no listeners on its model", () => {
  store.dispose();
  expect(model.count).toBe(0);
  model.set("state", 1);
  expect(calls).toBe(0);
});
