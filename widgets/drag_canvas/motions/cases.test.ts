// The paths that Python samples, from the same file that Python's tests read.
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import type { PathDocument } from "../../shared/document";
import { pathAt, pathLength, reach } from "../../shared/spline";
import { angleAt, type RotationMotion } from "./rotation";

interface Cases {
  readonly paths: readonly {
    readonly path: PathDocument;
    readonly length: number;
    readonly reach: readonly [number, number];
    readonly at: readonly (readonly [number, number, number])[];
  }[];
  readonly rotations: readonly {
    readonly motion: RotationMotion;
    readonly at: readonly (readonly [number, number])[];
  }[];
}

const cases = JSON.parse(
  readFileSync(new URL("../../../tests/drags/path_cases.json", import.meta.url), "utf8"),
) as Cases;
const TOLERANCE = 1e-6;

it.each(cases.paths.map((path, i) => [i, path] as const))("samples path %i as Python does", (_, given) => {
  expect(Math.abs(pathLength(given.path) - given.length)).toBeLessThan(TOLERANCE);
  const [dx, dy] = reach(given.path);
  expect(Math.hypot(dx - given.reach[0], dy - given.reach[1])).toBeLessThan(TOLERANCE);
  for (const [fraction, x, y] of given.at) {
    const [atX, atY] = pathAt(given.path, fraction);
    expect(Math.hypot(atX - x, atY - y)).toBeLessThan(TOLERANCE);
  }
});

it.each(cases.rotations.map((turn, i) => [i, turn] as const))("turns arc %i as Python does", (_, given) => {
  for (const [fraction, degrees] of given.at) {
    expect(Math.abs(angleAt(given.motion, fraction) - degrees)).toBeLessThan(TOLERANCE);
  }
});

it("has cases", () => {
  expect(cases.paths.length).toBeGreaterThan(10);
  expect(cases.rotations.length).toBeGreaterThan(3);
});
