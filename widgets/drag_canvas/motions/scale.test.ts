import { beforeEach, expect, it } from "vitest";
import { apply } from "../../shared/affine";
import type { Point } from "../../shared/points";
import { FakeCanvasModel } from "../fake_model";
import { hit } from "../hit";
import { nudge, wheelRegion } from "../motion_tools";
import { Store } from "../store";
import { begin } from "../tools";
import { kindOf, motionAt } from ".";
import { factorAt, type ScaleMotion } from "./scale";

let store: Store;

beforeEach(() => {
  store = new Store(new FakeCanvasModel());
  stroke("box", [[10, 10], [21, 21]]); // its middle is (15, 15)
});

function stroke(tool: string, points: Point[], shift = false): void {
  store.setTool(tool);
  const press = (point: Point) => ({ point, shift, alt: false });
  const gesture = begin(store, press(points[0]), 2);
  for (const point of points.slice(1)) gesture?.move(press(point));
  gesture?.end();
}

const motion = () => store.scene.document.drags[0].motion as ScaleMotion;

it("grows a region that is pulled away from its middle", () => {
  stroke("scale", [[20, 15], [25, 15]]);
  expect(motion()).toEqual({ type: "scale", center: [15, 15], factor: 2, ease: "linear" });
  expect(kindOf(motion()).describe(motion())).toBe("Grow to 200 %");
  expect(apply(motionAt(motion(), 1), [20, 15])).toEqual([25, 15]);
});

it("is changed by its handle and its centre, and snaps with Shift", () => {
  stroke("scale", [[20, 15], [25, 15]]);
  expect(hit(store, [25, 15], 2)).toEqual({ selection: 0, part: "arm" });
  stroke("select", [[25, 15], [22.6, 15]], true);
  expect(motion().factor).toBe(1.5);
  stroke("select", [[15, 15], [16, 14]]);
  expect(motion().center).toEqual([16, 14]);
});

it("is made and changed by the wheel, and by the arrow keys", () => {
  store.setTool("scale");
  expect(wheelRegion(store, 1)).toBe(true);
  expect(motion().factor).toBe(1.05);
  wheelRegion(store, -2);
  expect(motion().factor).toBeCloseTo(0.95, 2);
  nudge(store, [5, 0]);
  expect(motion().factor).not.toBe(1); // Python takes no scale that changes nothing
  store.setTool("pull");
  expect(wheelRegion(store, 1)).toBe(false);
});

it("passes through its factors by equal ratios, as in Python", () => {
  const several: ScaleMotion = { type: "scale", center: [0, 0], factor: [2, 0.5], ease: "linear" };
  expect([0, 0.5, 0.75, 1].map((f) => factorAt(several, f))).toEqual([1, 2, 1, 0.5]);
});
