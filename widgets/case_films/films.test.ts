import { expect, it } from "vitest";
import { loopedTo, marksAt, type Drag } from "./films";

const drag: Drag = {
  outline: "", track: [],
  targets: [{ frame: 2, matrix: [1, 0, 5, 0, 1, 0] }, { frame: 4, matrix: [1, 0, 9, 0, 1, 0] }],
};

it("draws the handle until the first target has come, then the newest one", () => {
  expect([0, 1, 2, 3, 4, 5].map((frame) => marksAt(drag, frame).matrix?.[2] ?? null)).toEqual([null, null, 5, 5, 9, 9]);
});

it("plays a film at its rate, rests on the last frame and begins again", () => {
  expect([0, 0.24, 0.25, 0.74, 0.99, 1.4, 1.81].map((time) => loopedTo(time, 4, 4))).toEqual([0, 0, 1, 2, 3, 3, 0]);
  expect([0, 0.9, 1.1, 2.1].map((time) => loopedTo(time, 2, 8))).toEqual([0, 0, 1, 0]);
});
