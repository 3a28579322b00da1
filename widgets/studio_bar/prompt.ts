// The prompt of the next block. Enter sends it; an error is shown below.
import { setText, textButton } from "../shared/controls";
import { element, icon } from "../shared/dom";
import { ICONS } from "./icons";
import type { Store } from "./store";

let made = 0;

export class Prompt {
  readonly root: HTMLElement;
  readonly answer: HTMLElement;
  private readonly box: HTMLInputElement;
  private readonly text = element("span");
  private known: string | null = null;

  constructor(private readonly store: Store) {
    const id = `dragstream-prompt-${++made}`;
    this.box = element("input", {
      type: "text", class: "ds-prompt", spellcheck: "false", autocomplete: "off", "aria-label": "Prompt of the next block",
      title: "What the next block shows; Enter sends it", "aria-describedby": id,
    });
    this.box.addEventListener("keydown", (event) => {
      event.stopPropagation(); // the notebook has shortcuts of its own
      if (event.key === "Enter") this.send();
      if (event.key === "Escape") this.box.value = this.store.state.prompt;
    });
    this.box.addEventListener("input", () => this.mark());
    const set = textButton("Set", () => this.send(), [], {
      class: "ds-button ds-worded ds-set", title: "Use this prompt from the next block on",
    });
    this.root = element("div", { class: "ds-prompt-row" }, icon(...ICONS.prompt), this.box, set);
    this.answer = element("div", { class: "ds-answer", role: "alert", id, hidden: true }, this.text);
  }

  update(): void {
    const { prompt } = this.store.state;
    // An edited text stays until Python has another prompt.
    if (prompt !== this.known) {
      this.known = prompt;
      this.box.value = prompt;
    }
    this.mark();
    const { answer } = this.store;
    this.answer.hidden = answer === null;
    setText(this.text, answer ?? "");
    this.box.toggleAttribute("aria-invalid", answer !== null);
  }

  private send(): void {
    this.store.request("prompt", { text: this.box.value });
  }

  private mark(): void {
    this.root.classList.toggle("ds-changed", this.box.value !== this.known);
  }
}
