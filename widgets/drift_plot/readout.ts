// What the plot says at the cursor, in words.
import { BLOCK, CUTOFF, DRIFT, ITERATION, LOSS, MEASURES, type Rows } from "./rows";
import { read } from "./scale";
import type { Axis } from "./store";

export interface Reading {
  readonly title: string;
  readonly lines: readonly string[];
}

/** Everything known about a row: its values, the neighbours', and those without rectification. */
export function reading(axis: Axis, shown: Rows, other: Rows, row: number): Reading {
  const beside = other.exactly(shown.x(row));
  const lines = MEASURES.map(({ symbol }, measure) => {
    const parts = [`${symbol} ${read(shown.value(row, measure))}`];
    const before = shown.before(row, measure);
    if (Number.isFinite(before) && before !== shown.value(row, measure)) {
      parts.push(`before rectification ${read(before)}`);
    }
    if (Number.isFinite(shown.centre(row, measure))) {
      parts.push(`neighbours ${read(shown.centre(row, measure))} ± ${read(shown.spread(row, measure))}`);
    }
    if (beside >= 0) parts.push(`without rectification ${read(other.value(beside, measure))}`);
    return parts.join(" · ");
  });
  return { title: title(axis, shown, row), lines };
}

function title(axis: Axis, shown: Rows, row: number): string {
  if (axis === "frames") {
    const drift = shown.at(row, DRIFT);
    return `latent frame ${shown.x(row)}${Number.isFinite(drift) ? ` · drift ${read(drift)}` : ""}`;
  }
  const cutoff = shown.at(row, CUTOFF);
  return `block ${shown.at(row, BLOCK)}, iteration ${shown.at(row, ITERATION)} · loss ${read(shown.at(row, LOSS))} · ω ${read(cutoff)}`;
}
