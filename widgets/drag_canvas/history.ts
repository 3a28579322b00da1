// Undo and redo: scenes in order, and the index of the current one. Python has the same history
// (dragstream.widgets.canvas_document); a step has the same number in both.
const LONGEST = 100;

interface Step<Scene> {
  readonly number: number;
  readonly scene: Scene;
}

export class History<Scene> {
  private readonly steps: Step<Scene>[];
  private index = 0;

  constructor(number: number, scene: Scene) {
    this.steps = [{ number, scene }];
  }

  get number(): number {
    return this.steps[this.index].number;
  }

  get scene(): Scene {
    return this.steps[this.index].scene;
  }

  get canUndo(): boolean {
    return this.index > 0;
  }

  get canRedo(): boolean {
    return this.index < this.steps.length - 1;
  }

  /** Adds a step. Its number is the time, so that pages and Python choose different numbers. */
  add(scene: Scene): void {
    let number = Date.now();
    while (this.steps.some((step) => step.number === number)) number += 1;
    this.follow(number, scene);
  }

  /** Replaces the current scene within the same step. */
  amend(scene: Scene): void {
    this.cut();
    this.steps[this.index] = { number: this.number, scene };
  }

  /** Goes to a known step or adds a new one; a change with the current number amends the current step. */
  follow(number: number, scene: Scene): void {
    if (number === this.number) {
      this.amend(scene);
      return;
    }
    const known = this.steps.findIndex((step) => step.number === number);
    if (known < 0) {
      this.cut();
      this.steps.push({ number, scene });
      if (this.steps.length > LONGEST + 1) this.steps.shift();
      this.index = this.steps.length - 1;
    } else {
      this.steps[known] = { number, scene };
      this.index = known;
    }
  }

  /** False if there is nothing to undo. */
  back(): boolean {
    if (!this.canUndo) return false;
    this.index -= 1;
    return true;
  }

  /** False if there is nothing to redo. */
  forth(): boolean {
    if (!this.canRedo) return false;
    this.index += 1;
    return true;
  }

  /** Drops the steps after the current one. */
  cut(): void {
    this.steps.length = this.index + 1;
  }
}
