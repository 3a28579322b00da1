// The list of shortcuts over the canvas.
import { closeButton } from "../shared/controls";
import { element } from "../shared/dom";
import { TOOLS } from "./tools";

type Shortcut = readonly [keys: string, meaning: string];

const GROUPS: readonly { readonly title: string; readonly shortcuts: readonly Shortcut[] }[] = [
  { title: "Tools", shortcuts: TOOLS.map((tool): Shortcut => [tool.key.toUpperCase(), tool.label]) },
  {
    title: "Without a mouse",
    shortcuts: [
      ["← ↑ → ↓", "Move the crosshair, or nudge the selected drag"],
      ["Shift + arrow", "Eight pixels at once"],
      ["Space", "Show the crosshair; then press and release"],
      ["Enter", "End a polygon or a path of clicks"],
      ["Esc", "Cancel the gesture, then the selection"],
      ["[  ]", "Smaller, larger brush"],
    ],
  },
  {
    title: "Drags",
    shortcuts: [
      ["G", "Play the preview"],
      [",  .", "Select the previous or next waypoint"],
      ["I", "Insert a waypoint"],
      ["Del", "Delete the selected waypoint, or the drag"],
      ["M", "Mute"],
      ["C", "Copy, and mute the original"],
      ["Alt + ↑ ↓", "Move up or down the list"],
      ["Ctrl + Z", "Undo; with Shift redo"],
    ],
  },
  {
    title: "With the pointer",
    shortcuts: [
      ["Shift", "Add to the region; turn by steps of 15°"],
      ["Alt", "Erase; on a waypoint, delete it"],
      ["Dot between", "Pull it to insert a waypoint"],
      ["First dot", "With Select: hold another place of the region"],
      ["Pen", "Its other end erases"],
    ],
  },
  {
    title: "Camera",
    shortcuts: [
      ["← ↑ → ↓", "Pan; with Shift eight pixels at once"],
      ["+  −", "Zoom; so does the wheel"],
      [",  .", "Roll; so does Shift and the wheel"],
    ],
  },
  {
    title: "Hold, while it plays",
    shortcuts: [
      ["Enter", "Find the objects; then pin or unpin the chosen one"],
      ["Tab", "The next object; with Shift the one before"],
      ["← ↑ → ↓", "Pull it; with Shift eight pixels at once"],
      [",  .", "Turn it;  <  and  >  scale it"],
      ["Del", "Release it"],
      ["Esc", "Release all"],
      ["Wheel", "Turn what is under the pointer; with Shift scale it"],
      ["Two clicks", "Pin, or unpin"],
    ],
  },
  {
    title: "View",
    shortcuts: [
      ["+  −", "Zoom; so does the wheel over a canvas in use"],
      ["0", "Show the whole frame"],
      ["Two fingers", "Zoom and move; the middle button moves, too"],
      ["?", "These shortcuts"],
    ],
  },
];

export class HelpOverlay {
  readonly root: HTMLElement;
  private readonly close = closeButton("Close the shortcuts", () => this.hide());

  constructor(private readonly home: HTMLElement) {
    const groups = GROUPS.map(({ title, shortcuts }) =>
      element(
        "section", {},
        element("h3", {}, title),
        element("dl", {}, ...shortcuts.flatMap(([keys, meaning]) => [element("dt", {}, keys), element("dd", {}, meaning)])),
      ),
    );
    this.root = element(
      "div", { class: "ds-help", role: "dialog", "aria-modal": true, "aria-label": "Shortcuts", hidden: "" },
      element("header", {}, element("h2", {}, "Shortcuts"), this.close),
      element("div", { class: "ds-help-groups" }, ...groups),
    );
  }

  get shown(): boolean {
    return !this.root.hidden;
  }

  open = (): void => {
    this.root.hidden = false;
    this.close.focus({ preventScroll: true });
  };

  private hide(): void {
    this.root.hidden = true;
    this.home.focus({ preventScroll: true });
  }

  /** Handles a key while the dialog is open; false while it is closed. */
  key(event: KeyboardEvent): boolean {
    if (!this.shown) return false;
    if (event.key === "Escape" || event.key === "?") this.hide();
    else if (event.key === "Enter" || event.key === " ") this.hide(); // its only button has the focus
    return true;
  }
}
