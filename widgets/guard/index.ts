// Looks after a box of other people's controls, which has no code of its own in the page: keys that
// are pressed in it stay there, and Python knows if a page shows it.
import { keepKeys } from "../shared/keys";
import { widget } from "../shared/widget";

const EVENTS = ["focusin", "pointerdown"] as const;

class View {
  constructor(private readonly host: HTMLElement) {
    host.classList.add("dragstream-guard");
    for (const event of EVENTS) document.addEventListener(event, this.look, true);
  }

  dispose(): void {
    for (const event of EVENTS) document.removeEventListener(event, this.look, true);
  }

  /** The box is known once it is in the page, so at the latest when it gets the focus. */
  private readonly look = (event: Event): void => {
    const box = this.host.parentElement;
    if (box?.contains(event.target as Node)) keepKeys(box);
  };
}

export default widget(
  () => ({ dispose: () => undefined }),
  (_, host) => new View(host),
);
