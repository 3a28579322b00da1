// The frame on the page: its pixels, the visible part, and the layers over it.
import { scrolledTo, pinched, pulledBy, fittedTo, wholeFrame, ZOOM_STEP, zoomAt, type Camera } from "../shared/camera";
import { assign, element } from "../shared/dom";
import type { Size } from "../shared/mask";
import { clamp, type Point } from "../shared/points";
import type { Aim } from "./store";

const COMFORTABLE_WIDTH = 768;
const MOST_HEIGHT = 70; // percent of the window's height, to leave room around the frame
const WHEEL_RATE = 0.0016; // zoom per pixel of the wheel's way
const PINCH_RATE = 0.01;
const SKIN_OPACITY = 0.45;

export class Viewport {
  camera: Camera = wholeFrame;
  private appliedAim = 0;
  readonly picture = element("canvas", { class: "ds-frame", "aria-hidden": true });
  /** The layer of the preview, over the picture. */
  readonly ghost = element("canvas", { class: "ds-ghost", "aria-hidden": true });
  private readonly onion = element("canvas", { class: "ds-skin", "aria-hidden": true });
  private readonly layers = element("div", { class: "ds-layers" }, this.picture, this.onion, this.ghost);
  readonly stage: HTMLElement;

  constructor(
    readonly overlay: HTMLCanvasElement,
    private readonly size: Size,
    private readonly changed: () => void,
  ) {
    const { width, height } = size;
    for (const layer of [this.picture, this.onion, this.ghost]) assign(layer, { width, height });
    this.stage = element("div", { class: "ds-stage" }, this.layers, overlay);
    this.stage.style.aspectRatio = `${width} / ${height}`;
  }

  /** The largest width of the frame (CSS): a whole multiple of its pixels, if its height then fits the window. */
  get width(): string {
    const { width, height } = this.size;
    const comfortable = Math.max(1, Math.floor(COMFORTABLE_WIDTH / width)) * width;
    return `min(${comfortable}px, ${(MOST_HEIGHT * width) / height}vh)`;
  }

  /** Screen pixels (CSS) per pixel of the frame. */
  get scale(): number {
    return ((this.overlay.getBoundingClientRect().width || this.size.width) / this.size.width) * this.camera.zoom;
  }

  /** The place under a point of the window, from the frame's upper left corner. */
  private placeAt(x: number, y: number): Point {
    const box = this.overlay.getBoundingClientRect();
    const scale = (box.width / this.size.width) * this.camera.zoom;
    return [this.camera.left + (x - box.left) / scale, this.camera.top + (y - box.top) / scale];
  }

  /** The point of the frame under the pointer, the nearest one if it has left the frame. */
  at(event: MouseEvent): Point {
    const [x, y] = this.placeAt(event.clientX, event.clientY);
    const { width, height } = this.size;
    return [clamp(x - 0.5, -0.5, width - 0.5), clamp(y - 0.5, -0.5, height - 0.5)];
  }

  /** The same, also outside of the frame. */
  beyond(event: MouseEvent): Point {
    const [x, y] = this.placeAt(event.clientX, event.clientY);
    return [x - 0.5, y - 0.5];
  }

  // --- camera -----------------------------------------------------------------------------------

  private setCamera(camera: Camera): void {
    this.camera = camera;
    this.changed();
  }

  /** Zooms about the middle of the view, or about a point of the window. */
  zoom(factor: number, around?: Point): void {
    const { zoom, left, top } = this.camera;
    const middle: Point = [left + this.size.width / zoom / 2, top + this.size.height / zoom / 2];
    this.setCamera(zoomAt(this.camera, around ? this.placeAt(...around) : middle, factor, this.size));
  }

  zoomIn = (): void => this.zoom(ZOOM_STEP);
  zoomOut = (): void => this.zoom(1 / ZOOM_STEP);
  fit = (): void => this.setCamera(wholeFrame);

  /** Shows the part that Python zoomed to, once for each call. */
  applyAim({ box, number }: Aim): void {
    if (number === this.appliedAim) return;
    this.appliedAim = number;
    this.setCamera(fittedTo(box, this.size));
  }

  /** Pulls the frame by pixels of the screen. */
  pull([dx, dy]: Point): void {
    this.setCamera(pulledBy(this.camera, [dx / this.scale, dy / this.scale], this.size));
  }

  pinch(before: readonly Point[], after: readonly Point[]): void {
    const places = (points: readonly Point[]): [Point, Point] => [this.placeAt(...points[0]), this.placeAt(...points[1])];
    this.setCamera(pinched(this.camera, places(before), places(after), this.size));
  }

  /** Scrolls to a point of the frame if it is out of view. */
  reveal([x, y]: Point): void {
    this.setCamera(scrolledTo(this.camera, [x + 0.5, y + 0.5], this.size));
  }

  /**
   * The wheel zooms a canvas that has the focus (or with Ctrl, which is also what a trackpad's
   * pinch sends); otherwise it scrolls the page. False if it was not for the canvas.
   */
  wheel(event: WheelEvent, focused: boolean): boolean {
    const unit = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 16 : 1;
    const [across, down] = [event.deltaX * unit, event.deltaY * unit];
    const { zoom } = this.camera;
    if (!event.ctrlKey && !event.metaKey) {
      if (!focused || (zoom === 1 && down >= 0)) return false;
      if (event.shiftKey || Math.abs(across) > Math.abs(down)) {
        this.pull([-(across || down), 0]);
        return true;
      }
    }
    const rate = event.ctrlKey ? PINCH_RATE : WHEEL_RATE;
    this.zoom(Math.exp(-rate * clamp(down, -150, 150)), [event.clientX, event.clientY]);
    return true;
  }

  // --- layers -----------------------------------------------------------------------------------

  /** Fits the layers to the camera and the overlay to the screen; returns its pixels per CSS pixel, across and down. */
  arrange(): Point {
    const { zoom, left, top } = this.camera;
    const { width, height } = this.size;
    const [x, y] = [(-100 * left) / width, (-100 * top) / height];
    this.layers.style.transform = zoom === 1 ? "" : `scale(${zoom}) translate(${x}%, ${y}%)`;
    const ratio = window.devicePixelRatio || 1;
    const box = this.overlay.getBoundingClientRect();
    const [across, down] = [box.width * ratio, box.height * ratio].map(Math.round);
    // It has no size while JupyterLab takes the cell out of the page, which it does while scrolling.
    const placed = across > 0 && down > 0;
    if (placed && (this.overlay.width !== across || this.overlay.height !== down)) {
      [this.overlay.width, this.overlay.height] = [across, down];
    }
    assign(this.overlay, { "data-zoom": Math.round(100 * zoom) / 100 });
    return placed ? [across / box.width, down / box.height] : [ratio, ratio];
  }

  /** Earlier frames, the newest first, fainter the older they are. */
  drawOnion(images: readonly ImageBitmap[]): void {
    const context = this.onion.getContext("2d");
    if (!context) return;
    const { width, height } = this.onion;
    context.clearRect(0, 0, width, height);
    for (let i = images.length - 1; i >= 0; i--) {
      context.globalAlpha = SKIN_OPACITY / (i + 1);
      context.drawImage(images[i], 0, 0, width, height);
    }
    this.onion.dataset["frames"] = String(images.length);
  }

  show(image: ImageBitmap): void {
    assign(this.picture, { width: image.width, height: image.height });
    // the preview reads the pixels back
    this.picture.getContext("2d", { willReadFrequently: true })?.drawImage(image, 0, 0);
    this.picture.dataset["painted"] = String(Number(this.picture.dataset["painted"] ?? 0) + 1);
  }
}
