// The drawing primitives of the canvas. They take points in pixels of the frame and draw in CSS pixels, so
// lines keep their width at every zoom.
import { PALETTE, type Look } from "../shared/document";
import { clamp, type Point } from "../shared/points";

export const RIM = "rgba(0, 0, 0, 0.5)";

const MUTED_ALPHA = 0.4;

export const colourOf = (look: Look): string => PALETTE[look.colour % PALETTE.length];

export class Ink {
  scale = 1;
  /** The upper left corner of the view, from that of the frame. */
  corner: Point = [0, 0];
  /** Handles within this many pixels of the frame count as touched. */
  reach = 0;
  muted = false;
  private origin: Point = [0, 0];

  constructor(readonly context: CanvasRenderingContext2D) {}

  /** The opacity of lines: lower for a muted drag. */
  get full(): number {
    return this.muted ? MUTED_ALPHA : 1;
  }

  screen([x, y]: Point): Point {
    const [left, top] = this.corner;
    return [(x + this.origin[0] + 0.5 - left) * this.scale, (y + this.origin[1] + 0.5 - top) * this.scale];
  }

  /** Draws with all points moved by an offset. */
  shifted(offset: Point, draw: () => void): void {
    this.origin = offset;
    draw();
    this.origin = [0, 0];
  }

  dashed(pattern: number[], draw: () => void): void {
    this.context.save();
    this.context.setLineDash(pattern);
    draw();
    this.context.restore();
  }

  trace(points: readonly Point[], closed = false): Path2D {
    const path = new Path2D();
    points.forEach((point, i) => {
      const [x, y] = this.screen(point);
      if (i === 0) path.moveTo(x, y);
      else path.lineTo(x, y);
    });
    if (closed) path.closePath();
    return path;
  }

  loops(loops: readonly Point[][]): Path2D {
    const path = new Path2D();
    for (const loop of loops) path.addPath(this.trace(loop, true));
    return path;
  }

  /** A line in colour on a dark rim: visible on any frame. */
  line(path: Path2D, colour: string, width: number): void {
    const { context } = this;
    context.strokeStyle = RIM;
    context.lineWidth = width + 1.5;
    context.stroke(path);
    context.strokeStyle = colour;
    context.lineWidth = width;
    context.stroke(path);
  }

  /** The straight lines between waypoints, beside the curve. */
  faint(points: readonly Point[]): void {
    this.dashed([2, 4], () => {
      this.context.strokeStyle = "rgba(255, 255, 255, 0.7)";
      this.context.lineWidth = 1;
      this.context.stroke(this.trace(points));
    });
  }

  dot(point: Point, radius: number, fill: string, rim: string): void {
    const { context } = this;
    const [x, y] = this.screen(point);
    context.beginPath();
    context.arc(x, y, radius, 0, 2 * Math.PI);
    context.fillStyle = fill;
    context.fill();
    context.strokeStyle = rim;
    context.lineWidth = 1.5;
    context.stroke();
  }

  /** A rounded square that can be pulled. */
  grip(point: Point, colour: string): void {
    const [x, y] = this.screen(point);
    const path = new Path2D();
    path.roundRect(x - 6, y - 6, 12, 12, 3.5);
    this.context.fillStyle = "#fff";
    this.context.fill(path);
    this.line(path, colour, 1.75);
  }

  /** The sector between two bearings in degrees, tinted, with its arc. */
  wedge(center: Point, length: number, from: number, to: number, colour: string, selected: boolean): void {
    const { context } = this;
    const [x, y] = this.screen(center);
    const [radius, start, end] = [length * this.scale, (from * Math.PI) / 180, (to * Math.PI) / 180];
    const wedge = new Path2D();
    wedge.moveTo(x, y);
    wedge.arc(x, y, radius, start, end, to < from);
    wedge.closePath();
    context.globalAlpha = (selected ? 0.25 : 0.14) * this.full;
    context.fillStyle = colour;
    context.fill(wedge);
    context.globalAlpha = this.full;
    const arc = new Path2D();
    arc.arc(x, y, radius, start, end, to < from);
    this.line(arc, colour, selected ? 3 : 2.25);
  }

  /** The tip of a line: a filled arrow, or a bar across it. */
  head(line: readonly Point[], length: number, colour: string, bar: boolean): void {
    const tip = this.screen(line[line.length - 1]);
    let back = this.screen(line[0]);
    for (let i = line.length - 2; i >= 0; i--) {
      back = this.screen(line[i]);
      if (Math.hypot(tip[0] - back[0], tip[1] - back[1]) >= length) break;
    }
    const angle = Math.atan2(tip[1] - back[1], tip[0] - back[0]);
    const corner = (forward: number, side: number): Point => [
      tip[0] + forward * Math.cos(angle) - side * Math.sin(angle),
      tip[1] + forward * Math.sin(angle) + side * Math.cos(angle),
    ];
    const path = new Path2D();
    const shape = bar
      ? [corner(-2, -length), corner(2, -length), corner(2, length), corner(-2, length)]
      : [corner(length * 0.55, 0), corner(-length, -length * 0.62), corner(-length * 0.7, 0), corner(-length, length * 0.62)];
    shape.forEach(([x, y], i) => (i === 0 ? path.moveTo(x, y) : path.lineTo(x, y)));
    path.closePath();
    this.context.fillStyle = colour;
    this.context.strokeStyle = RIM;
    this.context.lineWidth = 2;
    this.context.stroke(path);
    this.context.fill(path);
  }

  /** A text beyond `end` as seen from `center`, within the frame. */
  label(text: string, center: Point, end: Point): void {
    const { context } = this;
    const [[fromX, fromY], [x, y]] = [this.screen(center), this.screen(end)];
    const away = 28 / Math.max(1, Math.hypot(x - fromX, y - fromY));
    context.font = "600 12px system-ui, sans-serif";
    const [width, height] = [context.measureText(text).width + 12, 20];
    const ratio = context.getTransform().a;
    const [right, bottom] = [context.canvas.width / ratio, context.canvas.height / ratio];
    const left = clamp(x + away * (x - fromX) - width / 2, 4, right - width - 4);
    const top = clamp(y + away * (y - fromY) - height / 2, 4, bottom - height - 4);
    context.fillStyle = "rgba(0, 0, 0, 0.72)";
    context.beginPath();
    context.roundRect(left, top, width, height, 10);
    context.fill();
    context.fillStyle = "#fff";
    context.textBaseline = "middle";
    context.fillText(text, left + 6, top + 10.5);
  }
}
