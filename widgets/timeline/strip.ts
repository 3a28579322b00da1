// The blocks in a row, as thumbnails; only those in view have elements.
import { setText } from "../shared/controls";
import { assign, element } from "../shared/dom";
import type { Store } from "./store";
import { describe } from "./session";
import { reveal, visible } from "./visible";

const GAP = 6;
const SPARE = 3;

interface Tile {
  readonly root: HTMLElement;
  readonly picture: HTMLImageElement;
  readonly number: HTMLElement;
  readonly latents: HTMLElement;
  readonly mark: HTMLElement;
  filled: number;
}

export class Strip {
  readonly root: HTMLElement;
  private readonly row = element("div", { class: "ds-tiles" });
  private readonly tiles = new Map<number, Tile>();
  private readonly spare: Tile[] = [];
  private readonly observer: ResizeObserver;
  private readonly prefix = `ds-tile-${Math.random().toString(36).slice(2)}`;
  private current = -1;
  private scheduled = 0;
  private size = 0;
  /** Tiles of an earlier version are out of date. */
  private version = 0;
  private readonly leave: () => void;

  constructor(private readonly store: Store) {
    this.root = element("div", {
      class: "ds-strip", role: "listbox", tabindex: 0, "aria-label": "Blocks", "aria-orientation": "horizontal",
    }, this.row);
    this.root.addEventListener("scroll", this.schedule, { passive: true });
    this.root.addEventListener("wheel", this.wheel, { passive: false });
    this.row.addEventListener("click", (event) => {
      const block = blockOf(event);
      if (block !== null) store.showBlock(block);
    });
    this.row.addEventListener("dblclick", (event) => {
      if (blockOf(event) !== null) store.askRewind();
    });
    this.leave = store.thumbnails.watch(() => {
      this.version++;
      this.schedule();
    });
    this.observer = new ResizeObserver(() => {
      this.reveal();
      this.schedule();
    });
    this.observer.observe(this.root);
  }

  dispose(): void {
    this.leave();
    this.observer.disconnect();
    cancelAnimationFrame(this.scheduled);
  }

  update(): void {
    const { store } = this;
    this.version++;
    const { width, height } = store.session.state;
    this.size = Math.round(Math.min(96, Math.max(40, (56 * width) / height))) + GAP;
    this.root.style.setProperty("--ds-tile", `${this.size - GAP}px`);
    this.root.style.setProperty("--ds-tile-shape", `${width} / ${height}`);
    const length = `${Math.max(0, store.session.count * this.size - GAP)}px`;
    if (this.row.style.width !== length) this.row.style.width = length;
    if (store.block !== this.current) {
      this.current = store.block;
      this.reveal();
    }
    this.layOut();
  }

  private reveal(): void {
    const { scrollLeft, clientWidth } = this.root;
    const scroll = reveal(Math.max(0, this.current), scrollLeft, clientWidth, this.size);
    if (scroll !== scrollLeft) this.root.scrollLeft = scroll;
  }

  private readonly schedule = (): void => {
    this.scheduled ||= requestAnimationFrame(() => {
      this.scheduled = 0;
      this.layOut();
    });
  };

  // A vertical wheel scrolls the row sideways.
  private readonly wheel = (event: WheelEvent): void => {
    const { scrollLeft, scrollWidth, clientWidth } = this.root;
    if (Math.abs(event.deltaX) > Math.abs(event.deltaY) || event.ctrlKey) return;
    const wanted = Math.max(0, Math.min(scrollLeft + event.deltaY, scrollWidth - clientWidth));
    if (wanted === scrollLeft) return;
    event.preventDefault();
    this.root.scrollLeft = wanted;
  };

  private layOut(): void {
    const { store } = this;
    const { scrollLeft, clientWidth } = this.root;
    if (clientWidth === 0 || this.size === 0) return;
    const { first, end } = visible(scrollLeft, clientWidth, this.size, store.session.count, SPARE);
    for (const [block, tile] of this.tiles) {
      if (block >= first && block < end) continue;
      this.tiles.delete(block);
      tile.root.remove();
      this.spare.push(tile);
    }
    const wanted: number[] = [];
    for (let block = first; block < end; block++) {
      wanted.push(block);
      const tile = this.tile(block);
      if (tile.filled !== this.version) this.fill(block, tile);
    }
    store.thumbnails.request(wanted, (block) => store.session.key(block));
    assign(this.root, { "aria-activedescendant": this.tiles.has(this.current) ? `${this.prefix}-${this.current}` : null });
  }

  private tile(block: number): Tile {
    let tile = this.tiles.get(block);
    if (!tile) {
      tile = this.spare.pop() ?? make();
      tile.filled = -1;
      this.tiles.set(block, tile);
      tile.root.style.transform = `translateX(${block * this.size}px)`;
      this.row.append(tile.root);
    }
    return tile;
  }

  private fill(block: number, tile: Tile): void {
    const { store } = this;
    tile.filled = this.version;
    const { session } = store;
    const source = store.thumbnails.get(session.key(block));
    if (tile.picture.dataset["source"] !== source) {
      if (source) {
        tile.picture.src = source;
        tile.picture.dataset["source"] = source;
      } else {
        tile.picture.removeAttribute("src");
        delete tile.picture.dataset["source"];
      }
    }
    const mark = session.mark(block);
    const [from, to] = session.latents(block);
    setText(tile.number, String(block));
    setText(tile.latents, from === to ? `z${from}` : `z${from}–${to}`);
    const video = `video frames ${session.firstFrame(block)} to ${session.lastFrame(block)}`;
    const label = `Block ${block}, latent frames ${from} to ${to}, ${video}${mark ? `, ${describe(mark)}` : ""}`;
    const drops = store.question?.drops;
    assign(tile.root, {
      id: `${this.prefix}-${block}`, "data-block": block, "aria-label": label, title: label,
      "aria-posinset": block + 1, "aria-setsize": session.count,
      "aria-selected": String(block === this.current),
      "data-mode": mark?.mode ?? null, "data-drops": drops != null && block >= drops,
      "data-goes-on": mark !== null && mark.part + 1 < mark.parts,
    });
  }
}

function make(): Tile {
  const picture = element("img", { class: "ds-thumb", alt: "", draggable: "false" });
  picture.decoding = "async";
  const mark = element("span", { class: "ds-mark", "aria-hidden": true });
  const number = element("b");
  const latents = element("span", { class: "ds-latents" });
  const caption = element("span", { class: "ds-caption" }, number, latents);
  const root = element("div", { class: "ds-tile", role: "option" }, picture, mark, caption);
  return { root, picture, number, latents, mark, filled: -1 };
}

function blockOf(event: Event): number | null {
  const tile = (event.target as Element).closest<HTMLElement>("[data-block]");
  return tile ? Number(tile.dataset["block"]) : null;
}
