// Keeps keys in a box of ipywidgets controls, which has no code of its own in the page, and reports to
// Python whether a page shows the box.
import { keepKeys } from "../shared/keys";
import { widget } from "../shared/widget";

const EVENTS = ["focusin", "pointerdown"] as const;

class View {
  constructor(private readonly host: HTMLElement) {
    host.classList.add("dragstream-guard");
    for (const event of EVENTS) document.addEventListener(event, this.onEvent, true);
  }

  dispose(): void {
    for (const event of EVENTS) document.removeEventListener(event, this.onEvent, true);
  }

  /** Finds the box, which is in the page at the latest when it gets the focus. */
  private readonly onEvent = (event: Event): void => {
    const box = this.host.parentElement;
    if (box?.contains(event.target as Node)) keepKeys(box);
  };
}

export default widget(
  () => ({ dispose: () => undefined }),
  (_, host) => new View(host),
);
