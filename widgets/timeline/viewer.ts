// The picture: one branch, or two side by side or with a wipe between them.
import { closeButton, setText, textButton } from "../shared/controls";
import { assign, element } from "../shared/dom";
import { NewestRequests } from "../shared/newest";
import { clamp } from "../shared/points";
import type { FrameAnswer, Store } from "./store";

interface Wanted {
  readonly branch: string;
  readonly frame: number;
}

/** A picture of one branch; requests the frame to show. */
class Pane {
  readonly canvas = element("canvas", { class: "ds-picture", role: "img" });
  readonly label = element("span", { class: "ds-pane-label" });
  private readonly requests: NewestRequests<Wanted>;
  private shown = "";
  private readonly leave: () => void;
  private disposed = false;

  constructor(store: Store) {
    const first = Math.floor(Math.random() * 2 ** 40);
    this.requests = new NewestRequests((wanted, ticket) => {
      store.send("frame", { branch: wanted.branch, frame: wanted.frame, ticket });
    }, 2, first);
    this.leave = store.receive((answer) => void this.paint(answer), () => this.requests.refused());
  }

  dispose(): void {
    this.disposed = true;
    this.leave();
  }

  /** Shows a frame of a branch; `version` differs for another block at the same place. */
  show(branch: string, frame: number, version: string): void {
    const wanted = `${branch}\n${frame}\n${version}`;
    if (wanted === this.shown || frame < 0) return;
    this.shown = wanted;
    this.requests.request({ branch, frame });
  }

  private async paint({ ticket, picture }: FrameAnswer): Promise<void> {
    if (!this.requests.answered(ticket)) return;
    const image = await createImageBitmap(picture).catch(() => null);
    if (!image) return;
    if (!this.disposed) {
      if (this.canvas.width !== image.width || this.canvas.height !== image.height) {
        assign(this.canvas, { width: image.width, height: image.height });
      }
      this.canvas.getContext("2d")?.drawImage(image, 0, 0);
      this.canvas.dataset["painted"] = String(Number(this.canvas.dataset["painted"] ?? 0) + 1);
    }
    image.close();
  }
}

export class Viewer {
  readonly root = element("div", { class: "ds-viewer" });
  private readonly stage = element("div", { class: "ds-stage" });
  private readonly panes: readonly [Pane, Pane];
  private readonly boxes: readonly [HTMLElement, HTMLElement];
  private readonly handle = element("div", {
    class: "ds-wipe", role: "slider", tabindex: 0, "aria-label": "Wipe between the branches",
    "aria-valuemin": 0, "aria-valuemax": 100,
  });
  private readonly side: HTMLButtonElement;
  private readonly wipe: HTMLButtonElement;
  private readonly note = element("span", { class: "ds-note" });
  private readonly bar: HTMLElement;
  private readonly empty = element("p", { class: "ds-empty" }, "No frames yet.");

  constructor(private readonly store: Store) {
    this.panes = [new Pane(store), new Pane(store)];
    const box = (pane: Pane): HTMLElement => element("div", { class: "ds-pane" }, pane.canvas, pane.label);
    this.boxes = [box(this.panes[0]), box(this.panes[1])];
    this.stage.append(...this.boxes, this.handle, this.empty);
    this.wipe = textButton("Wipe", () => store.setMode("wipe"));
    this.side = textButton("Side by side", () => store.setMode("side"));
    const stop = closeButton("Stop comparing", () => store.request("compare", { name: null }), { "data-tip": "Stop comparing" });
    const modes = element("div", { class: "ds-group", role: "group", "aria-label": "How to compare" }, this.wipe, this.side);
    this.bar = element("div", { class: "ds-compare" }, modes, this.note, stop);
    this.root.append(this.bar, this.stage);
    this.listen();
  }

  dispose(): void {
    this.panes.forEach((pane) => pane.dispose());
  }

  update(): void {
    const { store } = this;
    const { session, compared, frame } = store;
    const other = compared === null ? null : session.branch(compared);
    this.root.hidden = !(store.viewer || other);
    if (this.root.hidden) return;
    const { width, height } = session.state;
    this.stage.style.setProperty("--ds-shape", `${width} / ${height}`);
    this.stage.style.setProperty("--ds-width", `min(${Math.max(1, Math.floor(480 / width)) * width}px, ${(70 * width) / height}vh)`);
    this.empty.hidden = frame >= 0;
    const [ours, theirs] = this.panes;
    ours.show(session.state.branch, frame, frame < 0 ? "" : String(session.key(session.blockAt(frame))));
    setText(ours.label, session.state.branch);
    assign(ours.canvas, { "aria-label": `${session.state.branch}, video frame ${frame}` });
    this.stage.dataset["mode"] = other ? store.mode : "one";
    this.bar.hidden = !other;
    this.boxes[1].hidden = !other;
    this.handle.hidden = !other || store.mode !== "wipe";
    ours.label.hidden = !other;
    if (!other) return;
    const there = Math.min(frame, other.frames - 1);
    theirs.show(other.name, there, String(other.tip));
    setText(theirs.label, there < frame ? `${other.name} (ended)` : other.name);
    assign(theirs.canvas, { "aria-label": `${other.name}, video frame ${there}` });
    this.boxes[1].style.clipPath = store.mode === "wipe" ? `inset(0 0 0 ${100 * store.wipe}%)` : "";
    this.handle.style.left = `${100 * store.wipe}%`;
    assign(this.handle, { "aria-valuenow": Math.round(100 * store.wipe) });
    assign(this.wipe, { "aria-pressed": String(store.mode === "wipe") });
    assign(this.side, { "aria-pressed": String(store.mode === "side") });
    const same = other.shared === session.count && other.blocks === session.count;
    setText(this.note, same ? "the same blocks" : `the same up to block ${other.shared - 1}, apart from frame ${other.sharedFrames} on`);
    if (!same && other.shared === 0) setText(this.note, "apart from the first frame on");
  }

  private listen(): void {
    const { stage, handle, store } = this;
    const follow = (event: PointerEvent): void => {
      const box = stage.getBoundingClientRect();
      store.setWipe((event.clientX - box.left) / box.width);
    };
    stage.addEventListener("pointerdown", (event) => {
      if (event.button !== 0 || handle.hidden) return;
      event.preventDefault();
      handle.focus({ preventScroll: true });
      stage.setPointerCapture(event.pointerId);
      follow(event);
    });
    stage.addEventListener("pointermove", (event) => {
      if (!stage.hasPointerCapture(event.pointerId)) return;
      if (event.buttons === 0) stage.releasePointerCapture(event.pointerId); // it was released outside of the page
      else follow(event);
    });
    handle.addEventListener("keydown", (event) => {
      const step = event.shiftKey ? 0.1 : 0.02;
      const to: Readonly<Record<string, number>> = {
        ArrowLeft: store.wipe - step, ArrowRight: store.wipe + step, Home: 0, End: 1,
      };
      const wanted = to[event.key];
      if (wanted === undefined) return;
      event.preventDefault();
      event.stopPropagation();
      store.setWipe(clamp(wanted, 0, 1));
    });
  }
}
