// Films of a case side by side, with its command drawn on top: of the gallery and the blind comparison.
import { PALETTE } from "../shared/document";
import { element } from "../shared/dom";
import { Frame, lineThrough, type Matrix } from "../shared/frame";

/** Seconds that the last frame stays before a film begins again. */
const REST = 0.8;

export interface Drag {
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

/** The outline over a frame: the handle at rest until the first target, then the newest target. */
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
  private readonly frame: Frame;
  private shown = -1;

  constructor(private readonly item: Case, private readonly film: readonly string[], caption: string, ...below: Node[]) {
    this.frame = new Frame(item.width, item.height);
    // without the frame number: screen readers would read each one in a live region
    this.frame.picture.alt = `${caption}: ${item.prompt}`;
    this.root = element("figure", {}, this.frame.root, element("figcaption", {}, caption, ...below));
  }

  show(number: number): void {
    if (number === this.shown) return;
    this.shown = number;
    const { frame, item } = this;
    frame.picture.src = `data:image/webp;base64,${this.film[Math.min(number, this.film.length - 1)] ?? ""}`;
    frame.clear();
    if (item.keep !== null) frame.draw(item.keep, "keep", null);
    item.drags.forEach((drag, index) => {
      const colour = PALETTE[index % PALETTE.length] ?? PALETTE[0];
      const { kind, matrix } = marksAt(drag, number);
      frame.draw(drag.outline, kind, colour, matrix);
      frame.draw(lineThrough(drag.track), "track", colour);
      frame.dot(drag.track.at(-1) ?? [0, 0], colour);
    });
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
