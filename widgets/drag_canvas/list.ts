// The drags beside the canvas: kind, colour, size, and buttons that mute and delete.
import { closeButton, iconButton } from "../shared/controls";
import { element, focusedBeside, icon } from "../shared/dom";
import { removeDrag, withKeep, type Selection } from "../shared/document";
import { ACTION_ICONS } from "./icons";
import { Inspector } from "./inspector";
import { colourOf } from "./ink";
import { kindOf } from "./motions";
import { DRAFT_COLOUR, KEEP_COLOUR } from "./renderer";
import type { Store } from "./store";
import { toolInfo } from "./tools";
import type { ToolName } from "./types";

interface Row {
  /** Null for the region without motion and the keep region. */
  readonly drag: { readonly index: number; readonly muted: boolean } | null;
  readonly tool: ToolName;
  readonly colour: string;
  readonly text: string;
  readonly selected: boolean;
  readonly select: () => void;
  readonly remove: () => void;
}

export class DragList {
  readonly root = element("div", { class: "ds-list", role: "group", "aria-label": "Drags" });
  private readonly items = element("div", { class: "ds-list-items" });
  private readonly inspector: Inspector;
  private drawn = "";
  private dragged: number | null = null;

  constructor(private readonly store: Store) {
    this.inspector = new Inspector(store);
    this.root.append(element("div", { class: "ds-list-title" }, "Drags"), this.items, this.inspector.root);
    this.update();
  }

  update(): void {
    this.inspector.update();
    const rows = this.rows();
    const drawn = JSON.stringify(rows);
    if (drawn === this.drawn) return;
    this.drawn = drawn;
    const focused = [...this.items.querySelectorAll("button")].findIndex((button) => button === focusedBeside(button));
    const items = rows.map((row) => this.item(row));
    this.items.replaceChildren(
      rows.length > 0
        ? element("ul", {}, ...items)
        : element("p", { class: "ds-empty" }, "Nothing yet. Paint an object on the frame, then pull it."),
    );
    const buttons = this.items.querySelectorAll("button");
    if (focused >= 0) buttons[Math.min(focused, buttons.length - 1)]?.focus();
  }

  private rows(): Row[] {
    const { store } = this;
    const { document, draft, looks } = store.shown;
    const select = (selection: Selection) => () => store.select(selection);
    const rows: Row[] = document.drags.map((drag, i) => ({
      drag: { index: i, muted: looks[i].muted },
      tool: kindOf(drag.motion).toolOf(drag.motion),
      colour: colourOf(looks[i]),
      text: kindOf(drag.motion).describe(drag.motion),
      selected: store.selection === i,
      select: select(i),
      remove: () => store.commit(removeDrag(store.scene, i), null),
    }));
    if (draft) {
      rows.push({
        drag: null, tool: "brush", colour: DRAFT_COLOUR, text: "Region: pull it",
        selected: store.selection === "draft",
        select: select("draft"),
        remove: () => store.commit({ ...store.scene, draft: null }, null),
      });
    }
    if (document.keep) {
      const share = (100 * store.area(document.keep)) / (store.size.width * store.size.height);
      rows.push({
        drag: null, tool: "keep", colour: KEEP_COLOUR, text: `Keep ${share < 1 ? "<1" : Math.round(share)} %`,
        selected: false,
        select: () => store.setTool("keep"),
        remove: () => store.commit(withKeep(store.scene, null)),
      });
    }
    return rows;
  }

  private item(row: Row): HTMLLIElement {
    const swatch = element("span", { class: "ds-swatch", "aria-hidden": true }, icon(...toolInfo(row.tool).icon));
    swatch.style.setProperty("--ds-colour", row.colour);
    const choose = element(
      "button",
      { type: "button", class: "ds-row", "aria-pressed": String(row.selected) },
      swatch, element("span", { class: "ds-row-text" }, row.text),
    );
    choose.addEventListener("click", row.select);
    const item = element("li", { class: `${row.selected ? "ds-selected" : ""} ${row.drag?.muted ? "ds-muted" : ""}`.trim() }, choose);
    if (row.drag) {
      const { index, muted } = row.drag;
      const paths = muted ? ACTION_ICONS.muted : ACTION_ICONS.unmuted;
      item.append(iconButton(`Mute: ${row.text}`, paths, () => this.store.mute(index), "", {
        class: "ds-button ds-row-mute", "aria-pressed": String(muted), "data-tip": null,
      }));
      this.makeDraggable(item, index);
    }
    item.append(closeButton(`Delete: ${row.text}`, row.remove, { class: "ds-button ds-row-remove" }));
    return item;
  }

  /** Lets the mouse drag a row to another place of the list; keys and buttons move it as well. */
  private makeDraggable(item: HTMLLIElement, index: number): void {
    item.draggable = true;
    item.addEventListener("dragstart", (event) => {
      this.dragged = index;
      event.dataTransfer?.setData("text/plain", "");
      event.stopPropagation();
    });
    item.addEventListener("dragend", () => {
      this.dragged = null;
    });
    item.addEventListener("dragover", (event) => {
      if (this.dragged === null) return;
      event.preventDefault();
      event.stopPropagation();
    });
    item.addEventListener("drop", (event) => {
      if (this.dragged === null) return;
      event.preventDefault();
      event.stopPropagation();
      this.store.place(this.dragged, index);
      this.dragged = null;
    });
  }
}
