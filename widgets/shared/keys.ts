// Keeps keys that are pressed in a widget from the notebook, which listens on the whole page: "d d" would
// delete the cell whose widget has the focus.

import { focusedBeside } from "./dom";

/** JupyterLab runs no shortcuts for a focused element with this attribute, or inside of one. */
const MARK = "data-lm-suppress-shortcuts";

const kept = new WeakSet<Element>();

/**
 * Keeps keys within an element. The attribute has to be on the focused element itself, whose matches
 * come before those of its ancestors; it also works where the page listens in the capture phase, as
 * Notebook 7 does. Default actions, such as Tab, still happen.
 */
export function keepKeys(root: HTMLElement): void {
  if (kept.has(root)) return;
  kept.add(root);
  const mark = ({ target }: Event): void => (target as Element).setAttribute(MARK, "true");
  root.addEventListener("focusin", mark);
  root.addEventListener("pointerdown", mark, true); // it may get the focus, and some pages handle that first
  for (const name of ["keydown", "keypress", "keyup"]) root.addEventListener(name, (event) => event.stopPropagation());
  if (!root.hasAttribute("tabindex")) root.tabIndex = -1; // a click beside the controls focuses the root
  const focused = focusedBeside(root);
  if (focused && root.contains(focused)) focused.setAttribute(MARK, "true");
  holdFocus(root, focused);
}

/** Keeps the focus in an element when the focused button is disabled or hidden by its own click. */
function holdFocus(root: HTMLElement, focused: Element | null): void {
  let last = focused && root.contains(focused) ? focused : null;
  const gone = (element: Element): boolean => element.matches(":disabled") || !element.checkVisibility();
  root.addEventListener("focusin", ({ target }) => void (last = target as Element));
  const refocus = (): void => {
    if (!last || !root.isConnected || !gone(last)) return;
    const { activeElement, body } = root.ownerDocument;
    if (activeElement === body || focusedBeside(root) === last) root.focus({ preventScroll: true });
  };
  root.addEventListener("focusout", () => {
    const left = last;
    requestAnimationFrame(() => {
      refocus();
      if (last === left && left && !gone(left) && focusedBeside(left) !== left) last = null; // the focus was moved on purpose
    });
  });
  // At once: until the next frame the page itself would have the focus and get the keys.
  new MutationObserver(refocus).observe(root, {
    subtree: true, childList: true, attributes: true, attributeFilter: ["disabled", "hidden", "class"],
  });
}
