// The state that all views of the settings share.
import { MessageStore } from "../shared/message_store";
import type { Model } from "../shared/model";

export interface Field {
  readonly name: string;
  readonly label: string;
  readonly symbol: string;
  readonly unit: string;
  readonly range: string;
  readonly text: string;
  readonly on: boolean | null;
  readonly choices: readonly (readonly [value: string, text: string])[] | null;
  /** True if a click can change it by a step. */
  readonly steps: boolean;
}

export interface State {
  readonly fields: readonly Field[];
  readonly preset: string | null;
  readonly presets: readonly string[];
  readonly problems: Readonly<Record<string, string>>;
}

const EMPTY: State = { fields: [], preset: null, presets: [], problems: {} };

export class Store extends MessageStore {
  constructor(model: Model) {
    super(model, ["state"]);
  }

  get state(): State {
    return { ...EMPTY, ...(this.model.get("state") as Partial<State>) };
  }
}
