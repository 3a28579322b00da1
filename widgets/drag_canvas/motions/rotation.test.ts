import { describe, expect, it } from "vitest";
import { apply } from "../../shared/affine";
import { motionAt } from ".";
import { angleAt } from "./rotation";

describe("rotations", () => {
  const turn = { type: "rotation", center: [10, 10], degrees: 90, ease: "linear" } as const;

  it("turn clockwise on the screen", () => {
    const [x, y] = apply(motionAt(turn, 1), [20, 10]);
    expect(x).toBeCloseTo(10, 9);
    expect(y).toBeCloseTo(20, 9);
  });

  it("follow an arc of angles", () => {
    const arc = { ...turn, degrees: [30, -30] };
    expect([0, 0.25, 0.5, 1].map((f) => angleAt(arc, f))).toEqual([0, 15, 30, -30]);
    expect(angleAt({ ...turn, degrees: [0, 30, -30] }, 0.5)).toBe(30);
  });
});
