// The selected drag: its timing, the values of its kind of motion, its place in the list.
import { iconButton, setText, textButton } from "../shared/controls";
import { assign, element } from "../shared/dom";
import { withLook, type Motion } from "../shared/document";
import { easings } from "../shared/spline";
import { activeCamera, isCamera } from "./camera_drag";
import { ACTION_ICONS, EASE_ICONS } from "./icons";
import { changeMotion } from "./motion_tools";
import { kindOf } from "./motions";
import type { InspectorRow, MotionKind } from "./motions/kind";
import type { Store } from "./store";

const EASE_LABELS: Readonly<Record<string, string>> = {
  linear: "Even speed",
  ease_in: "Starts slowly",
  ease_out: "Ends slowly",
  ease_in_out: "Starts and ends slowly",
};

const RELATIVES = { scene: "Scene", frame: "Frame" } as const;

export class Inspector {
  readonly root = element("div", { class: "ds-inspector", role: "group", "aria-label": "Selected drag" });
  private readonly eases = new Map<string, HTMLButtonElement>();
  private readonly up: HTMLButtonElement;
  private readonly down: HTMLButtonElement;
  private readonly own = element("div", { class: "ds-inspector-own" });
  private readonly relatives = new Map<string, HTMLButtonElement>();
  private readonly relative: HTMLElement;
  private kind: MotionKind | null = null;
  private rows: readonly (InspectorRow<Motion> & { readonly root: HTMLElement })[] = [];

  constructor(private readonly store: Store) {
    const eases = element("div", { class: "ds-group", role: "group", "aria-label": "Timing" });
    for (const name of Object.keys(easings)) {
      const choose = (): void => this.change((motion) => kindOf(motion).withEase(motion, name));
      const button = iconButton(EASE_LABELS[name], EASE_ICONS[name] ?? [], choose, "", { "data-ease": name });
      this.eases.set(name, button);
      eases.append(button);
    }
    this.up = iconButton("Up the list", ACTION_ICONS.up, () => store.reorder(-1), "Alt+↑");
    this.down = iconButton("Down the list", ACTION_ICONS.down, () => store.reorder(1), "Alt+↓");
    const copy = iconButton("Copy, and mute this one", ACTION_ICONS.copy, () => store.duplicate(), "C");
    const actions = element("div", { class: "ds-group", role: "group", "aria-label": "List" }, this.up, this.down, copy);
    const relatives = element("div", { class: "ds-group ds-relative", role: "group" });
    for (const [name, label] of Object.entries(RELATIVES)) {
      const choose = (): void => this.relate(name === "frame" ? "frame" : undefined);
      const button = textButton(label, choose, [], { class: "ds-button ds-text-button" });
      this.relatives.set(name, button);
      relatives.append(button);
    }
    this.relative = row("", relatives);
    this.relative.classList.add("ds-relative-row");
    this.root.append(row("Timing", eases), this.own, this.relative, row("Order", actions));
  }

  update(): void {
    const { selection, shown, scene } = this.store;
    const drag = typeof selection === "number" ? shown.document.drags[selection] : undefined;
    this.root.hidden = !drag;
    if (!drag) return;
    const { motion } = drag;
    const kind = kindOf(motion);
    this.choose(kind);
    const ease = kind.ease(motion);
    for (const [name, button] of this.eases) button.setAttribute("aria-pressed", String(name === (ease ?? "linear")));
    for (const { root, show } of this.rows) root.hidden = !show(motion);
    this.showRelative(selection as number);
    this.up.disabled = selection === 0;
    this.down.disabled = selection === scene.document.drags.length - 1;
  }

  /** Beside a camera: whether the object moves with the scene or the frame; of the camera: the region to keep. */
  private showRelative(index: number): void {
    const { shown } = this.store;
    const camera = isCamera(shown.document.drags[index]);
    this.relative.hidden = camera ? !shown.document.keep : activeCamera(shown) === null;
    const name = camera ? "Keep with" : "Moves with";
    const [title, group] = this.relative.children;
    setText(title, name);
    assign(group, { "aria-label": name });
    const chosen = shown.looks[index].relative ?? "scene";
    for (const [each, button] of this.relatives) button.setAttribute("aria-pressed", String(each === chosen));
  }

  private relate(relative: "frame" | undefined): void {
    const { selection, scene } = this.store;
    if (typeof selection === "number") this.store.commit(withLook(scene, selection, { relative }), selection);
  }

  /** Shows the rows of a kind of motion instead of those of another kind. */
  private choose(kind: MotionKind): void {
    if (kind === this.kind) return;
    this.kind = kind;
    const rows = kind.rows((how, label) => this.change(how, label));
    this.rows = rows.map((each) => ({ ...each, root: row(each.name, each.control) }));
    this.own.replaceChildren(...this.rows.map(({ root }) => root));
  }

  private change(how: (motion: Motion) => Motion, label = ""): void {
    const { selection, scene } = this.store;
    if (typeof selection !== "number") return;
    const merged = label && `${label} ${selection}`;
    changeMotion(this.store, selection, how(scene.document.drags[selection].motion), merged);
  }
}

function row(name: string, control: HTMLElement): HTMLElement {
  return element("div", { class: "ds-inspector-row" }, element("span", { "aria-hidden": true }, name), control);
}
