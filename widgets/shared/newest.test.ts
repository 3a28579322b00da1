import { describe, expect, it } from "vitest";
import { Lru } from "./lru";
import { NewestRequests } from "./newest";

describe("requests of which the newest counts", () => {
  it("wait one deep", () => {
    const sent: [string, number][] = [];
    const requests = new NewestRequests<string>((wanted, ticket) => sent.push([wanted, ticket]), 1, 7);
    for (const wanted of "abcd") requests.request(wanted);
    expect(sent).toEqual([["a", 7]]);
    expect(requests.answered(7)).toBe(true);
    expect(sent).toEqual([["a", 7], ["d", 8]]);
    expect(requests.answered(8)).toBe(true);
    expect(requests.busy).toBe(false);
  });

  it("know others' answers and late ones", () => {
    const requests = new NewestRequests<string>(() => undefined, 2);
    requests.request("a");
    requests.request("b");
    expect(requests.answered(99)).toBe(false);
    expect(requests.answered(1)).toBe(true);
    expect(requests.answered(0)).toBe(false); // older than what is shown
    requests.request("c");
    requests.refused();
    expect(requests.busy).toBe(false);
  });
});

describe("a map that forgets", () => {
  it("drops what was used least recently", () => {
    const gone: string[] = [];
    const kept = new Lru<number, string>(2, (value) => gone.push(value));
    kept.set(1, "a");
    kept.set(2, "b");
    kept.get(1);
    kept.set(3, "c");
    expect(gone).toEqual(["b"]);
    expect([1, 2, 3].map((key) => kept.has(key))).toEqual([true, false, true]);
    kept.set(3, "d");
    expect(gone).toEqual(["b", "c"]);
    kept.clear();
    expect(gone.sort()).toEqual(["a", "b", "c", "d"]);
  });
});
