// The films of all branches side by side, with one slider and one play button.
import { PALETTE } from "../shared/document";
import { element } from "../shared/dom";
import { Frame, lineThrough } from "../shared/frame";
import { playedTo, type Playback } from "../timeline/playback";
import type { Session, Stream } from "./document";

class Screen {
  readonly root: HTMLElement;
  private readonly frame: Frame;

  constructor(session: Session, private readonly stream: Stream) {
    this.frame = new Frame(session.width, session.height);
    this.root = element("figure", {}, this.frame.root, element("figcaption", {}, `${stream.branch.name} · seed ${stream.branch.seed}`));
  }

  show(number: number): void {
    const { frame, stream } = this;
    frame.picture.src = stream.picture(number);
    frame.picture.alt = `${stream.branch.name}, frame ${number + 1}: ${stream.blockAt(number)?.prompt ?? ""}`;
    frame.clear();
    for (const { drag, colour: place, matrix } of stream.marks(number)) {
      const colour = PALETTE[place % PALETTE.length] ?? PALETTE[0];
      frame.draw(drag.outline, matrix === null ? "handle" : "target", colour, matrix);
      const end = drag.track.at(-1);
      if (matrix === null && end && drag.track.length > 1) {
        frame.draw(lineThrough(drag.track), "handle", colour);
        frame.dot(end, colour);
      }
    }
  }
}

export class Film {
  readonly root: HTMLElement;
  readonly length: number;
  frame = 0;
  private readonly screens: readonly Screen[];
  private readonly slider = element("input", { type: "range", min: 0, step: 1, "aria-label": "Video frame" });
  private readonly button = element("button", { type: "button" }, "Play");
  private readonly clock = element("output", {});
  private playback: Playback | null = null;

  constructor(private readonly session: Session, streams: readonly Stream[], private readonly changed: (frame: number) => void) {
    this.screens = streams.map((stream) => new Screen(session, stream));
    this.length = Math.max(...streams.map((stream) => stream.length));
    this.slider.max = String(this.length - 1);
    this.slider.addEventListener("input", () => {
      this.pause();
      this.show(Number(this.slider.value));
    });
    this.button.addEventListener("click", () => (this.playback === null ? this.play() : this.pause()));
    this.root = element(
      "section",
      { "aria-label": "Film" },
      element("div", { class: "screens" }, ...this.screens.map((screen) => screen.root)),
      element("div", { class: "transport" }, this.button, this.slider, this.clock),
    );
  }

  show(frame: number): void {
    this.frame = Math.max(0, Math.min(frame, this.length - 1));
    for (const screen of this.screens) screen.show(this.frame);
    this.slider.value = String(this.frame);
    const seconds = (this.frame / this.session.frameRate).toFixed(2);
    this.clock.textContent = `frame ${this.frame + 1} of ${this.length} · ${seconds} s`;
    this.slider.setAttribute("aria-valuetext", this.clock.textContent);
    this.changed(this.frame);
  }

  pause(): void {
    this.playback = null;
    this.button.textContent = "Play";
  }

  private play(): void {
    const from = this.frame >= this.length - 1 ? 0 : this.frame;
    const playback = { from, began: performance.now(), rate: this.session.frameRate };
    this.playback = playback;
    this.button.textContent = "Pause";
    const tick = (now: number): void => {
      if (this.playback !== playback) return;
      const { frame, done } = playedTo(playback, now, this.length);
      if (frame !== this.frame) this.show(frame);
      if (done) this.pause();
      else requestAnimationFrame(tick);
    };
    requestAnimationFrame(tick);
  }
}
