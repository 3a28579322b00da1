// The prompt of the next block. Enter sends it; an error is shown below.
import { say } from "../shared/controls";
import { element, icon } from "../shared/dom";
import { ICONS } from "./icons";
import type { Store } from "./store";

let made = 0;

export class Prompt {
  readonly root: HTMLElement;
  readonly answer: HTMLElement;
  private readonly box: HTMLInputElement;
  private readonly words = element("span");
  private known: string | null = null;

  constructor(private readonly store: Store) {
    const id = `dragstream-prompt-${++made}`;
    this.box = element("input", {
      type: "text", class: "ds-prompt", spellcheck: "false", autocomplete: "off", "aria-label": "Prompt of the next block",
      title: "What the next block shows; Enter asks for it", "aria-describedby": id,
    });
    this.box.addEventListener("keydown", (event) => {
      event.stopPropagation(); // the notebook has shortcuts of its own
      if (event.key === "Enter") this.ask();
      if (event.key === "Escape") this.box.value = this.store.state.prompt;
    });
    this.box.addEventListener("input", () => this.mark());
    const set = element("button", { type: "button", class: "ds-button ds-worded ds-set", title: "Ask for this prompt, from the next block on" }, element("span", {}, "Set"));
    set.addEventListener("click", () => this.ask());
    this.root = element("div", { class: "ds-prompt-row" }, icon(...ICONS.prompt), this.box, set);
    this.answer = element("div", { class: "ds-answer", role: "alert", id, hidden: true }, this.words);
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
    say(this.words, answer ?? "");
    this.box.toggleAttribute("aria-invalid", answer !== null);
  }

  private ask(): void {
    this.store.order("prompt", { text: this.box.value });
  }

  private mark(): void {
    this.root.classList.toggle("ds-changed", this.box.value !== this.known);
  }
}
