import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { FakeModel } from "./fake_model";
import { Views } from "./views";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const told = (talk: FakeModel): unknown[] => talk.sent.map((message) => (message as { views: number }).views);

it("tells of the first view, and when the last one has gone for good", () => {
  const talk = new FakeModel();
  const views = new Views(talk);
  const [first, second] = [views.add(), views.add()];
  expect(talk.sent).toEqual([{ type: "views", views: 1 }]);
  first();
  vi.advanceTimersByTime(5000);
  expect(told(talk)).toEqual([1]);
  second();
  expect(told(talk)).toEqual([1]);
  vi.advanceTimersByTime(5000);
  expect(told(talk)).toEqual([1, 0]);
  views.add();
  expect(told(talk)).toEqual([1, 0, 1]);
});

it("says nothing of a view that a cell takes away and brings back", () => {
  const talk = new FakeModel();
  const views = new Views(talk);
  views.add()();
  views.add();
  vi.advanceTimersByTime(60_000);
  expect(told(talk)).toEqual([1]);
});

it("tells of a widget that the page has but never shows, and answers when Python asks", () => {
  const talk = new FakeModel();
  const views = new Views(talk);
  talk.trigger("msg:custom", { type: "views" });
  expect(told(talk)).toEqual([]);
  vi.advanceTimersByTime(60_000);
  expect(told(talk)).toEqual([0]);
  views.add();
  talk.trigger("msg:custom", { type: "views" });
  expect(told(talk)).toEqual([0, 1, 1]);
  views.dispose();
  talk.trigger("msg:custom", { type: "views" });
  expect(told(talk)).toEqual([0, 1, 1]);
});
