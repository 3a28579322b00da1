// Draws the scene over the frame.
import { apply, chained, type Affine } from "../shared/affine";
import { cached } from "../shared/cached";
import { contours, rounded } from "../shared/contour";
import type { Drag, Scene, Selection } from "../shared/document";
import type { Mask } from "../shared/mask";
import type { Point } from "../shared/points";
import { curve } from "../shared/spline";
import { cameraMapAt, isCamera } from "./camera_drag";
import { colourOf, Ink, RIM } from "./ink";
import { drawHolds } from "./hold_drawing";
import { kindOf, motionAt } from "./motions";
import { traced, type Outline } from "./outline_tools";
import type { Store } from "./store";

export const DRAFT_COLOUR = "#ffffff";
export const KEEP_COLOUR = "#4f8cff";

export interface View {
  /** Screen pixels (CSS) per pixel of the frame. */
  readonly scale: number;
  /** The upper left corner of the view, from that of the frame. */
  readonly corner: Point;
  /** Distance that counts as on a handle, in pixels of the frame. */
  readonly reach: number;
  /** Pixels of the context per CSS pixel, across and down. */
  readonly ratio: Point;
  readonly pointer: Point | null;
  readonly brush: "paint" | "erase" | "keep" | null;
  readonly crosshair: Point | null;
  /** The index of the object that the keys have chosen, or null. */
  readonly chosen: number | null;
  /** The frame, for the pixels of moved regions; null while a preview plays. */
  readonly picture: CanvasImageSource | null;
}

const outlines = new WeakMap<Mask, Point[][]>();

function outline(mask: Mask): Point[][] {
  return cached(outlines, mask, () => contours(mask).map((loop) => rounded(loop)));
}

export class Renderer {
  private readonly ink: Ink;
  private picture: CanvasImageSource | null = null;

  constructor(private readonly context: CanvasRenderingContext2D) {
    this.ink = new Ink(context);
  }

  draw(store: Store, view: View): void {
    const { context, ink } = this;
    ink.scale = view.scale;
    ink.corner = view.corner;
    ink.reach = view.reach;
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
    drawHolds(ink, store, view.chosen, (mask) => outline(mask));
    if (view.crosshair) this.crosshair(view.crosshair);
  }

  /** The selection; during a gesture the drag that it makes. */
  private shownSelection(store: Store, scene: Scene): Selection {
    if (store.selection === "draft" && !scene.draft) return scene.document.drags.length - 1;
    return store.selection;
  }

  private drags(store: Store, scene: Scene, selection: Selection): void {
    const { context, ink } = this;
    const each = (draw: (drag: Drag, index: number, selected: boolean) => unknown): void =>
      scene.document.drags.forEach((drag, index) => {
        ink.muted = scene.looks[index].muted;
        draw(drag, index, index === selection);
      });
    const mark = (drag: Drag, index: number, selected: boolean): void => {
      if (ink.muted && !selected) return;
      context.globalAlpha = ink.full;
      kindOf(drag.motion).draw(ink, { store, drag, look: scene.looks[index], selected });
      context.globalAlpha = 1;
    };
    // the camera first: it darkens the part that will be outside of the frame
    each((drag, index, selected) => isCamera(drag) && mark(drag, index, selected));
    each((drag, index, selected) => {
      if (isCamera(drag)) return;
      const look = scene.looks[index];
      this.region(store.mask(drag.region), colourOf(look), selected);
      const map = chained(motionAt(drag.motion, 1), cameraMapAt(scene, index, 1));
      if (!look.muted && this.picture) this.ghost(store.handle(drag), map, colourOf(look), selected);
    });
    each((drag, index, selected) => !isCamera(drag) && mark(drag, index, selected));
    ink.muted = false;
  }

  private region(mask: Mask, colour: string, selected: boolean): void {
    const { context } = this;
    const path = this.ink.loops(outline(mask));
    // while a preview plays only the borders are drawn
    context.globalAlpha = this.picture ? (selected ? 0.3 : 0.2) * this.ink.full : 0;
    context.fillStyle = colour;
    context.fill(path, "evenodd");
    context.globalAlpha = this.ink.full * (this.picture ? 1 : 0.6);
    this.ink.line(path, colour, selected ? 2 : 1.25);
    context.globalAlpha = 1;
  }

  /** The region at the end of its motion, with its pixels. */
  private ghost(mask: Mask, map: Affine, colour: string, selected: boolean): void {
    const { context } = this;
    const { scale } = this.ink;
    const path = this.ink.loops(outline(mask).map((loop) => loop.map((point) => apply(map, point))));
    if (this.picture) {
      context.save();
      context.clip(path, "evenodd");
      context.globalAlpha = selected ? 0.6 : 0.35;
      context.imageSmoothingEnabled = false;
      // screen <- frame <- moved frame; pixel (0, 0) reaches half a pixel up and left
      context.transform(scale, 0, 0, scale, ...this.ink.screen([0, 0]));
      context.transform(map.a, map.d, map.b, map.e, map.c, map.f);
      context.drawImage(this.picture, -0.5, -0.5, mask.width, mask.height);
      context.restore();
    }
    context.save();
    context.setLineDash([6, 5]);
    this.ink.line(path, colour, selected ? 1.75 : 1.25);
    context.restore();
  }

  private keep(mask: Mask): void {
    const { context } = this;
    const path = this.ink.loops(outline(mask));
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
    this.ink.line(path, KEEP_COLOUR, 1.25);
  }

  /** The corners so far, and the line to the pointer. */
  private outline(outline: Outline, pointer: Point | null): void {
    const points = traced(outline, pointer);
    const closed = outline.kind === "polygon";
    if (closed && points.length > 2) {
      this.context.globalAlpha = 0.2;
      this.context.fillStyle = DRAFT_COLOUR;
      this.context.fill(this.ink.trace(points, true));
      this.context.globalAlpha = 1;
    }
    const path = { points, smooth: !closed, ease: "linear", frames: null };
    this.ink.line(this.ink.trace(closed ? points : curve(path)), DRAFT_COLOUR, 1.75);
    outline.points.forEach((point, i) => this.ink.dot(point, i === 0 ? 5.5 : 4, "#fff", RIM));
  }

  private brush(point: Point, radius: number, kind: "paint" | "erase" | "keep"): void {
    const { context } = this;
    const [x, y] = this.ink.screen(point);
    const path = new Path2D();
    path.arc(x, y, radius * this.ink.scale, 0, 2 * Math.PI);
    context.save();
    if (kind === "erase") context.setLineDash([3, 4]);
    this.ink.line(path, kind === "keep" ? KEEP_COLOUR : "#fff", 1.25);
    context.restore();
  }

  private crosshair(point: Point): void {
    const [x, y] = this.ink.screen(point);
    const path = new Path2D();
    path.moveTo(x - 9, y);
    path.lineTo(x + 9, y);
    path.moveTo(x, y - 9);
    path.lineTo(x, y + 9);
    this.ink.line(path, "#fff", 1.5);
  }
}
