import { beforeEach, expect, it } from "vitest";
import { History } from "./history";

let history: History<string>;

beforeEach(() => {
  history = new History(0, "nothing");
});

it("goes back and forth, and forgets what was taken back once something else is done", () => {
  for (const scene of ["a", "b", "c"]) history.add(scene);
  history.back();
  history.back();
  expect([history.scene, history.canUndo, history.canRedo]).toEqual(["a", true, true]);
  history.forth();
  history.add("d");
  expect([history.scene, history.canRedo, history.forth()]).toEqual(["d", false, false]);
  history.back();
  expect(history.scene).toBe("b");
});

it("numbers steps differently however quickly they come", () => {
  const numbers = Array.from({ length: 20 }, () => {
    history.add("x");
    return history.number;
  });
  expect(new Set(numbers).size).toBe(20);
});

it("follows another's steps by their numbers", () => {
  history.follow(7, "a");
  history.follow(9, "b");
  history.follow(7, "a");
  expect([history.scene, history.canRedo]).toEqual(["a", true]);
  history.follow(9, "b");
  expect([history.scene, history.canRedo]).toEqual(["b", false]);
  history.follow(7, "a");
  history.follow(8, "c");
  expect([history.canRedo, history.back(), history.scene]).toEqual([false, true, "a"]);
});

it("amends the present step and only that", () => {
  history.add("a");
  history.follow(history.number, "a2");
  expect(history.scene).toBe("a2");
  history.back();
  expect([history.scene, history.canUndo]).toEqual(["nothing", false]);
});

it("forgets the oldest of more than a hundred steps", () => {
  for (let i = 1; i <= 150; i++) history.add(String(i));
  let steps = 0;
  while (history.back()) steps += 1;
  expect([steps, history.scene]).toEqual([100, "50"]);
});
