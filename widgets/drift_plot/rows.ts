// Rows of numbers as Python sends them: float32, so many columns each.

export const MEASURES = [
  { name: "mean", symbol: "μ" },
  { name: "standard deviation", symbol: "σ" },
  { name: "minimum", symbol: "min" },
  { name: "maximum", symbol: "max" },
] as const;

/** The columns of a kind of row. */
export interface Layout {
  readonly columns: number;
  readonly values: number;
  readonly before: number | null;
  readonly centres: number;
  readonly spreads: number;
}

export const FRAMES: Layout = { columns: 14, values: 2, before: null, centres: 6, spreads: 10 };
export const ITERATIONS: Layout = { columns: 22, values: 6, before: 10, centres: 14, spreads: 18 };

export const DRIFT = 1; // of frames
export const BLOCK = 1; // and these of iterations
export const ITERATION = 2;
export const SEGMENT = 3;
export const LOSS = 4;
export const CUTOFF = 5;

export class Rows {
  readonly count: number;

  constructor(
    readonly layout: Layout,
    private readonly numbers: Float32Array,
  ) {
    this.count = Math.floor(numbers.length / layout.columns);
  }

  static of(layout: Layout, bytes: unknown): Rows {
    if (!(bytes instanceof DataView)) return new Rows(layout, new Float32Array());
    // A copy: the bytes need not begin where numbers may.
    const copy = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
    return new Rows(layout, new Float32Array(copy as ArrayBuffer));
  }

  at(row: number, column: number): number {
    return this.numbers[row * this.layout.columns + column] ?? NaN;
  }

  /** The place of a row along the horizontal axis. */
  x(row: number): number {
    return this.at(row, 0);
  }

  value(row: number, measure: number): number {
    return this.at(row, this.layout.values + measure);
  }

  before(row: number, measure: number): number {
    return this.layout.before === null ? NaN : this.at(row, this.layout.before + measure);
  }

  centre(row: number, measure: number): number {
    return this.at(row, this.layout.centres + measure);
  }

  spread(row: number, measure: number): number {
    return this.at(row, this.layout.spreads + measure);
  }

  /** The row nearest to a place; rows stand in rising order. -1 without rows. */
  nearest(x: number): number {
    let low = 0;
    let high = this.count - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.x(middle) < x) low = middle + 1;
      else high = middle;
    }
    if (low > 0 && x - this.x(low - 1) <= this.x(low) - x) return low - 1;
    return this.count === 0 ? -1 : low;
  }

  /** The row that stands exactly there; -1 if none does. */
  exactly(x: number): number {
    const row = this.nearest(x);
    return row >= 0 && this.x(row) === x ? row : -1;
  }

  /** All that a panel of a measure shows. */
  *shown(measure: number): Generator<number> {
    for (let row = 0; row < this.count; row++) {
      yield this.value(row, measure);
      yield this.before(row, measure);
      yield this.centre(row, measure) - this.spread(row, measure);
      yield this.centre(row, measure) + this.spread(row, measure);
    }
  }

  /** Places between rows where a column takes another value, as between two segments. */
  boundaries(...columns: readonly number[]): number[] {
    const found: number[] = [];
    for (let row = 1; row < this.count; row++) {
      if (columns.some((column) => this.at(row, column) !== this.at(row - 1, column))) {
        found.push((this.x(row - 1) + this.x(row)) / 2);
      }
    }
    return found;
  }
}
