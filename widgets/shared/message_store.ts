// The base of the stores, whose state all views of a widget share: watchers, the error shown, messages
// to and from Python, and the heartbeat of the kernel.
import { GONE, KernelHeartbeat, type Message, type Model } from "./model";

type Listener = (...values: never[]) => void;

export class MessageStore<M extends Model = Model> {
  /** The error shown beside the widget. */
  error: string | null = null;
  readonly heartbeat: KernelHeartbeat;
  private readonly watchers = new Set<() => void>();
  private readonly listeners: readonly (readonly [event: string, listener: Listener])[];

  /** @param traits Those whose changes the widget shows. */
  constructor(
    protected readonly model: M,
    traits: readonly string[],
  ) {
    this.heartbeat = new KernelHeartbeat(model, () => this.lost());
    const received = (message: Message, buffers: readonly DataView[] = []): void => {
      this.heartbeat.received();
      this.onMessage(message, buffers);
    };
    this.listeners = [
      ...traits.map((name) => [`change:${name}`, () => this.changed(name)] as const),
      ["msg:custom", received],
    ];
    for (const [event, listener] of this.listeners) model.on(event, listener);
  }

  dispose(): void {
    this.heartbeat.dispose();
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

  /** Sends a request of the user to Python; an earlier error is cleared. */
  request(type: string, fields: Readonly<Record<string, unknown>> = {}): void {
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

  /** Called when a trait has changed. */
  protected changed(_name: string): void {
    this.notify();
  }

  /** Called with each message of Python. */
  protected onMessage(message: Message, _buffers: readonly DataView[]): void {
    if (message.type === "error") this.setError(String(message["text"]));
  }

  /** Called when the kernel is gone, or back. */
  protected lost(): void {
    this.setError(this.heartbeat.gone ? GONE : null);
  }

  readonly notify = (): void => {
    for (const watcher of [...this.watchers]) watcher();
  };
}
