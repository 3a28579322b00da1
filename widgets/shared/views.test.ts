import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { FakeModel } from "./fake_model";
import { Views } from "./views";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const reports = (model: FakeModel): unknown[] => model.sent.map((message) => (message as { views: number }).views);

it("reports the first view, and when the last one is gone", () => {
  const model = new FakeModel();
  const views = new Views(model);
  const [first, second] = [views.add(), views.add()];
  expect(model.sent).toEqual([{ type: "views", views: 1 }]);
  first();
  vi.advanceTimersByTime(5000);
  expect(reports(model)).toEqual([1]);
  second();
  expect(reports(model)).toEqual([1]);
  vi.advanceTimersByTime(5000);
  expect(reports(model)).toEqual([1, 0]);
  views.add();
  expect(reports(model)).toEqual([1, 0, 1]);
});

it("does not report a view that a cell removes and adds again", () => {
  const model = new FakeModel();
  const views = new Views(model);
  views.add()();
  views.add();
  vi.advanceTimersByTime(60_000);
  expect(reports(model)).toEqual([1]);
});

it("reports a widget that is never shown, and answers requests of Python", () => {
  const model = new FakeModel();
  const views = new Views(model);
  model.trigger("msg:custom", { type: "views" });
  expect(reports(model)).toEqual([]);
  vi.advanceTimersByTime(60_000);
  expect(reports(model)).toEqual([0]);
  views.add();
  model.trigger("msg:custom", { type: "views" });
  expect(reports(model)).toEqual([0, 1, 1]);
  views.dispose();
  model.trigger("msg:custom", { type: "views" });
  expect(reports(model)).toEqual([0, 1, 1]);
});
