// The state that all views of the features share.
import { MessageStore } from "../shared/message_store";
import type { Model } from "../shared/model";

export interface State {
  readonly frame: number;
  /** The greatest that can be chosen, as of `channels`. */
  readonly frames: number;
  /** null for those that drags use. */
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
  constructor(model: Model) {
    super(model, ["state", "image"]);
  }

  get state(): State {
    return this.model.get("state") as State;
  }

  /** The panels as PNG, null where ipycanvas shows them. */
  get image(): DataView<ArrayBuffer> | null {
    const bytes = this.model.get("image") as DataView<ArrayBuffer> | undefined;
    return bytes && bytes.byteLength > 0 ? bytes : null;
  }

  /** The id of ipycanvas' model. */
  get canvas(): string {
    return this.model.get("canvas") as string;
  }

  set(name: string, value: unknown): void {
    this.order("set", { name, value });
  }

  /** A view has been opened, with ipycanvas or without it. */
  opened(canvas: boolean): void {
    this.send("painter", { canvas });
  }
}
