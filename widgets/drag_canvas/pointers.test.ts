import { expect, it } from "vitest";
import { Pointers, type PointerLike } from "./pointers";

const event = (pointerType: string, pointerId = 1, button = 0, x = 0, buttons = 1): PointerLike => ({
  pointerType, pointerId, button, buttons, clientX: x, clientY: 0,
});

it("draws with the mouse, the pen and one finger", () => {
  for (const type of ["mouse", "pen", "touch"]) {
    const pointers = new Pointers();
    expect(pointers.press(event(type), false)).toBe("draw");
    expect(pointers.isActive(event(type))).toBe(true);
    expect(pointers.release(event(type))).toBe(true);
    expect(pointers.role).toBeNull();
  }
});

it("erases with the other end of a pen, pans with the wheel's button and the hand", () => {
  expect(new Pointers().press(event("pen", 1, 5), false)).toBe("erase");
  expect(new Pointers().press(event("mouse", 1, 1), false)).toBe("pan");
  expect(new Pointers().press(event("touch"), true)).toBe("pan");
  expect(new Pointers().press(event("mouse", 1, 2), false)).toBeNull();
});

it("pinches with a second finger, and stays quiet until both are gone", () => {
  const pointers = new Pointers();
  pointers.press(event("touch", 1, 0, 10), false);
  expect(pointers.press(event("touch", 2, 0, 30), false)).toBe("pinch");
  expect(pointers.isActive(event("touch", 1))).toBe(false);
  expect(pointers.move(event("touch", 2, 0, 50))).toEqual({
    before: [[10, 0], [30, 0]], after: [[10, 0], [50, 0]],
  });
  expect(pointers.press(event("touch", 3), false)).toBeNull();
  expect(pointers.release(event("touch", 1))).toBe(false);
  expect(pointers.role).toBe("pinch");
  expect(pointers.release(event("touch", 2))).toBe(true);
});

it("ignores the palm beside a pen, and a second mouse button", () => {
  const pointers = new Pointers();
  pointers.press(event("pen"), false);
  expect(pointers.press(event("touch", 2), false)).toBeNull();
  expect(pointers.move(event("touch", 2))).toBeNull();
  expect(pointers.release(event("touch", 2))).toBe(false);
  expect(pointers.isActive(event("pen"))).toBe(true);
});

it("notices a pointer that was let go of outside of the page", () => {
  const pointers = new Pointers();
  expect(pointers.slipped(event("mouse", 1, -1, 5, 0))).toBe(false); // it hovers
  pointers.press(event("mouse"), false);
  expect(pointers.slipped(event("mouse", 1, -1, 5, 1))).toBe(false);
  expect(pointers.slipped(event("touch", 2, -1, 5, 0))).toBe(false);
  expect(pointers.slipped(event("mouse", 1, -1, 5, 0))).toBe(true);
});
