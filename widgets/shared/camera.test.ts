import { expect, it } from "vitest";
import { scrolledTo, MOST_ZOOM, pinched, pulledBy, fittedTo, wholeFrame, zoomAt, type Camera } from "./camera";
import type { Point } from "./points";

const size = { width: 200, height: 100 };
const close = (a: Camera, b: Camera) => {
  expect(a.zoom).toBeCloseTo(b.zoom, 9);
  expect([a.left, a.top].map((x) => Math.round(1e9 * x))).toEqual([b.left, b.top].map((x) => Math.round(1e9 * x)));
};

it("zooms about a place that stays under the pointer", () => {
  const seen = zoomAt(wholeFrame, [150, 25], 4, size);
  close(seen, { zoom: 4, left: 112.5, top: 18.75 });
  const share = (camera: Camera, x: number) => ((x - camera.left) * camera.zoom) / size.width;
  expect(share(zoomAt(seen, [140, 30], 1.5, size), 140)).toBeCloseTo(share(seen, 140), 9);
});

it("never shows what lies beside the frame, nor zooms without end", () => {
  const corner = zoomAt(wholeFrame, [0, 0], 2, size);
  expect(pulledBy(corner, [50, 50], size)).toEqual(corner);
  close(pulledBy(corner, [-500, -500], size), { zoom: 2, left: 100, top: 50 });
  expect(zoomAt(corner, [10, 10], 1e9, size).zoom).toBe(MOST_ZOOM);
  close(zoomAt(corner, [10, 10], 0, size), wholeFrame);
});

it("follows two fingers: what was under each one stays there", () => {
  const before = zoomAt(wholeFrame, [100, 50], 2, size);
  const [a, b]: [Point, Point] = [[90, 50], [110, 50]];
  const [c, d]: [Point, Point] = [[85, 52], [125, 52]];
  const after = pinched(before, [a, b], [c, d], size);
  expect(after.zoom).toBeCloseTo(4, 9);
  // on the screen, in shares of the view
  const place = (camera: Camera, [x, y]: Point) => [
    ((x - camera.left) * camera.zoom) / size.width, ((y - camera.top) * camera.zoom) / size.height,
  ];
  expect(place(after, a)[0]).toBeCloseTo(place(before, c)[0], 9);
  expect(place(after, b)[0]).toBeCloseTo(place(before, d)[0], 9);
  expect(place(after, a)[1]).toBeCloseTo(place(before, c)[1], 9);
});

it("moves just enough to see a place", () => {
  const seen: Camera = { zoom: 4, left: 0, top: 0 };
  expect(scrolledTo(seen, [20, 10], size)).toEqual(seen);
  close(scrolledTo(seen, [60, 10], size), { zoom: 4, left: 15, top: 0 });
  close(scrolledTo(seen, [199, 99], size), { zoom: 4, left: 150, top: 75 });
});

it("shows a box whole and as large as it can", () => {
  close(fittedTo([50, 20, 90, 30], size), { zoom: 5, left: 50, top: 15 });
  close(fittedTo([60, 20, 80, 60], size), { zoom: 2.5, left: 30, top: 20 });
  close(fittedTo([-10, 60, 30, 110], size), { zoom: 2, left: 0, top: 50 });
  close(fittedTo([-50, -50, 300, 300], size), wholeFrame);
  expect(fittedTo([99, 49, 100, 50], size).zoom).toBe(MOST_ZOOM);
});
