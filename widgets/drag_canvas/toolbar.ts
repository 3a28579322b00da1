// The toolbar: a row of icon buttons with one tab stop; arrow keys move between them.
import { iconButton } from "../shared/controls";
import { assign, element, icon } from "../shared/dom";
import { ACTION_ICONS } from "./icons";
import type { HelpOverlay } from "./help";
import { HOLD } from "./holding";
import type { Preview } from "./preview";
import type { Store } from "./store";
import { TOOL_GROUPS } from "./tools";
import type { ToolInfo, ToolName } from "./types";

export class Toolbar {
  readonly root: HTMLElement;
  private readonly tools = new Map<ToolName, HTMLButtonElement>();
  private readonly undo: HTMLButtonElement;
  private readonly redo: HTMLButtonElement;
  private readonly remove: HTMLButtonElement;
  private readonly clear: HTMLButtonElement;
  private readonly size: HTMLInputElement;
  private readonly sizeText: HTMLElement;

  private readonly play: HTMLButtonElement;

  constructor(
    private readonly store: Store,
    private readonly preview: Preview,
    help: HelpOverlay,
  ) {
    const groups = TOOL_GROUPS.map(({ label, tools }) =>
      element(
        "div",
        { class: "ds-group", role: "group", "aria-label": label },
        ...tools.map((tool) => this.toolButton(tool)),
      ),
    );
    const action = (label: string, key: string, paths: readonly string[], run: () => void): HTMLButtonElement =>
      iconButton(label, paths, run, key, { tabindex: -1 });
    this.undo = action("Undo", "Ctrl+Z", ACTION_ICONS.undo, () => store.undo());
    this.redo = action("Redo", "Ctrl+Shift+Z", ACTION_ICONS.redo, () => store.redo());
    this.remove = action("Delete the selected", "Del", ACTION_ICONS.remove, () => store.removeSelected());
    this.clear = action("Clear all", "", ACTION_ICONS.clear, () => store.clear());
    const largest = Math.round(Math.min(store.size.width, store.size.height) / 4);
    this.size = element("input", {
      type: "range", min: 1, max: Math.max(4, largest), step: 1, "aria-label": "Brush radius in pixels",
    });
    this.size.addEventListener("input", () => store.setBrushRadius(Number(this.size.value)));
    this.sizeText = element("span", { class: "ds-size-text" });
    const size = element(
      "label",
      { class: "ds-size", "data-tip": "Brush size  [ ]" },
      element("span", { class: "ds-size-dot", "aria-hidden": true }), this.size, this.sizeText,
    );
    const actions = element(
      "div",
      { class: "ds-group", role: "group", "aria-label": "History" },
      this.undo, this.redo, this.remove, this.clear,
    );
    this.play = action("Preview", "G", ACTION_ICONS.play, preview.toggle);
    this.play.classList.add("ds-play");
    const shortcuts = action("Shortcuts", "?", ACTION_ICONS.help, help.open);
    const last = element("div", { class: "ds-group", role: "group", "aria-label": "Preview and help" }, this.play, shortcuts);
    this.root = element("div", { class: "ds-toolbar", role: "toolbar", "aria-label": "Drag tools" }, ...groups, size, actions, last);
    this.root.addEventListener("keydown", this.onArrow);
    this.update();
  }

  update(): void {
    const { store } = this;
    for (const [name, button] of this.tools) {
      const pressed = name === store.tool;
      button.hidden = name === HOLD && !store.holding.possible;
      button.setAttribute("aria-pressed", String(pressed));
      button.tabIndex = pressed ? 0 : -1;
    }
    this.undo.disabled = !store.canUndo;
    this.redo.disabled = !store.canRedo;
    const { document, draft } = store.scene;
    const anything = document.drags.length > 0 || document.keep !== null || draft !== null;
    this.remove.disabled =
      store.selection === null && !(store.tool === "keep" && document.keep !== null);
    this.clear.disabled = !anything;
    this.play.disabled = !this.preview.possible;
    if (this.play.getAttribute("aria-pressed") !== String(this.preview.playing)) {
      assign(this.play, { "aria-pressed": String(this.preview.playing) });
      this.play.replaceChildren(icon(...(this.preview.playing ? ACTION_ICONS.stop : ACTION_ICONS.play)));
    }
    this.size.value = String(store.brushRadius);
    this.sizeText.textContent = `${store.brushRadius} px`;
  }

  private toolButton({ name, label, key, icon: paths }: ToolInfo): HTMLButtonElement {
    const choose = (): void => this.store.setTool(name);
    const button = iconButton(label, paths, choose, key.toUpperCase(), { "data-tool": name, "aria-keyshortcuts": key });
    this.tools.set(name, button);
    return button;
  }

  private readonly onArrow = (event: KeyboardEvent): void => {
    if (!(event.target instanceof HTMLButtonElement)) return;
    const buttons = [...this.root.querySelectorAll<HTMLButtonElement>("button:not(:disabled)")];
    const step = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
    if (step === 0) return;
    event.preventDefault();
    event.stopPropagation();
    const next = buttons[(buttons.indexOf(event.target) + step + buttons.length) % buttons.length];
    for (const button of buttons) assign(button, { tabindex: button === next ? 0 : -1 });
    next.focus();
  };
}
