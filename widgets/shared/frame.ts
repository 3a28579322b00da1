// A frame of a film with marks drawn over it, in pixels of the frame.
import { assign, element, svgElement } from "./dom";

export type Matrix = readonly [a: number, b: number, c: number, d: number, e: number, f: number];

/** SVG path data of a line through points. */
export const lineThrough = (points: readonly (readonly [x: number, y: number])[]): string =>
  points.map(([x, y], i) => `${i === 0 ? "M" : "L"}${x} ${y}`).join("");

export class Frame {
  readonly picture = element("img", { alt: "", decoding: "sync" });
  readonly root = element("div", { class: "frame" }, this.picture);
  private readonly marks = svgElement("svg");

  constructor(width: number, height: number) {
    // Pixel centres are at integers, so the frame begins at -0.5.
    assign(this.marks, { viewBox: `-0.5 -0.5 ${width} ${height}`, "aria-hidden": true });
    this.root.style.setProperty("aspect-ratio", `${width} / ${height}`);
    this.root.append(this.marks);
  }

  clear(): void {
    this.marks.replaceChildren();
  }

  /** Draws a line in a colour on a dark rim; without a colour only the line, in that of the style sheet. */
  draw(data: string, kind: string, colour: string | null, matrix: Matrix | null = null): void {
    for (const layer of colour === null ? ["line"] : ["rim", "line"]) {
      const path = svgElement("path", { d: data, class: `${kind} ${layer}`, stroke: layer === "line" ? colour : null });
      if (matrix !== null) {
        const [a, b, c, d, e, f] = matrix;
        path.setAttribute("transform", `matrix(${a} ${d} ${b} ${e} ${c} ${f})`);
      }
      this.marks.append(path);
    }
  }

  /** A dot at a point. */
  dot([x, y]: readonly [x: number, y: number], colour: string): void {
    this.draw(`M${x} ${y}h0`, "tip", colour);
  }
}
