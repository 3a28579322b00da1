// A stand-in for the widget's model, for the unit tests.
import { emptyScene } from "../shared/document";
import type { Model } from "./store";

type Callback = (...values: never[]) => void;

export class FakeModel implements Model {
  saved = 0;
  readonly sent: unknown[] = [];
  readonly callbacks = new Map<string, Set<Callback>>();
  private readonly values = new Map<string, unknown>([
    ["width", 64],
    ["height", 48],
    ["latent_frames", 3],
    ["frame", new DataView(new ArrayBuffer(0))],
    ["state", emptyScene.document],
    ["looks", []],
    ["draft", null],
    ["revision", 0],
    ["aim", { box: [0, 0, 64, 48], number: 0 }],
    ["onion", 0],
    ["trail", []],
    ["selectors", ["features"]],
    ["holds", []],
    ["live_status", null],
  ]);

  get(name: string): unknown {
    return this.values.get(name);
  }

  set(name: string, value: unknown): void {
    const changed = JSON.stringify(value) !== JSON.stringify(this.values.get(name));
    this.values.set(name, value);
    if (changed) this.trigger(`change:${name}`);
  }

  save_changes(): void {
    this.saved += 1;
  }

  send(content: unknown): void {
    this.sent.push(content);
  }

  on(event: string, callback: Callback): void {
    const known = this.callbacks.get(event) ?? new Set();
    this.callbacks.set(event, known.add(callback));
  }

  off(event: string, callback: Callback): void {
    this.callbacks.get(event)?.delete(callback);
  }

  trigger(event: string, ...values: unknown[]): void {
    for (const callback of this.callbacks.get(event) ?? []) callback(...(values as never[]));
  }
}
