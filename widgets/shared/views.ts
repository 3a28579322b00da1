// Reports to Python if this page shows a widget, so that hidden widgets cost nothing.
import type { Message, Model } from "./model";

/** A cell that runs again takes its view away and brings it back: that is not reported. */
const GOODBYE_AFTER = 1000;
/** By then a widget that is in the page at all has a view, or comes into it later. */
const ABSENT_AFTER = 10_000;

export class Views {
  private count = 0;
  private reported = false;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly model: Pick<Model, "send" | "on" | "off">) {
    model.on("msg:custom", this.asked);
    globalThis.addEventListener?.("pagehide", this.hidden);
    globalThis.addEventListener?.("pageshow", this.back);
    this.later(ABSENT_AFTER);
  }

  dispose(): void {
    clearTimeout(this.timer);
    this.model.off("msg:custom", this.asked);
    globalThis.removeEventListener?.("pagehide", this.hidden);
    globalThis.removeEventListener?.("pageshow", this.back);
  }

  /** There is one more view; what is returned takes it away. */
  add(): () => void {
    this.count += 1;
    clearTimeout(this.timer);
    if (!this.reported) this.report(this.count);
    return () => {
      this.count -= 1;
      if (this.count === 0) this.later(GOODBYE_AFTER);
    };
  }

  private later(milliseconds: number): void {
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

  /** Python requests a report of the views. */
  private readonly asked = (message: Message): void => {
    if (message.type === "views" && this.count > 0) this.report(this.count);
  };

  private readonly hidden = (): void => {
    if (this.count > 0) this.report(0);
  };

  private readonly back = (event: PageTransitionEvent): void => {
    if (event.persisted && this.count > 0) this.report(this.count);
  };
}
