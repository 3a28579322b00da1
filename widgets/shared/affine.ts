// Affine maps of the image plane, as dragstream.drags.geometry.Affine.
import type { Point } from "./points";

/** x' = a x + b y + c, y' = d x + e y + f */
export interface Affine {
  readonly a: number;
  readonly b: number;
  readonly c: number;
  readonly d: number;
  readonly e: number;
  readonly f: number;
}

export const identity: Affine = { a: 1, b: 0, c: 0, d: 0, e: 1, f: 0 };

export const translation = (dx: number, dy: number): Affine => ({ ...identity, c: dx, f: dy });

/** Positive degrees turn clockwise on the screen (y points down). */
export function rotation(center: Point, degrees: number): Affine {
  const angle = (degrees * Math.PI) / 180;
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  const [x, y] = center;
  return { a: cos, b: -sin, c: x - cos * x + sin * y, d: sin, e: cos, f: y - sin * x - cos * y };
}

export const scaling = ([x, y]: Point, factor: number): Affine => ({
  a: factor, b: 0, c: x - factor * x, d: 0, e: factor, f: y - factor * y,
});

/** The first map, then the second. */
export const chained = (first: Affine, second: Affine): Affine => ({
  a: second.a * first.a + second.b * first.d,
  b: second.a * first.b + second.b * first.e,
  c: second.a * first.c + second.b * first.f + second.c,
  d: second.d * first.a + second.e * first.d,
  e: second.d * first.b + second.e * first.e,
  f: second.d * first.c + second.e * first.f + second.f,
});

export const apply = (map: Affine, [x, y]: Point): Point => [
  map.a * x + map.b * y + map.c,
  map.d * x + map.e * y + map.f,
];

/** The point at an angle, in degrees clockwise from the x axis, and a distance from `center`. */
export function polar([x, y]: Point, degrees: number, distance: number): Point {
  const angle = (degrees * Math.PI) / 180;
  return [x + distance * Math.cos(angle), y + distance * Math.sin(angle)];
}

/** The angle of `point` around `center`, in degrees clockwise from the x axis. */
export const bearing = (center: Point, point: Point): number =>
  (Math.atan2(point[1] - center[1], point[0] - center[0]) * 180) / Math.PI;

/** `degrees` turned by whole circles until it lies within half a circle of `near`. */
export const unwrap = (degrees: number, near: number): number =>
  degrees + 360 * Math.round((near - degrees) / 360);

export function inverse({ a, b, c, d, e, f }: Affine): Affine {
  const determinant = a * e - b * d;
  const [ia, ib, id, ie] = [e / determinant, -b / determinant, -d / determinant, a / determinant];
  return { a: ia, b: ib, c: -ia * c - ib * f, d: id, e: ie, f: -id * c - ie * f };
}
