// Number fields of the inspector.
import { element, focusedBeside } from "../../shared/dom";

export interface NumberField {
  readonly input: HTMLInputElement;
  /** Shows a value, unless another one is being typed. */
  readonly put: (value: number) => void;
}

export function numberField(label: string, step: number, changed: (value: number) => void): NumberField {
  const input = element("input", { type: "number", step, "aria-label": label });
  let shown = "";
  const put = (value: number): void => {
    shown = String(value);
    if (input !== focusedBeside(input)) input.value = shown;
  };
  input.addEventListener("change", () => {
    const value = Number(input.value);
    if (input.value !== "" && Number.isFinite(value)) changed(value);
    input.value = shown;
  });
  return { input, put };
}
