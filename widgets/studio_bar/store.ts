// What all views of one bar share: how things stand, and the answers to what was asked.
import { GONE, Lifeline, type Message, type Model } from "../shared/model";

export type Status = "playing" | "working" | "paused" | "stopped";

export interface State {
  readonly status: Status;
  readonly blocks: number;
  readonly frames: number;
  readonly prompt: string;
  readonly branch: string;
  readonly drags: number;
  readonly doing: { readonly text: string; readonly share: number | null } | null;
}

export type Figure = readonly [name: string, value: string, unit: string, tip: string];

export interface Failure {
  readonly text: string;
  readonly traceback: string;
}

export interface Written {
  readonly text: string;
  readonly code: string | null;
}

const EMPTY: State = { status: "stopped", blocks: 0, frames: 0, prompt: "", branch: "", drags: 0, doing: null };

export class Store {
  error: string | null = null;
  /** What is wrong with the prompt that was asked for last. */
  answer: string | null = null;
  readonly life: Lifeline;
  private readonly watchers = new Set<() => void>();

  constructor(private readonly model: Model) {
    this.life = new Lifeline(model, this.lost);
    model.on("change:state", this.stateChanged);
    model.on("change:figures", this.notify);
    model.on("change:failure", this.notify);
    model.on("change:written", this.notify);
    model.on("msg:custom", this.hear as never);
  }

  dispose(): void {
    this.life.dispose();
    this.model.off("change:state", this.stateChanged);
    this.model.off("change:figures", this.notify);
    this.model.off("change:failure", this.notify);
    this.model.off("change:written", this.notify);
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

  get figures(): readonly Figure[] {
    return (this.model.get("figures") as readonly Figure[] | null) ?? [];
  }

  get failure(): Failure | null {
    return (this.model.get("failure") as Failure | null) ?? null;
  }

  get written(): Written | null {
    return (this.model.get("written") as Written | null) ?? null;
  }

  ask(type: string, fields: Readonly<Record<string, unknown>> = {}): void {
    this.error = null;
    if (type === "prompt") this.answer = null;
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

  private readonly stateChanged = (): void => {
    const before = this.model.get("state") as Partial<State>;
    if (before.status === "playing" || before.status === "working") this.error = null;
    this.notify();
  };

  private readonly hear = (message: Message): void => {
    this.life.heard();
    if (message.type !== "error") return;
    const text = String(message["text"]);
    if (message["request"] === "prompt") this.answer = text;
    else this.error = text;
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
