// The state that all views of one plot share: the rows, the selection and the cursor.
import { cached } from "../shared/cached";
import { MessageStore } from "../shared/message_store";
import type { Model } from "../shared/model";
import { FRAMES, ITERATIONS, Rows } from "./rows";

export interface Facts {
  readonly channels: number;
  readonly channel: number | null;
  readonly drags: readonly (readonly [block: number, label: string])[];
  readonly drag: number | null;
  readonly chosen: boolean;
  /** First and last latent frame of each dragged block. */
  readonly spans: readonly (readonly [number, number])[];
  readonly comparing: boolean;
  readonly compared: number | null;
  readonly running: boolean;
}

export type Axis = "frames" | "iterations";

const ROWS = ["frames", "other_frames", "iterations", "other_iterations"] as const;

export class Store extends MessageStore {
  axis: Axis = "frames";
  /** Place of the cursor along the horizontal axis; null without one. */
  cursor: number | null = null;
  private rows = new Map<(typeof ROWS)[number], Rows>();

  constructor(model: Model) {
    super(model, [...ROWS, "facts"]);
  }

  get facts(): Facts {
    return this.model.get("facts") as Facts;
  }

  get shown(): Rows {
    return this.of(this.axis);
  }

  get other(): Rows {
    return this.of(this.axis === "frames" ? "other_frames" : "other_iterations");
  }

  setAxis(axis: Axis): void {
    this.axis = axis;
    this.cursor = null;
    this.notify();
  }

  point(x: number | null): void {
    if (x === this.cursor) return;
    this.cursor = x;
    this.notify();
  }

  /** Moves the cursor by some rows, from the last row if there is no cursor. */
  step(by: number): void {
    const { shown } = this;
    if (shown.count === 0) return;
    const from = this.cursor === null ? (by < 0 ? shown.count : shown.count - 2) : shown.nearest(this.cursor);
    this.point(shown.x(Math.max(0, Math.min(shown.count - 1, from + by))));
  }

  override request(type: string, fields: Readonly<Record<string, unknown>> = {}): void {
    if (!this.heartbeat.gone) super.request(type, fields);
  }

  private of(name: (typeof ROWS)[number]): Rows {
    return cached(this.rows, name, () => Rows.of(name.endsWith("frames") ? FRAMES : ITERATIONS, this.model.get(name)));
  }

  protected override changed(): void {
    this.rows = new Map();
    this.notify();
  }
}
