// Facts about the current block and its actions, or a question about them.
import { setText, textButton } from "../shared/controls";
import { assign, element } from "../shared/dom";
import { ICONS } from "./icons";
import type { Question, Store } from "./store";
import { describe } from "./session";

export class Details {
  readonly root = element("div", { class: "ds-details" });
  private readonly title = element("b");
  private readonly facts = element("span", { class: "ds-facts" });
  private readonly mark = element("span", { class: "ds-badge" });
  private readonly prompt = element("span", { class: "ds-prompt" });
  private readonly rewind: HTMLButtonElement;
  private readonly fork: HTMLButtonElement;
  private readonly about: HTMLElement;
  private asked: Question | null = null;

  constructor(private readonly store: Store) {
    this.rewind = textButton("Go back to here", () => store.askRewind(), ICONS.rewind);
    this.fork = textButton("Branch off here", () => store.request("fork", { at: store.block + 1 }), ICONS.fork);
    const text = element("div", { class: "ds-words" }, this.title, this.mark, this.facts, this.prompt);
    this.about = element("div", { class: "ds-about" }, text, element("div", { class: "ds-actions" }, this.rewind, this.fork));
    this.root.append(this.about);
  }

  update(): void {
    const { question, session, block } = this.store;
    if (question !== this.asked) {
      this.asked = question;
      this.root.replaceChildren(question ? this.form(question) : this.about);
      // focus "Cancel": a second Enter must not drop blocks
      if (question) this.root.querySelector<HTMLElement>("button:last-of-type")?.focus({ preventScroll: true });
    }
    this.rewind.disabled = block < 0 || block >= session.count - 1;
    this.fork.disabled = block < 0;
    if (block < 0) {
      setText(this.title, "No blocks yet");
      [this.facts, this.prompt, this.mark].forEach((node) => setText(node, ""));
      this.mark.hidden = true;
      return;
    }
    const [from, to] = session.latents(block);
    const mark = session.mark(block);
    setText(this.title, `Block ${block}`);
    setText(this.facts, `latent frames ${from}–${to}, video frames ${session.firstFrame(block)}–${session.lastFrame(block)}`);
    setText(this.prompt, session.prompt(block));
    this.prompt.title = session.prompt(block);
    this.mark.hidden = mark === null;
    setText(this.mark, mark ? describe(mark) : "");
    assign(this.mark, { "data-mode": mark?.mode ?? null });
  }

  private form(question: Question): HTMLElement {
    const answers = question.answers.map((answer) => {
      const button = textButton(answer.label, answer.run);
      if (answer.danger) button.classList.add("ds-danger");
      return button;
    });
    const cancel = textButton("Cancel", () => this.store.ask(null));
    const text = element("span", {}, question.text);
    return element("div", { class: "ds-question", role: "group", "aria-label": question.text }, text, element("div", { class: "ds-actions" }, ...answers, cancel));
  }
}
