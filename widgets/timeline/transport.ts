// Buttons to play and step, a slider, and the numbers of the frame shown.
import { iconButton, relabel, setText } from "../shared/controls";
import { assign, element } from "../shared/dom";
import { ICONS } from "./icons";
import type { Store } from "./store";
import type { Session } from "./session";

export class Transport {
  readonly root: HTMLElement;
  private readonly buttons: Readonly<Record<"first" | "back" | "play" | "forward" | "last", HTMLButtonElement>>;
  private readonly scrubber = element("input", {
    type: "range", class: "ds-scrubber", min: 0, step: 1, "aria-label": "Video frame",
  });
  private readonly marks = element("canvas", { class: "ds-marks", "aria-hidden": true });
  private readonly fields: Readonly<Record<"frame" | "latent" | "block" | "time", HTMLElement>>;
  private painted: unknown = null;
  private readonly observer: ResizeObserver;

  constructor(private readonly store: Store) {
    this.buttons = {
      first: iconButton("First frame", ICONS.first, () => store.show(0)),
      back: iconButton("Back one frame", ICONS.back, () => store.show(store.frame - 1)),
      play: iconButton("Play", ICONS.play, () => store.togglePlay()),
      forward: iconButton("Forward one frame", ICONS.forward, () => store.show(store.frame + 1)),
      last: iconButton("NewestRequests frame", ICONS.last, () => store.show(store.session.frames)),
    };
    const group = element("div", { class: "ds-group" }, ...Object.values(this.buttons));
    const field = (): HTMLElement => element("span", { class: "ds-value" });
    this.fields = { frame: field(), latent: field(), block: field(), time: field() };
    const named = (name: string, node: HTMLElement): HTMLElement => element("span", { class: "ds-field" }, name, node);
    const numbers = element(
      "div", { class: "ds-numbers" },
      named("frame", this.fields.frame), named("latent", this.fields.latent),
      named("block", this.fields.block), named("time", this.fields.time),
    );
    this.scrubber.addEventListener("input", () => store.show(Number(this.scrubber.value)));
    const track = element("div", { class: "ds-track" }, this.marks, this.scrubber);
    this.root = element("div", { class: "ds-transport" }, group, numbers, track);
    this.observer = new ResizeObserver(() => {
      this.painted = null;
      this.paint();
    });
    this.observer.observe(track);
  }

  dispose(): void {
    this.observer.disconnect();
  }

  update(): void {
    const { session, frame, block, playing, compared } = this.store;
    const none = session.frames === 0;
    relabel(this.buttons.play, playing ? "Pause" : "Play", playing ? ICONS.pause : ICONS.play);
    this.buttons.play.disabled = session.frames < 2;
    this.buttons.first.disabled = this.buttons.back.disabled = frame <= 0;
    this.buttons.forward.disabled = this.buttons.last.disabled = frame >= session.frames - 1;
    this.scrubber.disabled = none;
    if (this.scrubber.max !== String(Math.max(0, session.frames - 1))) this.scrubber.max = String(Math.max(0, session.frames - 1));
    if (this.scrubber.value !== String(Math.max(0, frame))) this.scrubber.value = String(Math.max(0, frame));
    const latent = none ? 0 : session.latentAt(frame);
    const texts = none ? ["–", "–", "–", "–"] : [
      `${frame} / ${session.frames - 1}`, String(latent), String(block), `${(frame / session.state.frameRate).toFixed(2)} s`,
    ];
    [this.fields.frame, this.fields.latent, this.fields.block, this.fields.time].forEach((node, i) => setText(node, texts[i]!));
    assign(this.scrubber, {
      "aria-valuetext": none ? "no frames" : `video frame ${frame}, latent frame ${latent}, block ${block}`,
      "data-compared": compared,
    });
    this.paint();
  }

  /** Marks of the drags along the whole length; redrawn when the session changes. */
  private paint(): void {
    const { session } = this.store;
    if (this.painted === session) return;
    this.painted = session;
    const { canvas, width, height } = fitted(this.marks);
    const context = canvas.getContext("2d");
    if (!context || width === 0) return;
    context.clearRect(0, 0, width, height);
    const style = getComputedStyle(canvas);
    for (const mark of session.allMarks) {
      const left = across(session, session.firstFrame(mark.block), width);
      const right = across(session, session.firstFrame(mark.block + 1), width);
      context.fillStyle = style.getPropertyValue(`--ds-${mark.mode}`) || style.color;
      context.fillRect(left, 0, Math.max(2, right - left - 1), height);
    }
  }
}

function across(session: Session, frame: number, width: number): number {
  return Math.round((width * frame) / Math.max(1, session.frames));
}

function fitted(canvas: HTMLCanvasElement): { canvas: HTMLCanvasElement; width: number; height: number } {
  const ratio = window.devicePixelRatio || 1;
  const width = Math.round(canvas.clientWidth * ratio);
  const height = Math.round(canvas.clientHeight * ratio);
  if (canvas.width !== width) canvas.width = width;
  if (canvas.height !== height) canvas.height = height;
  return { canvas, width, height };
}
