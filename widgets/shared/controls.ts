// Buttons and texts that several widgets have.
import { assign, element, icon, type Attributes } from "./dom";

function button(run: () => void, attributes: Attributes, ...children: Node[]): HTMLButtonElement {
  const made = element("button", { type: "button", ...attributes }, ...children);
  made.addEventListener("click", run);
  return made;
}

/** A button with an icon; its tooltip is the label and, if there is one, the shortcut. */
export const iconButton = (
  label: string,
  paths: readonly string[],
  run: () => void,
  shortcut = "",
  attributes: Attributes = {},
): HTMLButtonElement => {
  const tip = `${label}  ${shortcut}`.trim();
  return button(run, { class: "ds-button", "aria-label": label, "data-tip": tip, ...attributes }, icon(...paths));
};

/** A button with a text, and an icon before it if there is one. */
export const textButton = (
  label: string,
  run: () => void,
  paths: readonly string[] = [],
  attributes: Attributes = {},
): HTMLButtonElement => {
  const icons = paths.length > 0 ? [icon(...paths)] : [];
  return button(run, { class: "ds-button ds-worded", ...attributes }, ...icons, element("span", {}, label));
};

const CLOSE = ["M5.5 5.5 L14.5 14.5", "M14.5 5.5 L5.5 14.5"] as const;

/** A button with a cross, without a tooltip. */
export const closeButton = (label: string, run: () => void, attributes: Attributes = {}): HTMLButtonElement =>
  iconButton(label, CLOSE, run, "", { "data-tip": null, ...attributes });

/** Gives an icon button another icon and label, if they are others. */
export function relabel(button: HTMLButtonElement, label: string, paths: readonly string[]): void {
  if (button.getAttribute("aria-label") === label) return;
  assign(button, { "aria-label": label, "data-tip": label });
  button.replaceChildren(icon(...paths));
}

/** Sets a text if it is another one. */
export function setText(node: Element, text: string): void {
  if (node.textContent !== text) node.textContent = text;
}

/** An alert beside the widget, with a button that closes it. */
export class Alert {
  private readonly text = element("span");
  readonly root: HTMLElement;

  constructor(close: () => void) {
    const label = "Dismiss the message";
    this.root = element("div", { class: "ds-alert", role: "alert" }, this.text, closeButton(label, close, { title: label }));
  }

  show(text: string | null): void {
    setText(this.text, text ?? "");
    this.root.classList.toggle("ds-open", text !== null);
  }
}
