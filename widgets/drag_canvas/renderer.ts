// Draws the scene over the frame. Everything is computed in pixels of the frame and scaled at the
// end, so lines keep their width on every screen.
import { apply, type Affine } from "../shared/affine";
import { contours, rounded } from "../shared/contour";
import {
  finalDegrees,
  PALETTE,
  type Drag,
  type Look,
  type PathMotion,
  type RotationMotion,
  type Scene,
  type Selection,
} from "../shared/document";
import type { Mask } from "../shared/mask";
import { clamp, type Point } from "../shared/points";
import { curve, motionAt, pathAt } from "../shared/spline";
import { anchor, armEnd, armOf, betweens, firstHandle, heldBorder, roomBetween } from "./hit";
import { traced, type Outline } from "./outline_tools";
import type { Store } from "./store";

export const DRAFT_COLOUR = "#ffffff";
export const KEEP_COLOUR = "#4f8cff";

const RIM = "rgba(0, 0, 0, 0.5)";

const MUTED_ALPHA = 0.4;

export const colourOf = (look: Look): string => PALETTE[look.colour % PALETTE.length];

export interface Viewport {
  /** Screen pixels (CSS) per pixel of the frame. */
  readonly scale: number;
  /** The corner of what is seen, counted from the corner of the frame. */
  readonly corner: Point;
  /** How near to a handle counts as on it, in pixels of the frame. */
  readonly reach: number;
  /** Pixels of the context per CSS pixel, across and down. */
  readonly ratio: Point;
  readonly pointer: Point | null;
  readonly brush: "paint" | "erase" | "keep" | null;
  readonly crosshair: Point | null;
  /** The frame itself, whose pixels the ghost of a region shows; null while a preview plays. */
  readonly picture: CanvasImageSource | null;
}

const outlines = new WeakMap<Mask, Point[][]>();

function outline(mask: Mask): Point[][] {
  let loops = outlines.get(mask);
  if (!loops) {
    loops = contours(mask).map((loop) => rounded(loop));
    outlines.set(mask, loops);
  }
  return loops;
}

export class Renderer {
  private scale = 1;
  private corner: Point = [0, 0];
  private origin: Point = [0, 0];
  private muted = false;
  private reach = 0;
  private picture: CanvasImageSource | null = null;

  constructor(private readonly context: CanvasRenderingContext2D) {}

  draw(store: Store, view: Viewport): void {
    const { context } = this;
    this.scale = view.scale;
    this.corner = view.corner;
    this.reach = view.reach;
    this.picture = view.picture;
    context.setTransform(view.ratio[0], 0, 0, view.ratio[1], 0, 0);
    context.clearRect(0, 0, context.canvas.width, context.canvas.height);
    context.lineJoin = context.lineCap = "round";
    const scene = store.shown;
    if (scene.document.keep) this.keep(store.mask(scene.document.keep));
    this.drags(store, scene, this.shownSelection(store, scene));
    if (scene.draft) this.region(store.mask(scene.draft), DRAFT_COLOUR, true);
    if (store.outline) this.outline(store.outline, view.pointer);
    if (view.pointer && view.brush) this.brush(view.pointer, store.brushRadius, view.brush);
    if (view.crosshair) this.crosshair(view.crosshair);
  }

  /** In the middle of a gesture the drag that it makes counts as selected. */
  private shownSelection(store: Store, scene: Scene): Selection {
    if (store.selection === "draft" && !scene.draft) return scene.document.drags.length - 1;
    return store.selection;
  }

  private drags(store: Store, scene: Scene, selection: Selection): void {
    const { context } = this;
    scene.document.drags.forEach((drag, index) => {
      const look = scene.looks[index];
      const selected = index === selection;
      this.muted = look.muted;
      this.region(store.mask(drag.region), colourOf(look), selected);
      if (!look.muted && this.picture) this.ghost(store.handle(drag), motionAt(drag.motion, 1), colourOf(look), selected);
    });
    scene.document.drags.forEach((drag, index) => {
      const look = scene.looks[index];
      const selected = index === selection;
      this.muted = look.muted;
      if (look.muted && !selected) return;
      context.globalAlpha = this.full;
      if (drag.motion.type === "rotation") this.rotation(store, drag, drag.motion, look, selected, store.latentFrames);
      else {
        if (selected) this.held(store, drag, colourOf(look));
        this.origin = anchor(store, drag);
        this.path(drag.motion, colourOf(look), selected ? firstHandle(store) : null, store.latentFrames, store.waypoint);
        this.origin = [0, 0];
      }
    });
    this.muted = false;
    context.globalAlpha = 1;
  }

  /** The opacity of a line: what is muted is faint. */
  private get full(): number {
    return this.muted ? MUTED_ALPHA : 1;
  }

  // --- pieces -----------------------------------------------------------------------------------

  private screen([x, y]: Point): Point {
    const [left, top] = this.corner;
    return [(x + this.origin[0] + 0.5 - left) * this.scale, (y + this.origin[1] + 0.5 - top) * this.scale];
  }

  private trace(points: readonly Point[], closed = false): Path2D {
    const path = new Path2D();
    points.forEach((point, i) => {
      const [x, y] = this.screen(point);
      if (i === 0) path.moveTo(x, y);
      else path.lineTo(x, y);
    });
    if (closed) path.closePath();
    return path;
  }

  private loops(loops: readonly Point[][]): Path2D {
    const path = new Path2D();
    for (const loop of loops) path.addPath(this.trace(loop, true));
    return path;
  }

  /** A line in colour on a dark rim: visible on any frame. */
  private line(path: Path2D, colour: string, width: number): void {
    const { context } = this;
    context.strokeStyle = RIM;
    context.lineWidth = width + 1.5;
    context.stroke(path);
    context.strokeStyle = colour;
    context.lineWidth = width;
    context.stroke(path);
  }

  private dot(point: Point, radius: number, fill: string, rim: string): void {
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

  private region(mask: Mask, colour: string, selected: boolean): void {
    const { context } = this;
    const path = this.loops(outline(mask));
    // while a preview plays only the borders show where things were
    context.globalAlpha = this.picture ? (selected ? 0.3 : 0.2) * this.full : 0;
    context.fillStyle = colour;
    context.fill(path, "evenodd");
    context.globalAlpha = this.full * (this.picture ? 1 : 0.6);
    this.line(path, colour, selected ? 2 : 1.25);
    context.globalAlpha = 1;
  }

  /** The border of what a deformation holds, with a grip to move it. */
  private held(store: Store, drag: Drag, colour: string): void {
    const border = heldBorder(store, drag);
    if (!border) return;
    this.context.save();
    this.context.setLineDash([4, 4]);
    this.line(this.trace(border.ends), colour, 1.5);
    this.context.restore();
    const [x, y] = this.screen(border.grip);
    const path = new Path2D();
    path.roundRect(x - 6, y - 6, 12, 12, 3.5);
    this.context.fillStyle = "#fff";
    this.context.fill(path);
    this.line(path, colour, 1.75);
  }

  /** Where the region ends up, with the pixels that it takes along. */
  private ghost(mask: Mask, map: Affine, colour: string, selected: boolean): void {
    const { context, scale } = this;
    const path = this.loops(outline(mask).map((loop) => loop.map((point) => apply(map, point))));
    if (this.picture) {
      context.save();
      context.clip(path, "evenodd");
      context.globalAlpha = selected ? 0.6 : 0.35;
      context.imageSmoothingEnabled = false;
      // screen <- frame <- moved frame; pixel (0, 0) reaches half a pixel up and left
      context.transform(scale, 0, 0, scale, ...this.screen([0, 0]));
      context.transform(map.a, map.d, map.b, map.e, map.c, map.f);
      context.drawImage(this.picture, -0.5, -0.5, mask.width, mask.height);
      context.restore();
    }
    context.save();
    context.setLineDash([6, 5]);
    this.line(path, colour, selected ? 1.75 : 1.25);
    context.restore();
  }

  private path(
    motion: PathMotion,
    colour: string,
    first: 0 | 1 | null, // waypoint with a handle, if the drag is selected
    frames: number,
    waypoint: number | null,
  ): void {
    const selected = first !== null;
    const line = curve(motion.path);
    const { points } = motion.path;
    if (selected && points.length > 2) {
      this.context.save();
      this.context.setLineDash([2, 4]);
      this.context.strokeStyle = "rgba(255, 255, 255, 0.7)";
      this.context.lineWidth = 1;
      this.context.stroke(this.trace(points));
      this.context.restore();
    }
    const head = motion.type === "deformation" ? 11 : 13;
    this.line(this.trace(line), colour, selected ? 3.5 : 2.5);
    this.head(line, head, colour, motion.type === "deformation");
    for (let frame = 1; frame < frames; frame++) {
      this.dot(pathAt(motion.path, frame / frames), 3, "#fff", RIM);
    }
    this.dot(line[0], 4, colour, RIM);
    if (!selected) return;
    betweens(points).forEach((point, i) => {
      if (roomBetween(points, i, this.reach)) this.dot(point, 2.75, "rgba(255, 255, 255, 0.55)", RIM);
    });
    points.forEach((point, i) => {
      if (i >= first || i === waypoint) this.dot(point, i === points.length - 1 ? 5.5 : 4.5, i === waypoint ? colour : "#fff", i === waypoint ? "#fff" : colour);
    });
  }

  /** The tip: a filled arrow for a translation, a bar across the line for a deformation. */
  private head(line: readonly Point[], length: number, colour: string, bar: boolean): void {
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

  private rotation(
    store: Store,
    drag: Drag,
    motion: RotationMotion,
    look: Look,
    selected: boolean,
    frames: number,
  ): void {
    const { context } = this;
    const colour = colourOf(look);
    const degrees = finalDegrees(motion);
    const [bearing, length] = armOf(store, drag, look);
    const [x, y] = this.screen(motion.center);
    const radius = length * this.scale;
    const from = (bearing * Math.PI) / 180;
    const to = ((bearing + degrees) * Math.PI) / 180;

    const wedge = new Path2D();
    wedge.moveTo(x, y);
    wedge.arc(x, y, radius, from, to, degrees < 0);
    wedge.closePath();
    context.globalAlpha = (selected ? 0.25 : 0.14) * this.full;
    context.fillStyle = colour;
    context.fill(wedge);
    context.globalAlpha = this.full;

    const arc = new Path2D();
    arc.arc(x, y, radius, from, to, degrees < 0);
    this.line(arc, colour, selected ? 3 : 2.25);
    const rest = armEnd(store, drag, look, 0);
    const end = armEnd(store, drag, look);
    context.save();
    context.setLineDash([3, 4]);
    this.line(this.trace([motion.center, rest]), colour, 1.25);
    context.restore();
    this.line(this.trace([motion.center, end]), colour, 2.25);
    for (let frame = 1; frame < frames; frame++) {
      const part = motionAt(motion, frame / frames);
      this.dot(apply(part, rest), 3, "#fff", RIM);
    }
    this.dot(motion.center, 5, colour, "#fff");
    this.dot(end, selected ? 6.5 : 5, selected ? "#fff" : colour, selected ? colour : "#fff");
    this.label(`${Math.round(degrees)}°`, motion.center, end);
  }

  /** A text beyond `end`, seen from `center`, kept inside of the frame. */
  private label(text: string, center: Point, end: Point): void {
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

  private keep(mask: Mask): void {
    const { context } = this;
    const path = this.loops(outline(mask));
    const { width, height } = context.canvas;
    context.save();
    context.globalAlpha = 0.16;
    context.fillStyle = KEEP_COLOUR;
    context.fill(path, "evenodd");
    context.globalAlpha = 0.85;
    context.clip(path, "evenodd");
    context.beginPath();
    for (let x = -height; x < width; x += 9) {
      context.moveTo(x, height);
      context.lineTo(x + height, 0);
    }
    context.strokeStyle = KEEP_COLOUR;
    context.lineWidth = 1.5;
    context.stroke();
    context.restore();
    this.line(path, KEEP_COLOUR, 1.25);
  }

  /** Corners clicked so far, and the line to where the next click would put one. */
  private outline(outline: Outline, pointer: Point | null): void {
    const points = traced(outline, pointer);
    const closed = outline.kind === "polygon";
    if (closed && points.length > 2) {
      this.context.globalAlpha = 0.2;
      this.context.fillStyle = DRAFT_COLOUR;
      this.context.fill(this.trace(points, true));
      this.context.globalAlpha = 1;
    }
    const path = { points, smooth: !closed, ease: "linear", frames: null };
    this.line(this.trace(closed ? points : curve(path)), DRAFT_COLOUR, 1.75);
    outline.points.forEach((point, i) => this.dot(point, i === 0 ? 5.5 : 4, "#fff", RIM));
  }

  private brush(point: Point, radius: number, kind: "paint" | "erase" | "keep"): void {
    const { context } = this;
    const [x, y] = this.screen(point);
    const path = new Path2D();
    path.arc(x, y, radius * this.scale, 0, 2 * Math.PI);
    context.save();
    if (kind === "erase") context.setLineDash([3, 4]);
    this.line(path, kind === "keep" ? KEEP_COLOUR : "#fff", 1.25);
    context.restore();
  }

  private crosshair(point: Point): void {
    const [x, y] = this.screen(point);
    const path = new Path2D();
    path.moveTo(x - 9, y);
    path.lineTo(x + 9, y);
    path.moveTo(x, y - 9);
    path.lineTo(x, y + 9);
    this.line(path, "#fff", 1.5);
  }
}
