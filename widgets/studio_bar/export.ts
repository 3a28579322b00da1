// The export menu, and a line about the last file.
import { setText, textButton } from "../shared/controls";
import { element, icon } from "../shared/dom";
import { ICONS } from "./icons";
import type { Store } from "./store";

const KINDS = [
  ["mp4", "Film (.mp4)", "The whole session as a film"],
  ["gif", "Picture (.gif)", "The whole session as an animated picture"],
  ["html", "Web page (.html)", "All branches with their drags, prompts and drift, in one file that opens anywhere"],
  ["dragstream", "Archive (.dragstream)", "Everything except the model, to continue later"],
  ["py", "Python code (.py)", "The calls that repeat this session, bit for bit on a CPU"],
] as const;

export class Export {
  readonly root: HTMLDetailsElement;
  readonly result: HTMLElement;
  private readonly name = element("input", { type: "text", class: "ds-name-box", value: "take-1", "aria-label": "Name of the file, without its ending" });
  private readonly text = element("span");
  private readonly code = element("pre", { tabindex: 0, "aria-label": "Python code" });
  private readonly fold: HTMLDetailsElement;
  private readonly buttons: readonly HTMLButtonElement[];

  constructor(private readonly store: Store) {
    this.name.addEventListener("keydown", (event) => event.stopPropagation());
    this.buttons = KINDS.map(([kind, label, title]) => {
      const button = element("button", { type: "button", class: "ds-item", title }, label);
      button.addEventListener("click", () => {
        this.root.open = false;
        store.request("export", { kind, name: this.name.value });
      });
      return button;
    });
    const menu = element("div", { class: "ds-menu" }, element("label", {}, "name ", this.name), ...this.buttons);
    const summary = element("summary", { class: "ds-button ds-worded", title: "Write the session to a file" }, icon(...ICONS.save), element("span", {}, "Export"));
    this.root = element("details", { class: "ds-export" }, summary, menu);
    this.root.addEventListener("keydown", (event) => {
      if (event.key === "Escape") this.root.open = false;
    });
    const copy = textButton("Copy", () => void navigator.clipboard?.writeText(this.code.textContent ?? ""), ICONS.copy);
    this.fold = element("details", {}, element("summary", {}, "Python code"), copy, this.code);
    this.result = element("div", { class: "ds-written", role: "status", hidden: true }, this.text, this.fold);
  }

  update(): void {
    const { written, state } = this.store;
    for (const button of this.buttons) button.disabled = state.blocks === 0;
    this.result.hidden = written === null;
    setText(this.text, written?.text ?? "");
    this.fold.hidden = written?.code == null;
    setText(this.code, written?.code ?? "");
  }
}
