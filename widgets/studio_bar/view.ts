// One view of the bar: buttons, prompt, figures and errors.
import { Alert, closeButton, setText, textButton } from "../shared/controls";
import { assign, element } from "../shared/dom";
import { Export } from "./export";
import { ICONS } from "./icons";
import { Prompt } from "./prompt";
import type { Status, Store } from "./store";

const NAMES: Readonly<Record<Status, string>> = {
  playing: "generating", working: "working", paused: "paused", stopped: "stopped",
};

export class View {
  private readonly root = element("div", {
    class: "dragstream-panel dragstream-studio-bar", role: "group", "aria-label": "Studio",
  });
  private readonly buttons: Readonly<Record<"play" | "pause" | "step" | "stop" | "animate" | "edit", HTMLButtonElement>>;
  private readonly blocks = element("input", {
    type: "number", class: "ds-number", min: 1, max: 100, step: 1, value: 1, "aria-label": "Blocks that the drags take",
  });
  private readonly prompt: Prompt;
  private readonly files: Export;
  private readonly status = element("span", { class: "ds-status", role: "status" });
  private readonly progress = element("span", { class: "ds-progress", "aria-hidden": true });
  private readonly figures = element("span", { class: "ds-figures" });
  private readonly alert: Alert;
  private readonly failure: HTMLElement;
  private readonly failed = element("span", { class: "ds-failed" });
  private readonly traceback = element("pre", { tabindex: 0 });
  private readonly stopWatching: () => void;

  constructor(
    private readonly store: Store,
    host: HTMLElement,
  ) {
    const request = (type: string) => (): void => store.request(type);
    const animateDrags = (): void => store.request("animate", { blocks: Number(this.blocks.value) });
    this.buttons = {
      play: textButton("Play", request("play"), ICONS.play, { title: "Generate block after block" }),
      pause: textButton("Pause", request("pause"), ICONS.pause, { title: "Stop at the frame that is shown" }),
      step: textButton("Step", request("step"), ICONS.step, { title: "Generate one block" }),
      stop: textButton("Stop", request("stop"), ICONS.stop, { title: "Drop the block in the making" }),
      animate: textButton("Animate", animateDrags, ICONS.animate, { title: "Generate frames that follow the drags" }),
      edit: textButton("Edit", request("edit"), ICONS.edit, { title: "Apply the drags to the newest frame" }),
    };
    const { play, pause, step, stop, animate, edit } = this.buttons;
    for (const button of [animate, edit]) button.classList.add("ds-apply");
    const transport = element("div", { class: "ds-group", role: "group", "aria-label": "Generate" }, play, pause, step, stop);
    const count = element("label", { class: "ds-blocks" }, this.blocks, "blocks");
    const apply = element("div", { class: "ds-group", role: "group", "aria-label": "Apply the drags" }, animate, count, edit);
    this.prompt = new Prompt(store);
    this.files = new Export(store);
    this.alert = new Alert(() => store.setError(null));
    this.failure = this.failureBox();
    const line = element("div", { class: "ds-line" }, this.status, this.progress, this.figures);
    this.root.append(
      element("div", { class: "ds-controls" }, transport, apply, this.prompt.root, this.files.root),
      line, this.prompt.answer, this.files.result, this.alert.root, this.failure,
    );
    host.append(this.root);
    this.stopWatching = store.watch(() => this.update());
    this.update();
  }

  dispose(): void {
    this.stopWatching();
    this.root.remove();
  }

  private failureBox(): HTMLElement {
    const close = closeButton("Dismiss the error", () => this.store.request("dismiss"));
    const details = element("details", {}, element("summary", {}, "Traceback"), this.traceback);
    const head = element("div", { class: "ds-failure-head" }, this.failed, close);
    return element("div", { class: "ds-failure", role: "alert", hidden: true }, head, details);
  }

  private update(): void {
    const { store } = this;
    const { status, blocks, drags, doing, branch } = store.state;
    const busy = status === "playing" || status === "working";
    const { gone } = store.heartbeat;
    const off: Readonly<Record<keyof typeof this.buttons, boolean>> = {
      play: status === "playing", pause: status !== "playing", step: busy, stop: !busy,
      animate: blocks === 0, edit: blocks === 0,
    };
    for (const [name, button] of Object.entries(this.buttons)) button.disabled = gone || off[name as keyof typeof off];
    this.root.dataset["status"] = status;
    this.root.dataset["blocks"] = String(blocks);
    this.root.classList.toggle("ds-gone", gone);
    for (const button of [this.buttons.animate, this.buttons.edit]) button.classList.toggle("ds-ready", drags > 0);
    const where = branch === "main" || branch === "" ? "" : ` on ${branch}`;
    setText(this.status, `${NAMES[status]}${where} · ${blocks} block${blocks === 1 ? "" : "s"}${doing ? ` · ${doing.text}` : ""}`);
    this.progress.classList.toggle("ds-busy", doing !== null && doing.share === null);
    this.progress.style.setProperty("--ds-share", String(doing?.share ?? 0));
    this.progress.hidden = doing === null;
    this.showFigures();
    this.prompt.update();
    this.files.update();
    this.alert.show(store.error);
    const { failure } = store;
    this.failure.hidden = failure === null;
    setText(this.failed, failure?.text ?? "");
    setText(this.traceback, failure?.traceback ?? "");
  }

  private showFigures(): void {
    const { figures } = this.store;
    while (this.figures.children.length > figures.length) this.figures.lastElementChild?.remove();
    while (this.figures.children.length < figures.length) {
      this.figures.append(element("span", { class: "ds-figure" }, element("span", { class: "ds-name" }), element("b"), element("span", { class: "ds-unit" })));
    }
    figures.forEach(([name, value, unit, tip], index) => {
      const [title, number, measure] = [...this.figures.children[index]!.children];
      assign(this.figures.children[index]!, { title: tip, "data-figure": name });
      setText(title!, name);
      setText(number!, value);
      setText(measure!, unit);
    });
  }
}
