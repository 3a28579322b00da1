// The films of all branches side by side, with one slider and one play button.
import { PALETTE } from "../shared/document";
import { assign, element } from "../shared/dom";
import { playedTo, type Playback } from "../timeline/playback";
import type { Session, Stream } from "./document";

const SVG = "http://www.w3.org/2000/svg";

class Screen {
  readonly root: HTMLElement;
  private readonly picture = element("img", { alt: "" });
  private readonly marks = document.createElementNS(SVG, "svg");

  constructor(session: Session, private readonly stream: Stream) {
    const { width, height } = session;
    // Pixel centres are at integers, so the frame begins at -0.5.
    assign(this.marks, { viewBox: `-0.5 -0.5 ${width} ${height}`, "aria-hidden": true });
    const frame = element("div", { class: "frame" }, this.picture, this.marks);
    this.root = element("figure", {}, frame, element("figcaption", {}, `${stream.branch.name} · seed ${stream.branch.seed}`));
  }

  show(frame: number): void {
    this.picture.src = this.stream.picture(frame);
    this.picture.alt = `${this.stream.branch.name}, frame ${frame + 1}: ${this.stream.blockAt(frame)?.prompt ?? ""}`;
    this.marks.replaceChildren();
    for (const { drag, colour, matrix } of this.stream.marks(frame)) {
      this.draw(drag.outline, colour, matrix === null ? "handle" : "target", matrix);
      if (matrix === null && drag.track.length > 1) {
        this.draw(drag.track.map(([x, y], i) => `${i === 0 ? "M" : "L"}${x} ${y}`).join(""), colour, "handle", null);
        const [x, y] = drag.track.at(-1) ?? [0, 0];
        this.draw(`M${x} ${y}h0`, colour, "tip", null);
      }
    }
  }

  private draw(data: string, colour: number, kind: string, matrix: readonly number[] | null): void {
    for (const layer of ["rim", "line"]) {
      const path = document.createElementNS(SVG, "path");
      assign(path, { d: data, class: `${kind} ${layer}` });
      if (layer === "line") path.setAttribute("stroke", PALETTE[colour % PALETTE.length] ?? "");
      if (matrix !== null) {
        const [a, b, c, d, e, f] = matrix;
        path.setAttribute("transform", `matrix(${a} ${d} ${b} ${e} ${c} ${f})`);
      }
      this.marks.append(path);
    }
  }
}

export class Film {
  readonly root: HTMLElement;
  readonly length: number;
  frame = 0;
  private readonly screens: readonly Screen[];
  private readonly slider = element("input", { type: "range", min: 0, step: 1, "aria-label": "Video frame" });
  private readonly button = element("button", { type: "button", "aria-pressed": "false" }, "Play");
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
    this.button.setAttribute("aria-pressed", "false");
  }

  private play(): void {
    const from = this.frame >= this.length - 1 ? 0 : this.frame;
    const playback = { from, began: performance.now(), rate: this.session.frameRate };
    this.playback = playback;
    this.button.textContent = "Pause";
    this.button.setAttribute("aria-pressed", "true");
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
