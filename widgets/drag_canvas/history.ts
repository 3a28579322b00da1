// Undo and redo: scenes in the order in which they were made, and which of them stands now. Python
// keeps a twin (dragstream.widgets.canvas_document); both call a step by the same number.
const LONGEST = 100;

interface Step<Scene> {
  readonly number: number;
  readonly scene: Scene;
}

export class History<Scene> {
  private readonly steps: Step<Scene>[];
  private place = 0;

  constructor(number: number, scene: Scene) {
    this.steps = [{ number, scene }];
  }

  get number(): number {
    return this.steps[this.place].number;
  }

  get scene(): Scene {
    return this.steps[this.place].scene;
  }

  get canUndo(): boolean {
    return this.place > 0;
  }

  get canRedo(): boolean {
    return this.place < this.steps.length - 1;
  }

  /** Begins a step. Its number is the time: pages that know nothing of one another choose different ones. */
  add(scene: Scene): void {
    let number = Date.now();
    while (this.steps.some((step) => step.number === number)) number += 1;
    this.follow(number, scene);
  }

  /** Another scene in place of the one that stands, as a part of the same step. */
  amend(scene: Scene): void {
    this.cut();
    this.steps[this.place] = { number: this.number, scene };
  }

  /** Goes to a step that is known, or begins it; a change that bears the present number amends it. */
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
      this.place = this.steps.length - 1;
    } else {
      this.steps[known] = { number, scene };
      this.place = known;
    }
  }

  /** False if there is nothing to undo. */
  back(): boolean {
    if (!this.canUndo) return false;
    this.place -= 1;
    return true;
  }

  /** False if there is nothing to redo. */
  forth(): boolean {
    if (!this.canRedo) return false;
    this.place += 1;
    return true;
  }

  /** Forgets what could be redone. */
  cut(): void {
    this.steps.length = this.place + 1;
  }
}
