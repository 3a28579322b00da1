// The state that all views of one bar share: the status and the answers to requests.
import { MessageStore } from "../shared/message_store";
import type { Message, Model } from "../shared/model";

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

export class Store extends MessageStore {
  /** The error of the last prompt. */
  answer: string | null = null;

  constructor(model: Model) {
    super(model, ["state", "figures", "failure", "written"]);
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

  override request(type: string, fields: Readonly<Record<string, unknown>> = {}): void {
    if (type === "prompt") this.answer = null;
    super.request(type, fields);
  }

  protected override changed(name: string): void {
    const { status } = this.state;
    if (name === "state" && (status === "playing" || status === "working")) this.error = null;
    this.notify();
  }

  protected override onMessage(message: Message, buffers: readonly DataView[]): void {
    if (message.type === "error" && message["request"] === "prompt") {
      this.answer = String(message["text"]);
      this.notify();
    } else super.onMessage(message, buffers);
  }
}
