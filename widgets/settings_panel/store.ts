// What all views of the settings share.
import { GONE, Lifeline, type Message, type Model } from "../shared/model";

export interface Field {
  readonly name: string;
  readonly label: string;
  readonly symbol: string;
  readonly unit: string;
  readonly range: string;
  readonly text: string;
  readonly on: boolean | null;
  readonly choices: readonly (readonly [value: string, text: string])[] | null;
  /** Whether a click can change it by a step. */
  readonly steps: boolean;
}

export interface State {
  readonly fields: readonly Field[];
  readonly preset: string | null;
  readonly presets: readonly string[];
  readonly problems: Readonly<Record<string, string>>;
}

const EMPTY: State = { fields: [], preset: null, presets: [], problems: {} };

export class Store {
  error: string | null = null;
  readonly life: Lifeline;
  private readonly watchers = new Set<() => void>();

  constructor(private readonly model: Model) {
    this.life = new Lifeline(model, this.lost);
    model.on("change:state", this.notify);
    model.on("msg:custom", this.hear as never);
  }

  dispose(): void {
    this.life.dispose();
    this.model.off("change:state", this.notify);
    this.model.off("msg:custom", this.hear as never);
    this.watchers.clear();
  }

  watch(watcher: () => void): () => void {
    this.watchers.add(watcher);
    return () => this.watchers.delete(watcher);
  }

  get state(): State {
    return { ...EMPTY, ...(this.model.get("state") as Partial<State>) };
  }

  ask(type: string, fields: Readonly<Record<string, unknown>>): void {
    this.error = null;
    try {
      this.model.send({ type, ...fields });
    } catch {
      this.error = GONE;
    }
    this.notify();
  }

  close(): void {
    this.error = null;
    this.notify();
  }

  private readonly hear = (message: Message): void => {
    this.life.heard();
    if (message.type !== "error") return;
    this.error = String(message["text"]);
    this.notify();
  };

  private readonly lost = (): void => {
    this.error = this.life.gone ? GONE : null;
    this.notify();
  };

  private readonly notify = (): void => {
    for (const watcher of [...this.watchers]) watcher();
  };
}
