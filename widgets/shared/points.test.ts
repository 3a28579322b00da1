import { expect, test } from "vitest";
import { MOST_DRAWN, distanceToPolyline, simplify, simplifyTo, type Point } from "./points";

const scribble: Point[] = Array.from({ length: 5000 }, (_, i) => [
  100 + 60 * Math.sin(i * 1.7),
  100 + 60 * Math.cos(i * 2.3),
]);

test("a stroke of few points is only simplified", () => {
  const line: Point[] = Array.from({ length: 200 }, (_, i) => [i, i % 2 === 0 ? 0 : 0.1]);
  expect(simplifyTo(line, 0.25)).toEqual(simplify(line, 0.25));
  expect(simplifyTo(line, 0.25)).toEqual([line[0], line[199]]);
  expect(simplifyTo([[1, 2]], 0.25)).toEqual([[1, 2]]);
});

test("a scribble is made coarser until it fits, from its first point to its last", () => {
  expect(simplify(scribble, 0.25).length).toBeGreaterThan(MOST_DRAWN);
  const found = simplifyTo(scribble, 0.25);
  expect(found.length).toBeLessThanOrEqual(MOST_DRAWN);
  expect(found[0]).toEqual(scribble[0]);
  expect(found.at(-1)).toEqual(scribble.at(-1));
});

test("a long smooth stroke stays where it was drawn", () => {
  const spiral: Point[] = Array.from({ length: 4000 }, (_, i) => [
    300 + 0.03 * i * Math.cos(i / 40),
    300 + 0.03 * i * Math.sin(i / 40),
  ]);
  const found = simplifyTo(spiral, 0.25);
  expect(found.length).toBeLessThanOrEqual(MOST_DRAWN);
  const away = Math.max(...spiral.map((point) => distanceToPolyline(point, found)));
  expect(away).toBeLessThanOrEqual(2);
});
