import { expect, it } from "vitest";
import { connected } from "./flood";

const size = { width: 5, height: 4 };
const values = Uint8Array.from([
  0, 9, 9, 0, 0,
  0, 9, 0, 0, 9,
  0, 0, 9, 0, 9,
  9, 0, 9, 9, 0,
]);
const found = (threshold: number, x: number, y: number) => connected(values, threshold, [x, y], size).pixels.join("");

it("joins over sides, not over corners nor around the border", () => {
  expect(found(5, 1, 0)).toBe("01100010000000000000");
  expect(found(5, 2, 3)).toBe("00000000000010000110");
  expect(found(5, 4.4, 1)).toBe("00000000010000100000");
});

it("always holds the clicked pixel, and all of it at no threshold", () => {
  expect(found(5, 0, 0)).toBe("11100010000000000000");
  expect(found(5, 0, 2)).toBe("00000000001000010000");
  expect(connected(values, 0, [3, 1], size).area).toBe(20);
  expect(connected(values, 5, [-0.5, 3.4], size).area).toBe(1);
});
