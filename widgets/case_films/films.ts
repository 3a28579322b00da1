// Films of a case side by side, with its command drawn on top: of the gallery and the blind comparison.
import { PALETTE } from "../shared/document";
import { assign, element } from "../shared/dom";

const SVG = "http://www.w3.org/2000/svg";
/** Seconds that the last frame stays before a film begins again. */
const REST = 0.8;

export type Matrix = readonly [a: number, b: number, c: number, d: number, e: number, f: number];

export interface Drag {
  readonly kind: string;
  /** SVG path data of the handle's outline, in pixels of the frame. */
  readonly outline: string;
  /** Places of the anchor, from rest on. */
  readonly track: readonly (readonly [x: number, y: number])[];
  readonly targets: readonly { readonly frame: number; readonly matrix: Matrix }[];
}

/** A case as dragstream/revel/gallery.py writes it. */
export interface Case {
  readonly name: string;
  readonly prompt: string;
  readonly tags: readonly string[];
  readonly width: number;
  readonly height: number;
  readonly frameRate: number;
  readonly keep: string | null;
  readonly drags: readonly Drag[];
  /** Each film's frames, WebP in base64. */
  readonly films: readonly (readonly string[])[];
}

/** What is drawn over a frame: the handle at rest, then the newest target that has come. */
export function marksAt(drag: Drag, frame: number): { kind: "handle" | "target"; matrix: Matrix | null } {
  const passed = drag.targets.filter((target) => target.frame <= frame).at(-1);
  return passed === undefined ? { kind: "handle", matrix: null } : { kind: "target", matrix: passed.matrix };
}

/** The frame of an endless film at a time in seconds; the last one rests. An edit has two, a second each. */
export function loopedTo(seconds: number, frames: number, rate: number): number {
  const pace = frames <= 2 ? 1 : rate;
  const length = frames / pace + (frames <= 2 ? 0 : REST);
  return Math.min(frames - 1, Math.floor((seconds % length) * pace));
}

export class Screen {
  readonly root: HTMLElement;
  private readonly picture = element("img", { alt: "", decoding: "sync" });
  private readonly marks = document.createElementNS(SVG, "svg");
  private shown = -1;

  constructor(private readonly item: Case, private readonly film: readonly string[], private readonly caption: string, ...below: Node[]) {
    // Pixel centres are at integers, so the frame begins at -0.5.
    assign(this.marks, { viewBox: `-0.5 -0.5 ${item.width} ${item.height}`, "aria-hidden": true });
    const frame = element("div", { class: "frame" }, this.picture, this.marks);
    frame.style.setProperty("aspect-ratio", `${item.width} / ${item.height}`);
    this.root = element("figure", {}, frame, element("figcaption", {}, caption, ...below));
  }

  show(frame: number): void {
    if (frame === this.shown) return;
    this.shown = frame;
    this.picture.src = `data:image/webp;base64,${this.film[Math.min(frame, this.film.length - 1)] ?? ""}`;
    this.picture.alt = `${this.caption}, frame ${frame + 1}: ${this.item.prompt}`;
    this.marks.replaceChildren();
    if (this.item.keep !== null) this.draw(this.item.keep, "", "keep", null);
    this.item.drags.forEach((drag, number) => {
      const colour = PALETTE[number % PALETTE.length] ?? "";
      const { kind, matrix } = marksAt(drag, frame);
      this.draw(drag.outline, colour, kind, matrix);
      this.draw(drag.track.map(([x, y], i) => `${i === 0 ? "M" : "L"}${x} ${y}`).join(""), colour, "track", null);
      const [x, y] = drag.track.at(-1) ?? [0, 0];
      this.draw(`M${x} ${y}h0`, colour, "tip", null);
    });
  }

  private draw(data: string, colour: string, kind: string, matrix: Matrix | null): void {
    for (const layer of kind === "keep" ? ["line"] : ["rim", "line"]) {
      const path = document.createElementNS(SVG, "path");
      assign(path, { d: data, class: `${kind} ${layer}` });
      if (layer === "line" && colour !== "") path.setAttribute("stroke", colour);
      if (matrix !== null) {
        const [a, b, c, d, e, f] = matrix;
        path.setAttribute("transform", `matrix(${a} ${d} ${b} ${e} ${c} ${f})`);
      }
      this.marks.append(path);
    }
  }
}

/** The films of a case, which show the same frame. */
export class Films {
  readonly root: HTMLElement;
  readonly length: number;
  frame = 0;

  constructor(private readonly item: Case, private readonly screens: readonly Screen[]) {
    this.length = Math.max(...item.films.map((film) => film.length));
    this.root = element("div", { class: "screens" }, ...screens.map((screen) => screen.root));
  }

  show(frame: number): void {
    this.frame = Math.max(0, Math.min(frame, this.length - 1));
    for (const screen of this.screens) screen.show(this.frame);
  }

  playTo(seconds: number): void {
    this.show(loopedTo(seconds, this.length, this.item.frameRate));
  }
}
