// Reports to Python whether this page shows a widget, so that hidden widgets cost nothing.
import type { Message, Model } from "./model";

/** Milliseconds without a view before "hidden" is reported: a cell that runs again replaces its view. */
const HIDDEN_AFTER = 1000;
/** The same for a widget that has not had a view yet. */
const NEVER_SHOWN_AFTER = 10_000;

export class Views {
  private count = 0;
  private reported = false;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly model: Pick<Model, "send" | "on" | "off">) {
    model.on("msg:custom", this.onMessage);
    globalThis.addEventListener?.("pagehide", this.hidden);
    globalThis.addEventListener?.("pageshow", this.back);
    this.reportHidden(NEVER_SHOWN_AFTER);
  }

  dispose(): void {
    clearTimeout(this.timer);
    this.model.off("msg:custom", this.onMessage);
    globalThis.removeEventListener?.("pagehide", this.hidden);
    globalThis.removeEventListener?.("pageshow", this.back);
  }

  /** Counts one more view; the returned function removes it. */
  add(): () => void {
    this.count += 1;
    clearTimeout(this.timer);
    if (!this.reported) this.report(this.count);
    return () => {
      this.count -= 1;
      if (this.count === 0) this.reportHidden(HIDDEN_AFTER);
    };
  }

  private reportHidden(milliseconds: number): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.count === 0 && this.report(0), milliseconds);
  }

  private report(views: number): void {
    this.reported = views > 0;
    try {
      this.model.send({ type: "views", views });
    } catch {
      this.reported = false; // the kernel is gone; if it comes back, it requests a report
    }
  }

  /** Answers a request of Python for the number of views. */
  private readonly onMessage = (message: Message): void => {
    if (message.type === "views" && this.count > 0) this.report(this.count);
  };

  private readonly hidden = (): void => {
    if (this.count > 0) this.report(0);
  };

  private readonly back = (event: PageTransitionEvent): void => {
    if (event.persisted && this.count > 0) this.report(this.count);
  };
}
