// Zoom under the frame: out, how much, in. A press on the number shows the whole frame again.
import { element, icon } from "../shared/dom";
import type { Film } from "./film";
import { ACTION_ICONS } from "./icons";

export class ZoomBar {
  readonly root = element("div", { class: "ds-zoom", role: "group", "aria-label": "Zoom" });
  private readonly amount = element("button", {
    type: "button", class: "ds-button ds-zoom-amount", "aria-label": "Show the whole frame", "data-tip": "Show all  0",
  });
  private readonly out: HTMLButtonElement;

  constructor(private readonly film: Film) {
    this.out = this.button("Zoom out", "Zoom out  -", ACTION_ICONS.zoomOut, film.zoomOut);
    this.amount.addEventListener("click", film.fit);
    this.root.append(this.out, this.amount, this.button("Zoom in", "Zoom in  +", ACTION_ICONS.zoomIn, film.zoomIn));
  }

  update(): void {
    const { zoom } = this.film.camera;
    this.amount.textContent = `${Math.round(100 * zoom)} %`;
    this.out.disabled = zoom === 1;
  }

  private button(label: string, tip: string, paths: readonly string[], act: () => void): HTMLButtonElement {
    const button = element("button", { type: "button", class: "ds-button", "aria-label": label, "data-tip": tip }, icon(...paths));
    button.addEventListener("click", act);
    return button;
  }
}
