// Number fields of the inspector.
import type { Motion } from "../../shared/document";
import { element, focusedBeside } from "../../shared/dom";
import type { InspectorRow } from "./kind";

interface NumberField {
  readonly input: HTMLInputElement;
  /** Shows a value, unless another one is being typed. */
  readonly show: (value: number) => void;
}

export function numberField(label: string, step: number, changed: (value: number) => void): NumberField {
  const input = element("input", { type: "number", step, "aria-label": label });
  let shown = "";
  const show = (value: number): void => {
    shown = String(value);
    if (input !== focusedBeside(input)) input.value = shown;
  };
  input.addEventListener("change", () => {
    const value = Number(input.value);
    if (input.value !== "" && Number.isFinite(value)) changed(value);
    input.value = shown;
  });
  return { input, show };
}

/** A row with a number of a motion: how it is read, and what is done with a number that was typed. */
export function numberRow<M extends Motion>(
  name: string,
  label: string,
  step: number,
  read: (motion: M) => number,
  changed: (value: number) => void,
): InspectorRow<M> {
  const field = numberField(label, step, changed);
  return {
    name,
    control: field.input,
    show: (motion) => {
      field.show(read(motion));
      return true;
    },
  };
}
