// The bar over the frame for selection by a click: the selector and the least similarity.
import { textButton } from "../shared/controls";
import { assign, element } from "../shared/dom";
import type { Store } from "./store";

const NAMES: Readonly<Record<string, string>> = { features: "Features", sam: "SAM" };

export class SelectBar {
  readonly root = element("div", { class: "ds-select-bar", role: "group", "aria-label": "Selection by a click" });
  private readonly threshold = element("input", { type: "range", min: 1, max: 100, step: 1, "aria-label": "Least similarity in percent" });
  private readonly amount = element("span", { class: "ds-size-text" });
  private readonly slider = element("label", {}, "Similarity at least", this.threshold, this.amount);
  private readonly waiting = element("span", { class: "ds-waiting" }, "Looking…");
  private readonly selectors = new Map<string, HTMLButtonElement>();

  constructor(private readonly store: Store) {
    this.threshold.addEventListener("input", () => store.picking.setThreshold(Number(this.threshold.value) / 100));
    const group = element("div", { class: "ds-group", role: "group", "aria-label": "Select by" });
    for (const name of store.picking.selectors) {
      const choose = (): void => store.picking.setSelector(name);
      const button = textButton(NAMES[name] ?? name, choose, [], { class: "ds-button ds-text-button" });
      this.selectors.set(name, button);
      group.append(button);
    }
    if (this.selectors.size > 1) this.root.append(group);
    this.root.append(this.waiting, this.slider);
  }

  update(): void {
    const { store } = this;
    const { similarity, waiting, selector, threshold } = store.picking;
    const useful = similarity !== null || waiting || this.selectors.size > 1;
    this.root.hidden = store.tool !== "pick" || !useful;
    this.waiting.hidden = !waiting;
    this.slider.hidden = !similarity || waiting;
    for (const [name, button] of this.selectors) assign(button, { "aria-pressed": String(name === selector) });
    this.threshold.value = String(Math.round(100 * threshold));
    this.amount.textContent = `${Math.round(100 * threshold)} %`;
  }
}
