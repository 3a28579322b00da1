// A branch's name, to be typed over: Enter or a click elsewhere keeps it, Escape does not.
import { assign, element } from "../shared/dom";

const LONGEST = 40; // as in dragstream.widgets.branches

/** The name that was typed; null if there is none, or no other one. */
export function typedName(typed: string, before: string): string | null {
  const name = typed.trim();
  return name === "" || name === before ? null : name;
}

export class NameField {
  readonly root = element("input", {
    type: "text", class: "ds-branch-field", maxlength: LONGEST, spellcheck: "false", autocomplete: "off", hidden: "",
  });
  private before = "";

  /** `stands` is what the field is typed over. */
  constructor(
    private readonly stands: HTMLElement,
    private readonly rename: (name: string, to: string) => void,
  ) {
    this.root.addEventListener("keydown", this.key);
    this.root.addEventListener("blur", () => this.close(true));
  }

  get open(): boolean {
    return !this.root.hidden;
  }

  edit(name: string): void {
    if (this.open) return;
    this.before = this.root.value = name;
    assign(this.root, { "aria-label": `Name of ${name}` });
    this.root.hidden = false;
    this.stands.hidden = true;
    this.root.focus();
    this.root.select();
  }

  close(keep: boolean): void {
    if (!this.open) return;
    this.root.hidden = true; // which takes the focus and comes back here
    this.stands.hidden = false;
    const name = keep ? typedName(this.root.value, this.before) : null;
    if (name !== null) this.rename(this.before, name);
  }

  private readonly key = (event: KeyboardEvent): void => {
    event.stopPropagation(); // the timeline's keys are letters here
    if (event.isComposing || (event.key !== "Enter" && event.key !== "Escape")) return;
    event.preventDefault();
    this.close(event.key === "Enter");
    this.stands.focus();
  };
}
