// Zoom under the frame: out, how much, in. A press on the number shows the whole frame again.
import { iconButton } from "../shared/controls";
import { element } from "../shared/dom";
import type { Viewport } from "./viewport";
import { ACTION_ICONS } from "./icons";

export class ZoomBar {
  readonly root = element("div", { class: "ds-zoom", role: "group", "aria-label": "Zoom" });
  private readonly amount = element("button", {
    type: "button", class: "ds-button ds-zoom-amount", "aria-label": "Show the whole frame", "data-tip": "Show all  0",
  });
  private readonly out: HTMLButtonElement;

  constructor(private readonly viewport: Viewport) {
    this.out = iconButton("Zoom out", ACTION_ICONS.zoomOut, viewport.zoomOut, "-");
    this.amount.addEventListener("click", viewport.fit);
    this.root.append(this.out, this.amount, iconButton("Zoom in", ACTION_ICONS.zoomIn, viewport.zoomIn, "+"));
  }

  update(): void {
    const { zoom } = this.viewport.camera;
    this.amount.textContent = `${Math.round(100 * zoom)} %`;
    this.out.disabled = zoom === 1;
  }
}
