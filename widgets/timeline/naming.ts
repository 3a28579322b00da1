// A field to rename a branch: Enter or a click elsewhere applies the name, Escape does not.
import { assign, element } from "../shared/dom";

const LONGEST = 40; // as in dragstream.widgets.branches

/** The typed name; null if it is empty or the old one. */
export function typedName(typed: string, before: string): string | null {
  const name = typed.trim();
  return name === "" || name === before ? null : name;
}

export class NameField {
  readonly root = element("input", {
    type: "text", class: "ds-branch-field", maxlength: LONGEST, spellcheck: "false", autocomplete: "off", hidden: "",
  });
  private before = "";

  /** @param label The element that the field replaces while it is open. */
  constructor(
    private readonly label: HTMLElement,
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
    this.label.hidden = true;
    this.root.focus();
    this.root.select();
  }

  close(keep: boolean): void {
    if (!this.open) return;
    this.root.hidden = true; // triggers "blur", which calls this again
    this.label.hidden = false;
    const name = keep ? typedName(this.root.value, this.before) : null;
    if (name !== null) this.rename(this.before, name);
  }

  private readonly key = (event: KeyboardEvent): void => {
    event.stopPropagation(); // the timeline's keys are letters here
    if (event.isComposing || (event.key !== "Enter" && event.key !== "Escape")) return;
    event.preventDefault();
    this.close(event.key === "Enter");
    this.label.focus();
  };
}
