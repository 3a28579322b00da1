// The clock of films that play in a loop.
import { element } from "../shared/dom";

/** Calls `show` with the seconds that have passed while it plays; its button stops and starts it. */
export class Player {
  readonly button: HTMLButtonElement;
  private readonly word = element("span");
  private playing = false;
  private passed = 0;
  private began = 0;

  constructor(private readonly show: (seconds: number) => void, ...after: (Node | string)[]) {
    this.button = element("button", { type: "button" }, this.word, ...after);
    this.button.addEventListener("click", () => this.play(!this.playing));
    this.play(!matchMedia("(prefers-reduced-motion: reduce)").matches);
    requestAnimationFrame(this.tick);
  }

  play(on: boolean): void {
    this.passed = this.seconds(performance.now());
    this.began = performance.now();
    this.playing = on;
    this.word.textContent = on ? "Pause" : "Play";
  }

  restart(): void {
    this.passed = 0;
    this.began = performance.now();
  }

  private seconds(now: number): number {
    return this.passed + (this.playing ? Math.max(0, now - this.began) / 1000 : 0);
  }

  private readonly tick = (now: number): void => {
    if (this.playing) this.show(this.seconds(now));
    requestAnimationFrame(this.tick);
  };
}
