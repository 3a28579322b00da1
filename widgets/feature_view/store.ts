// The state that all views of the features share.
import { MessageStore } from "../shared/message_store";
import type { Message, Model } from "../shared/model";

export interface State {
  readonly frame: number;
  /** The largest frame number; `channels` is the largest channel. */
  readonly frames: number;
  /** null means the layers that drags use. */
  readonly layer: number | null;
  readonly layers: number;
  readonly cutoff: number;
  readonly colouring: string;
  readonly colourings: readonly string[];
  readonly channel: number;
  readonly channels: number;
  readonly follow: boolean;
  readonly show_target: boolean;
  readonly show_keep: boolean;
  readonly show_focus: boolean;
  readonly caption: string;
}

export class Store extends MessageStore {
  private readonly reports = new Set<() => void>();

  constructor(model: Model) {
    super(model, ["state", "image"]);
  }

  get state(): State {
    return this.model.get("state") as State;
  }

  /** The panels as PNG, null where ipycanvas shows them. */
  get image(): DataView | null {
    const bytes = this.model.get("image") as DataView | undefined;
    return bytes && bytes.byteLength > 0 ? bytes : null;
  }

  /** The id of ipycanvas' model. */
  get canvas(): string {
    return this.model.get("canvas") as string;
  }

  set(name: string, value: unknown): void {
    this.request("set", { name, value });
  }

  /** Reports a new view, with ipycanvas or without; the returned function removes it. */
  opened(canvas: boolean): () => void {
    const report = (): void => this.send("painter", { canvas });
    this.reports.add(report);
    report();
    return () => this.reports.delete(report);
  }

  /** Reports all open views when Python requests it. */
  protected override onMessage(message: Message, buffers: readonly DataView[]): void {
    if (message.type === "painter") for (const report of this.reports) report();
    super.onMessage(message, buffers);
  }
}
