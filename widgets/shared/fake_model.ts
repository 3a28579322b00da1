// A stand-in for anywidget's model, for the unit tests.
import type { Model } from "./model";

type Listener = (...values: never[]) => void;

export class FakeModel implements Model {
  readonly sent: unknown[] = [];
  /** Without a connection nothing can be sent. */
  connected = true;
  private readonly listeners = new Map<string, Set<Listener>>();

  constructor(private readonly traits: Record<string, unknown> = {}) {}

  get(name: string): unknown {
    return this.traits[name];
  }

  /** Sets a trait, as Python or the page does; listeners are called if it changes. */
  set(name: string, value: unknown): void {
    const changed = JSON.stringify(value) !== JSON.stringify(this.traits[name]);
    this.traits[name] = value;
    if (changed) this.trigger(`change:${name}`);
  }

  send(content: unknown): void {
    if (!this.connected) throw new Error("no connection");
    this.sent.push(content);
  }

  on(event: string, listener: Listener): void {
    const known = this.listeners.get(event) ?? new Set();
    this.listeners.set(event, known.add(listener));
  }

  off(event: string, listener: Listener): void {
    this.listeners.get(event)?.delete(listener);
  }

  trigger(event: string, ...values: unknown[]): void {
    for (const listener of this.listeners.get(event) ?? []) listener(...(values as never[]));
  }

  /** Number of listeners. */
  get count(): number {
    return [...this.listeners.values()].reduce((sum, { size }) => sum + size, 0);
  }
}
