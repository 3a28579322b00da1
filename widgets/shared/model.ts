// The part of anywidget's model that the widgets use, and a heartbeat of the kernel.

export interface Model {
  get(name: string): unknown;
  send(content: unknown): void;
  on(event: string, callback: (...values: never[]) => void): void;
  off(event: string, callback: (...values: never[]) => void): void;
}

export interface Message {
  readonly type?: unknown;
  readonly [field: string]: unknown;
}

/** Bytes of a message as a blob, such as an encoded picture. */
export const blobOf = (bytes: DataView, type: string): Blob => new Blob([bytes as DataView<ArrayBuffer>], { type });

export const GONE = "This stream is gone: run the cell again.";
const TIMEOUT = 5000; // milliseconds

/**
 * Detects that the kernel that made a widget is gone. After a restart the notebook closes the
 * connection; then the page sends "hello", which a running kernel answers.
 */
export class KernelHeartbeat {
  gone = false;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly model: Model,
    private readonly changed: () => void,
  ) {
    model.on("comm_live_update", this.check);
  }

  dispose(): void {
    clearTimeout(this.timer);
    this.model.off("comm_live_update", this.check);
  }

  /** Counts any message of the kernel as an answer. */
  received(): void {
    clearTimeout(this.timer);
    this.set(false);
  }

  private readonly check = (): void => {
    clearTimeout(this.timer);
    try {
      this.model.send({ type: "hello" });
    } catch {
      this.set(true);
      return;
    }
    this.timer = setTimeout(() => this.set(true), TIMEOUT);
  };

  private set(gone: boolean): void {
    if (gone === this.gone) return;
    this.gone = gone;
    this.changed();
  }
}
