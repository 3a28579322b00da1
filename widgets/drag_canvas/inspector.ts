// The selected drag, in numbers: its timing, its shape, its place in the list.
import { assign, element, icon } from "../shared/dom";
import { finalDegrees, turnedTo, type Motion } from "../shared/document";
import { clamp } from "../shared/points";
import { easings } from "../shared/spline";
import { HELD_SHARE } from "./hit";
import { ACTION_ICONS, EASE_ICONS } from "./icons";
import { changeMotion, withEase } from "./motion_tools";
import type { Store } from "./store";

const EASE_LABELS: Readonly<Record<string, string>> = {
  linear: "Even speed",
  ease_in: "Starts slowly",
  ease_out: "Ends slowly",
  ease_in_out: "Starts and ends slowly",
};

export class Inspector {
  readonly root = element("div", { class: "ds-inspector", role: "group", "aria-label": "Selected drag" });
  private readonly eases = new Map<string, HTMLButtonElement>();
  private readonly smooth: HTMLButtonElement;
  private readonly degrees: HTMLInputElement;
  private readonly edge: HTMLInputElement;
  private readonly up: HTMLButtonElement;
  private readonly down: HTMLButtonElement;
  private readonly rows: Record<"smooth" | "degrees" | "edge", HTMLElement>;

  constructor(private readonly store: Store) {
    const eases = element("div", { class: "ds-group", role: "group", "aria-label": "Timing" });
    for (const name of Object.keys(easings)) {
      const button = this.button(EASE_LABELS[name], EASE_ICONS[name] ?? [], () => this.change((motion) => withEase(motion, name)));
      assign(button, { "data-ease": name });
      this.eases.set(name, button);
      eases.append(button);
    }
    this.smooth = this.button("Curved", ACTION_ICONS.curve, () =>
      this.change((motion) => motion.type === "rotation" ? motion : { ...motion, path: { ...motion.path, smooth: !motion.path.smooth } }),
    );
    this.degrees = element("input", { type: "number", step: 1, "aria-label": "Degrees, clockwise" });
    this.degrees.addEventListener("change", this.turn);
    this.edge = element("input", { type: "range", min: 5, max: 100, step: 1, "aria-label": "Held share of the region, in percent" });
    this.edge.addEventListener("input", this.hold);
    this.up = this.button("Up the list  Alt+↑", ACTION_ICONS.up, () => store.reorder(-1));
    this.down = this.button("Down the list  Alt+↓", ACTION_ICONS.down, () => store.reorder(1));
    const copy = this.button("Copy, and mute this one  C", ACTION_ICONS.copy, () => store.duplicate());
    this.rows = {
      smooth: row("Curve", this.smooth),
      degrees: row("Degrees", this.degrees),
      edge: row("Held", this.edge),
    };
    const actions = element("div", { class: "ds-group", role: "group", "aria-label": "List" }, this.up, this.down, copy);
    this.root.append(row("Timing", eases), this.rows.smooth, this.rows.degrees, this.rows.edge, row("Order", actions));
  }

  update(): void {
    const { selection, shown, scene } = this.store;
    const drag = typeof selection === "number" ? shown.document.drags[selection] : undefined;
    this.root.hidden = !drag;
    if (!drag) return;
    const { motion } = drag;
    const ease = motion.type === "rotation" ? motion.ease : motion.path.ease;
    for (const [name, button] of this.eases) button.setAttribute("aria-pressed", String(name === (ease ?? "linear")));
    const bends = motion.type !== "rotation" && motion.path.points.length > 2;
    this.rows.smooth.hidden = !bends;
    if (bends) this.smooth.setAttribute("aria-pressed", String(motion.path.smooth));
    this.rows.degrees.hidden = motion.type !== "rotation";
    if (motion.type === "rotation") put(this.degrees, String(Math.round(10 * finalDegrees(motion)) / 10));
    this.rows.edge.hidden = motion.type !== "deformation";
    if (motion.type === "deformation") put(this.edge, String(Math.round(100 * (motion.edge ?? HELD_SHARE))));
    this.up.disabled = selection === 0;
    this.down.disabled = selection === scene.document.drags.length - 1;
  }

  private change(how: (motion: Motion) => Motion, label = ""): void {
    const { selection, scene } = this.store;
    if (typeof selection === "number") changeMotion(this.store, selection, how(scene.document.drags[selection].motion), label);
  }

  private readonly turn = (): void => {
    const degrees = Number(this.degrees.value);
    if (Number.isFinite(degrees) && degrees !== 0) {
      this.change((motion) => motion.type === "rotation" ? turnedTo(motion, clamp(degrees, -36000, 36000)) : motion);
    }
    this.update();
  };

  private readonly hold = (): void => {
    const share = Number(this.edge.value) / 100;
    this.change((motion) => motion.type === "deformation" ? { ...motion, edge: share } : motion, `hold ${this.store.selection}`);
  };

  private button(label: string, paths: readonly string[], act: () => void): HTMLButtonElement {
    const [name] = label.split("  ");
    const button = element("button", { type: "button", class: "ds-button", "aria-label": name, "data-tip": label }, icon(...paths));
    button.addEventListener("click", act);
    return button;
  }
}

function row(name: string, control: HTMLElement): HTMLElement {
  return element("div", { class: "ds-inspector-row" }, element("span", { "aria-hidden": true }, name), control);
}

/** Shows a value, unless somebody is typing another one. */
function put(input: HTMLInputElement, value: string): void {
  if (input !== document.activeElement || input.type === "range") input.value = value;
}
