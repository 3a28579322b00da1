// The values at the cursor, as text.
import { BLOCK, CUTOFF, DRIFT, ITERATION, LOSS, MEASURES, type Rows } from "./rows";
import { formatNumber } from "./scale";
import type { Axis } from "./store";

export interface Reading {
  readonly title: string;
  readonly columns: readonly string[];
  /** For each measure, its symbol and one text for each column. */
  readonly rows: readonly (readonly string[])[];
}

/** The values of a row, of its neighbours, and of the comparison without rectification. */
export function reading(axis: Axis, shown: Rows, other: Rows, row: number): Reading {
  const beside = other.exactly(shown.x(row));
  const columns: [title: string, text: (measure: number) => string][] = [
    ["stream", (measure) => formatNumber(shown.value(row, measure))],
  ];
  if (shown.layout.before !== null) {
    columns.push(["before rectification", (measure) => formatNumber(shown.before(row, measure))]);
  }
  columns.push(["neighbours", (measure) => {
    const centre = shown.centre(row, measure);
    return Number.isFinite(centre) ? `${formatNumber(centre)} ± ${formatNumber(shown.spread(row, measure))}` : "–";
  }]);
  if (beside >= 0) columns.push(["without rectification", (measure) => formatNumber(other.value(beside, measure))]);
  return {
    title: title(axis, shown, row),
    columns: columns.map(([name]) => name),
    rows: MEASURES.map(({ symbol }, measure) => [symbol, ...columns.map(([, text]) => text(measure))]),
  };
}

function title(axis: Axis, shown: Rows, row: number): string {
  if (axis === "frames") {
    const drift = shown.at(row, DRIFT);
    return `latent frame ${shown.x(row)}${Number.isFinite(drift) ? ` · drift ${formatNumber(drift)}` : ""}`;
  }
  const cutoff = shown.at(row, CUTOFF);
  return `block ${shown.at(row, BLOCK)}, iteration ${shown.at(row, ITERATION)} · loss ${formatNumber(shown.at(row, LOSS))} · ω ${Number(cutoff.toPrecision(3))}`;
}
