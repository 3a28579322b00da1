// What the views of a widget share when its page asks with messages: who watches, what is wrong, and
// whether Python is there.
import { GONE, Lifeline, type Message, type Model } from "./model";

type Listener = (...values: never[]) => void;

export class MessageStore {
  /** What is shown beside the widget. */
  error: string | null = null;
  readonly life: Lifeline;
  private readonly watchers = new Set<() => void>();
  private readonly listeners: readonly (readonly [event: string, listener: Listener])[];

  /** `traits` are those whose changes the widget shows. */
  constructor(
    protected readonly model: Model,
    traits: readonly string[],
  ) {
    this.life = new Lifeline(model, () => this.lost());
    const heard = (message: Message, buffers: readonly DataView[] = []): void => {
      this.life.heard();
      this.hear(message, buffers);
    };
    this.listeners = [
      ...traits.map((name) => [`change:${name}`, () => this.changed(name)] as const),
      ["msg:custom", heard],
    ];
    for (const [event, listener] of this.listeners) model.on(event, listener);
  }

  dispose(): void {
    this.life.dispose();
    for (const [event, listener] of this.listeners) this.model.off(event, listener);
    this.watchers.clear();
  }

  watch(watcher: () => void): () => void {
    this.watchers.add(watcher);
    return () => this.watchers.delete(watcher);
  }

  setError(text: string | null): void {
    this.error = text;
    this.notify();
  }

  /** Has Python do what a person asked for: what was wrong before is no longer of interest. */
  order(type: string, fields: Readonly<Record<string, unknown>> = {}): void {
    this.error = null;
    this.send(type, fields);
    this.notify();
  }

  protected send(type: string, fields: Readonly<Record<string, unknown>>): void {
    try {
      this.model.send({ type, ...fields });
    } catch {
      this.error = GONE;
    }
  }

  /** A trait is another one. */
  protected changed(_name: string): void {
    this.notify();
  }

  /** Python has said something. */
  protected hear(message: Message, _buffers: readonly DataView[]): void {
    if (message.type === "error") this.setError(String(message["text"]));
  }

  /** Python has gone, or has come back. */
  protected lost(): void {
    this.setError(this.life.gone ? GONE : null);
  }

  protected readonly notify = (): void => {
    for (const watcher of [...this.watchers]) watcher();
  };
}
