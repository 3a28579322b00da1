import { describe, expect, it } from "vitest";
import { Lru } from "./lru";
import { Newest } from "./newest";

describe("requests of which the newest counts", () => {
  it("wait one deep", () => {
    const sent: [string, number][] = [];
    const requests = new Newest<string>((wanted, ticket) => sent.push([wanted, ticket]), 1, 7);
    for (const wanted of "abcd") requests.ask(wanted);
    expect(sent).toEqual([["a", 7]]);
    expect(requests.settle(7)).toBe(true);
    expect(sent).toEqual([["a", 7], ["d", 8]]);
    expect(requests.settle(8)).toBe(true);
    expect(requests.busy).toBe(false);
  });

  it("know others' answers and late ones", () => {
    const requests = new Newest<string>(() => undefined, 2);
    requests.ask("a");
    requests.ask("b");
    expect(requests.settle(99)).toBe(false);
    expect(requests.settle(1)).toBe(true);
    expect(requests.settle(0)).toBe(false); // older than what is shown
    requests.ask("c");
    requests.refuse();
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
    expect([kept.has(1), kept.has(2), kept.size]).toEqual([true, false, 2]);
    kept.set(3, "d");
    expect(gone).toEqual(["b", "c"]);
    kept.clear();
    expect(gone.sort()).toEqual(["a", "b", "c", "d"]);
  });
});
