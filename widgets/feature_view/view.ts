// One view of the features: controls, the panels on ipycanvas' canvas or as a picture, the caption.
import { Alert, setText } from "../shared/controls";
import { element } from "../shared/dom";
import { blobOf } from "../shared/model";
import { openCanvas, type Manager } from "./canvas";
import type { State, Store } from "./store";

const DEFAULT_LAYERS = "";

interface Control {
  readonly root: HTMLElement;
  show(state: State): void;
}

export class View {
  private readonly root = element("div", {
    class: "dragstream-panel dragstream-features", role: "group", "aria-label": "Features",
  });
  private readonly stage = element("div", { class: "ds-stage" });
  private readonly picture = element("img", { alt: "Frame, features, low-passed features, difference, spectrum", hidden: true });
  private readonly caption = element("p", { class: "ds-caption" });
  private readonly controls: readonly Control[];
  private readonly alert: Alert;
  private readonly stopWatching: () => void;
  private shown: DataView | null = null;
  private removeCanvas: (() => void) | null = null;
  private closed: (() => void) | null = null;
  private disposed = false;

  constructor(
    private readonly store: Store,
    host: HTMLElement,
    manager: Manager | undefined,
  ) {
    this.alert = new Alert(() => store.setError(null));
    const numbers = [
      this.slider("frame", "latent frame", "Which latent frame of the stream", (state) => state.frames),
      this.choice("layer", "layer", "Transformer layer whose features are shown", layers, (text) => (text === DEFAULT_LAYERS ? null : Number(text))),
      this.slider("cutoff", "cutoff ω", "Of the low-pass, cycles per token", () => 1, 0.01),
      this.choice("colouring", "colours", "What colours mean", (state) => state.colourings.map((name) => [name, name]), (text) => text),
      this.slider("channel", "channel", "Which number of a feature", (state) => state.channels),
    ];
    const switches = [
      this.toggle("follow", "follow", "Go to the newest frame, also while the stream plays"),
      this.toggle("show_target", "target Y", "Where the drags of this frame should arrive"),
      this.toggle("show_keep", "keep M", "What must not change"),
      this.toggle("show_focus", "focus G", "Where the update acts: bright where it does"),
    ];
    this.controls = [...numbers, ...switches];
    this.picture.addEventListener("click", (event) => this.pick(event));
    this.stage.append(this.picture);
    this.root.append(row(numbers), row(switches), this.stage, this.caption, this.alert.root);
    host.append(this.root);
    this.stopWatching = store.watch(() => this.update());
    this.update();
    void this.open(manager);
  }

  dispose(): void {
    this.disposed = true;
    this.stopWatching();
    this.removeCanvas?.();
    this.closed?.();
    URL.revokeObjectURL(this.picture.src);
    this.root.remove();
  }

  private async open(manager: Manager | undefined): Promise<void> {
    const canvas = await openCanvas(manager, this.store.canvas);
    if (this.disposed) {
      canvas?.remove();
      return;
    }
    if (canvas) {
      this.removeCanvas = () => canvas.remove();
      this.stage.replaceChildren(canvas.el);
    }
    this.root.dataset["painter"] = canvas ? "ipycanvas" : "picture";
    this.closed = this.store.opened(canvas !== null);
  }

  private update(): void {
    const { state, image } = this.store;
    for (const control of this.controls) control.show(state);
    setText(this.caption, state.caption);
    this.alert.show(this.store.error);
    if (image === this.shown || this.removeCanvas) return;
    this.shown = image;
    URL.revokeObjectURL(this.picture.src);
    this.picture.hidden = image === null;
    if (image) this.picture.src = URL.createObjectURL(blobOf(image, "image/png"));
  }

  /** Compare all tokens with the clicked one. */
  private pick(event: MouseEvent): void {
    const { naturalWidth, clientWidth } = this.picture;
    const scale = naturalWidth / clientWidth;
    this.store.request("pick", { x: event.offsetX * scale, y: event.offsetY * scale });
  }

  private slider(name: "frame" | "cutoff" | "channel", label: string, tip: string, most: (state: State) => number, step = 1): Control {
    const least = step < 1 ? step : 0;
    const box = element("input", { type: "range", min: least, step, "aria-label": label, title: tip, "data-name": name });
    const readout = element("span", { class: "ds-value", "aria-hidden": true });
    const write = (value: number): void => setText(readout, step < 1 ? value.toFixed(2) : String(value));
    let sent: number | null = null;
    // One value at a time: the slider moves faster than features are read.
    const send = (): void => {
      write(box.valueAsNumber);
      if (sent !== null) return;
      sent = box.valueAsNumber;
      this.store.set(name, sent);
    };
    box.addEventListener("input", send);
    const show = (state: State): void => {
      box.max = String(most(state));
      box.disabled = most(state) <= least;
      if (sent !== null && this.store.error === null) {
        if (state[name] !== sent) return;
        const later = box.valueAsNumber !== sent;
        sent = null;
        if (later) return send();
      }
      sent = null;
      box.value = String(state[name]);
      write(state[name]);
    };
    return { root: labelled(label, box, readout), show };
  }

  private choice(
    name: "layer" | "colouring",
    label: string,
    tip: string,
    options: (state: State) => readonly (readonly [value: string, text: string])[],
    read: (text: string) => unknown,
  ): Control {
    const box = element("select", { "aria-label": label, title: tip, "data-name": name });
    box.addEventListener("change", () => this.store.set(name, read(box.value)));
    const show = (state: State): void => {
      const wanted = options(state);
      if (box.options.length !== wanted.length) {
        box.replaceChildren(...wanted.map(([value, text]) => element("option", { value }, text)));
      }
      box.value = String(state[name] ?? DEFAULT_LAYERS);
    };
    return { root: labelled(label, box), show };
  }

  private toggle(name: "follow" | "show_target" | "show_keep" | "show_focus", label: string, tip: string): Control {
    const box = element("input", { type: "checkbox", title: tip, "data-name": name });
    box.addEventListener("change", () => this.store.set(name, box.checked));
    return {
      root: element("label", { class: "ds-switch", title: tip }, box, label),
      show: (state) => void (box.checked = state[name]),
    };
  }
}

function layers(state: State): readonly (readonly [value: string, text: string])[] {
  return [[DEFAULT_LAYERS, "those of drags"], ...Array.from({ length: state.layers }, (_, n) => [String(n), String(n)] as const)];
}

function labelled(label: string, ...parts: readonly Node[]): HTMLElement {
  return element("label", { class: "ds-field" }, element("span", {}, label), ...parts);
}

function row(controls: readonly Control[]): HTMLElement {
  return element("div", { class: "ds-row" }, ...controls.map(({ root }) => root));
}
