// Keys that are pressed inside a widget stay there. Notebooks listen for keys on the whole page:
// "d d" would delete the cell whose widget has the focus.

import { focusedBeside } from "./dom";

/** The attribute that JupyterLab's shortcuts look for, from the focused element upwards, before each comparison. */
const MARK = "data-lm-suppress-shortcuts";

const kept = new WeakSet<Element>();

/**
 * Keeps keys within an element. The mark has to be on the focused element itself, whose own matches
 * come before those of its ancestors; it also works where a page listens before all elements, as
 * Notebook 7 does. What a key does by itself, such as moving the focus by Tab, it still does.
 */
export function keepKeys(root: HTMLElement): void {
  if (kept.has(root)) return;
  kept.add(root);
  const mark = ({ target }: Event): void => (target as Element).setAttribute(MARK, "true");
  root.addEventListener("focusin", mark);
  root.addEventListener("pointerdown", mark, true); // it may get the focus, of which some pages know before
  for (const name of ["keydown", "keypress", "keyup"]) root.addEventListener(name, (event) => event.stopPropagation());
  if (!root.hasAttribute("tabindex")) root.tabIndex = -1; // a click beside all controls is one inside, too
  const focused = focusedBeside(root);
  if (focused && root.contains(focused)) focused.setAttribute(MARK, "true");
  holdFocus(root, focused);
}

/** A button that its own click switches off or hides loses the focus, and with it the keys to come. */
function holdFocus(root: HTMLElement, focused: Element | null): void {
  let last = focused && root.contains(focused) ? focused : null;
  const gone = (element: Element): boolean => element.matches(":disabled") || !element.checkVisibility();
  root.addEventListener("focusin", ({ target }) => void (last = target as Element));
  const look = (): void => {
    if (!last || !root.isConnected || !gone(last)) return;
    const { activeElement, body } = root.ownerDocument;
    if (activeElement === body || focusedBeside(root) === last) root.focus({ preventScroll: true });
  };
  root.addEventListener("focusout", () => {
    const left = last;
    requestAnimationFrame(() => {
      look();
      if (last === left && left && !gone(left) && focusedBeside(left) !== left) last = null; // it went by itself
    });
  });
  // At once: until the next frame the page itself would have the focus, and with it the keys.
  new MutationObserver(look).observe(root, {
    subtree: true, childList: true, attributes: true, attributeFilter: ["disabled", "hidden", "class"],
  });
}
