// Buttons and texts that several widgets have.
import { assign, element, icon } from "./dom";

/** A button with an icon; what it does is its label and its tooltip. */
export function iconButton(label: string, paths: readonly string[], run: () => void): HTMLButtonElement {
  const made = element("button", { type: "button", class: "ds-button", "aria-label": label, "data-tip": label }, icon(...paths));
  made.addEventListener("click", run);
  return made;
}

/** A button with a text, and an icon before it if there is one. */
export function textButton(label: string, run: () => void, paths?: readonly string[]): HTMLButtonElement {
  const made = element("button", { type: "button", class: "ds-button ds-worded" });
  if (paths) made.append(icon(...paths));
  made.append(element("span", {}, label));
  made.addEventListener("click", run);
  return made;
}

/** Gives an icon button another icon and label, if they are others. */
export function relabel(button: HTMLButtonElement, label: string, paths: readonly string[]): void {
  if (button.getAttribute("aria-label") === label) return;
  assign(button, { "aria-label": label, "data-tip": label });
  button.replaceChildren(icon(...paths));
}

/** Sets a text if it is another one. */
export function say(node: Element, text: string): void {
  if (node.textContent !== text) node.textContent = text;
}

const CLOSE = ["M5.5 5.5 L14.5 14.5", "M14.5 5.5 L5.5 14.5"] as const;

/** An alert beside the widget, with a button that closes it. */
export class Alert {
  private readonly words = element("span");
  readonly root: HTMLElement;

  constructor(close: () => void) {
    const button = iconButton("Dismiss the message", CLOSE, close);
    this.root = element("div", { class: "ds-alert", role: "alert" }, this.words, button);
  }

  show(text: string | null): void {
    say(this.words, text ?? "");
    this.root.classList.toggle("ds-open", text !== null);
  }
}
