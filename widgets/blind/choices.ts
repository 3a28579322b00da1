// The choices of a viewer, case by case, and the sides that the films were on.

export type Verdict = "first" | "second" | "same";
export type Side = "left" | "right";

export interface Choice {
  readonly case: string;
  readonly verdict: Verdict;
  /** The side that was chosen; null if neither was. */
  readonly side: Side | null;
  readonly seconds: number;
}

export interface Turn {
  /** Number of the case. */
  readonly item: number;
  /** Number of the film on the left, 0 or 1. */
  readonly left: 0 | 1;
}

/** Returns a random whole number below a limit. */
export type Draw = (below: number) => number;

/** The cases in random order, each with a side at random. */
export function shuffled(count: number, draw: Draw): Turn[] {
  const order = Array.from({ length: count }, (_, i) => i);
  for (let i = count - 1; i > 0; i -= 1) {
    const j = draw(i + 1);
    [order[i], order[j]] = [order[j] ?? 0, order[i] ?? 0];
  }
  return order.map((item) => ({ item, left: draw(2) === 0 ? 0 : 1 }));
}

/** The choice that a key or button makes in a turn. */
export function decide(name: string, turn: Turn, side: Side | null, seconds: number): Choice {
  const film = side === null ? null : side === "left" ? turn.left : 1 - turn.left;
  const verdict = film === null ? "same" : film === 0 ? "first" : "second";
  return { case: name, verdict, side, seconds: Math.round(10 * seconds) / 10 };
}
