import { expect, it } from "vitest";
import { decide, shuffled } from "./choices";

it("shows every case once, on sides that are drawn", () => {
  const turns = shuffled(5, (below) => below - 1);
  expect(turns.map((turn) => turn.item)).toEqual([0, 1, 2, 3, 4]);
  expect(turns.every((turn) => turn.left === 1)).toBe(true);
  expect(shuffled(3, () => 0).map((turn) => turn.item).sort()).toEqual([0, 1, 2]);
});

it("says which film was chosen, whatever its side", () => {
  const verdicts = ([0, 1] as const).flatMap((left) =>
    (["left", "right", null] as const).map((side) => decide("a", { item: 0, left }, side, 1.234).verdict),
  );
  expect(verdicts).toEqual(["first", "second", "same", "second", "first", "same"]);
  expect(decide("a", { item: 0, left: 0 }, "right", 1.234)).toEqual({ case: "a", verdict: "second", side: "right", seconds: 1.2 });
});
