// A stand-in for the model of a widget that talks in messages, for the unit tests.
import type { Model } from "./model";

type Listener = (...values: unknown[]) => void;

export class FakeTalk implements Model {
  readonly sent: unknown[] = [];
  /** Without a connection nothing can be sent. */
  deaf = false;
  private readonly listeners = new Map<string, Listener[]>();

  constructor(private readonly traits: Record<string, unknown> = {}) {}

  get(name: string): unknown {
    return this.traits[name];
  }

  send(content: unknown): void {
    if (this.deaf) throw new Error("no connection");
    this.sent.push(content);
  }

  on(event: string, listener: (...values: never[]) => void): void {
    this.listeners.set(event, [...(this.listeners.get(event) ?? []), listener as Listener]);
  }

  off(event: string, listener: (...values: never[]) => void): void {
    const left = (this.listeners.get(event) ?? []).filter((known) => known !== (listener as Listener));
    this.listeners.set(event, left);
  }

  /** Python sets a trait. */
  change(name: string, value: unknown): void {
    this.traits[name] = value;
    this.say(`change:${name}`);
  }

  say(event: string, ...values: unknown[]): void {
    for (const listener of this.listeners.get(event) ?? []) listener(...values);
  }

  /** Number of listeners. */
  get count(): number {
    return [...this.listeners.values()].flat().length;
  }
}
