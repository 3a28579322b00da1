import { expect, it } from "vitest";
import { typedName } from "./naming";

it("takes a name only if it is another one", () => {
  expect(typedName("  turned <b> ", "branch 2")).toBe("turned <b>");
  expect(typedName(" branch 2 ", "branch 2")).toBeNull();
  expect(typedName("   ", "branch 2")).toBeNull();
});
