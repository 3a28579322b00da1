// The onion skin: a control for the number of earlier frames, and the layer that shows them.
import { element, icon } from "../shared/dom";
import type { Viewport } from "./viewport";
import { ACTION_ICONS } from "./icons";
import { decode } from "./player";
import type { Store } from "./store";

const MOST = 8; // dragstream.widgets.drag_canvas.MOST_ONION_FRAMES

export class OnionBar {
  private readonly count = element("input", { type: "range", min: 0, max: MOST, step: 1, "aria-label": "Earlier frames that shine through" });
  private readonly text = element("span", { class: "ds-onion-text" });
  readonly root = element("label", { class: "ds-onion", "data-tip": "Onion skin: earlier frames" }, icon(...ACTION_ICONS.onion), this.count, this.text);
  private drawn: readonly DataView[] = [];

  constructor(
    private readonly store: Store,
    private readonly viewport: Viewport,
  ) {
    this.count.addEventListener("input", () => store.setOnion(Number(this.count.value)));
  }

  update(): void {
    this.count.value = String(this.store.onion);
    this.text.textContent = String(this.store.onion);
    const { trail } = this.store;
    if (trail === this.drawn) return;
    this.drawn = trail;
    void this.draw(trail);
  }

  private async draw(trail: readonly DataView[]): Promise<void> {
    const images = await Promise.all(trail.map((bytes) => decode(bytes, "image/jpeg")));
    if (trail === this.drawn) this.viewport.drawOnion(images.filter((image) => image !== null));
    for (const image of images) image?.close();
  }
}
