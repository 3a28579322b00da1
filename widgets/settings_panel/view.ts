// One view of the settings: presets, and a line for each field with its error.
import { Alert, setText, textButton } from "../shared/controls";
import { element, focusedBeside } from "../shared/dom";
import type { Field, State, Store } from "./store";

interface Line {
  readonly root: HTMLElement;
  readonly box: HTMLInputElement | HTMLSelectElement;
  readonly steps: readonly HTMLButtonElement[];
  readonly power: HTMLInputElement | null;
  readonly problem: HTMLElement;
}

let made = 0;

export class View {
  private readonly root = element("div", {
    class: "dragstream-panel dragstream-settings", role: "group", "aria-label": "Settings",
  });
  private readonly presets = element("div", { class: "ds-group", role: "group", "aria-label": "Presets" });
  private readonly list = element("div", { class: "ds-fields" });
  private readonly lines = new Map<string, Line>();
  private readonly alert: Alert;
  private readonly stopWatching: () => void;

  constructor(
    private readonly store: Store,
    host: HTMLElement,
  ) {
    this.alert = new Alert(() => store.setError(null));
    const head = element("div", { class: "ds-presets" }, element("span", {}, "as in the"), this.presets);
    this.root.append(head, this.list, this.alert.root);
    this.root.addEventListener("keydown", (event) => event.stopPropagation());
    host.append(this.root);
    this.stopWatching = store.watch(() => this.update());
    this.update();
  }

  dispose(): void {
    this.stopWatching();
    this.root.remove();
  }

  private update(): void {
    const { state } = this.store;
    this.showPresets(state);
    for (const field of state.fields) {
      const line = this.lines.get(field.name) ?? this.add(field);
      this.show(line, field, state.problems[field.name] ?? null);
    }
    this.alert.show(this.store.error);
    this.root.dataset["preset"] = state.preset ?? "own";
  }

  private showPresets(state: State): void {
    if (this.presets.children.length === 0) {
      for (const name of state.presets) {
        this.presets.append(textButton(name, () => this.store.request("preset", { name }), [], { "data-preset": name }));
      }
    }
    for (const button of this.presets.children) {
      button.setAttribute("aria-pressed", String((button as HTMLElement).dataset["preset"] === state.preset));
    }
  }

  private add(field: Field): Line {
    const id = `dragstream-setting-${++made}`;
    const shared = { id, "aria-describedby": `${id}-unit ${id}-problem` };
    const box = field.choices
      ? element("select", shared, ...field.choices.map(([value, text]) => element("option", { value }, text)))
      : element("input", { ...shared, type: "text", inputmode: "decimal", spellcheck: "false", autocomplete: "off" });
    box.addEventListener("change", () => this.store.request("set", { name: field.name, text: box.value }));
    const steps = field.steps ? [this.step(field, -1, "−", "less"), this.step(field, 1, "+", "more")] : [];
    const power = field.on === null ? null : element("input", { type: "checkbox", role: "switch", "aria-label": `${field.label}: on or off`, title: "On or off" });
    power?.addEventListener("change", () => this.store.request("switch", { name: field.name, on: power.checked }));
    const symbol = element("span", { class: "ds-symbol" }, field.symbol);
    const label = element("label", { for: id }, symbol, element("span", {}, field.label));
    const unit = element("span", { class: "ds-unit", id: `${id}-unit`, title: field.range }, `${field.unit} · ${field.range}`);
    const problem = element("span", { class: "ds-problem", role: "alert", id: `${id}-problem` });
    const root = element("div", { class: "ds-field", "data-field": field.name }, label, element("div", { class: "ds-box" }, box, ...steps), ...(power ? [power] : []), unit, problem);
    this.list.append(root);
    const line = { root, box, steps, power, problem };
    this.lines.set(field.name, line);
    return line;
  }

  private step(field: Field, by: number, sign: string, word: string): HTMLButtonElement {
    const button = element("button", { type: "button", class: "ds-button", "aria-label": `${field.label}: ${word}` }, sign);
    button.addEventListener("click", () => this.store.request("nudge", { name: field.name, by }));
    return button;
  }

  private show(line: Line, field: Field, problem: string | null): void {
    const on = field.on !== false;
    // a text with an error stays, to be corrected
    if (problem === null && line.box.value !== field.text && !(line.box === focusedBeside(line.box) && line.root.dataset["known"] === field.text)) {
      line.box.value = field.text;
    }
    line.root.dataset["known"] = field.text;
    for (const control of [line.box, ...line.steps]) control.disabled = !on;
    line.root.classList.toggle("ds-off", !on);
    line.root.classList.toggle("ds-wrong", problem !== null);
    if (line.power) line.power.checked = on;
    setText(line.problem, problem ?? "");
  }
}
