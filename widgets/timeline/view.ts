// One view of the timeline: picture, transport, blocks, details of the current block, branches.
import { Alert } from "../shared/controls";
import { element } from "../shared/dom";
import { Details } from "./details";
import type { Store } from "./store";
import { Strip } from "./strip";
import { Transport } from "./transport";
import { Tree } from "./tree";
import { Viewer } from "./viewer";

export class View {
  private readonly root = element("div", {
    class: "dragstream-panel dragstream-timeline", role: "group", "aria-label": "Timeline",
  });
  private readonly parts: readonly { update(): void; dispose?(): void; readonly root: HTMLElement }[];
  private readonly alert: Alert;
  private readonly stopWatching: () => void;
  private scheduled = 0;

  constructor(
    private readonly store: Store,
    host: HTMLElement,
  ) {
    this.parts = [new Viewer(store), new Transport(store), new Strip(store), new Details(store), new Tree(store)];
    this.alert = new Alert(() => store.setError(null));
    this.root.append(...this.parts.map((part) => part.root), this.alert.root);
    this.root.addEventListener("keydown", this.key);
    host.append(this.root);
    this.stopWatching = store.watch(this.schedule);
    this.schedule();
  }

  dispose(): void {
    this.stopWatching();
    cancelAnimationFrame(this.scheduled);
    this.parts.forEach((part) => part.dispose?.());
    this.root.remove();
  }

  private readonly schedule = (): void => {
    this.scheduled ||= requestAnimationFrame(() => {
      this.scheduled = 0;
      const { store } = this;
      this.parts.forEach((part) => part.update());
      this.alert.show(store.error);
      this.root.classList.toggle("ds-gone", store.heartbeat.gone);
      this.root.dataset["frame"] = String(store.frame);
      this.root.dataset["branch"] = store.session.state.branch;
      this.root.dataset["blocks"] = String(store.session.count);
    });
  };

  private readonly key = (event: KeyboardEvent): void => {
    const target = event.target as Element;
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape" && this.store.question) this.store.ask(null);
    else if (target.closest("button") && (event.key === " " || event.key === "Enter")) return;
    else if (!this.move(event)) return;
    event.preventDefault();
    event.stopPropagation();
  };

  private move(event: KeyboardEvent): boolean {
    const { store } = this;
    const inStrip = (event.target as Element).closest(".ds-strip") !== null;
    const byBlock = event.shiftKey || inStrip;
    switch (event.key) {
      case " ": store.togglePlay(); return true;
      case "ArrowLeft":
        if (byBlock) store.showBlock(store.block - 1);
        else store.show(store.frame - 1);
        return true;
      case "ArrowRight":
        if (byBlock) store.showBlock(store.block + 1);
        else store.show(store.frame + 1);
        return true;
      case "Home": store.show(0); return true;
      case "End": store.show(store.session.frames); return true;
      case "Enter":
      case "Delete":
        if (!inStrip) return false;
        store.askRewind();
        return true;
      case "b": store.request("fork", { at: store.block + 1 }); return true;
      default: return false;
    }
  }
}
