// One view of the canvas: toolbar, frame with overlay, list of drags, a line of help.
import { assign, element, icon } from "../shared/dom";
import { clamp, type Point } from "../shared/points";
import { hit } from "./hit";
import { ACTION_ICONS } from "./icons";
import { KeyboardPointer, shortcut } from "./keyboard";
import { DragList } from "./list";
import { Renderer } from "./renderer";
import type { Store } from "./store";
import { Toolbar } from "./toolbar";
import type { Gesture, Press } from "./gesture";
import { begin, isPaint, TOOLS } from "./tools";

const REACH = 9; // screen pixels around a handle that count as a hit
const COMFORTABLE_WIDTH = 768;

export class View {
  private readonly stopWatching: () => void;
  private readonly observer: ResizeObserver;
  private readonly toolbar: Toolbar;
  private readonly list: DragList;
  private readonly keyboard: KeyboardPointer;
  private readonly renderer: Renderer;

  private readonly root = element("div", { class: "dragstream-canvas", "data-lm-suppress-shortcuts": true });
  private readonly picture = element("canvas", { class: "ds-frame", "aria-hidden": true });
  private readonly overlay: HTMLCanvasElement;
  private readonly hint = element("span", { class: "ds-hint", role: "status" });
  private readonly place = element("span", { class: "ds-place", "aria-hidden": true });
  private readonly alert = element("div", { class: "ds-alert", role: "alert" });
  private readonly alertText = element("span");

  private gesture: Gesture | null = null;
  private pointer: Point | null = null;
  private scheduled = 0;
  private painted: DataView | null = null;
  private disposed = false;

  constructor(
    private readonly store: Store,
    host: HTMLElement,
  ) {
    const { width, height } = store.size;
    const hintId = `ds-hint-${Math.random().toString(36).slice(2)}`;
    this.overlay = element("canvas", {
      class: "ds-overlay", tabindex: 0, role: "application",
      "aria-label": `Drag canvas, ${width} by ${height} pixels`, "aria-describedby": hintId,
    });
    this.hint.id = hintId;
    this.toolbar = new Toolbar(store);
    this.list = new DragList(store);
    this.keyboard = new KeyboardPointer(store, () => this.reach);
    const context = this.overlay.getContext("2d");
    if (!context) throw new Error("this browser draws no 2D canvas");
    this.renderer = new Renderer(context);
    this.assemble(host);
    this.listen();
    this.stopWatching = store.watch(this.schedule);
    this.observer = new ResizeObserver(this.schedule);
    this.observer.observe(this.overlay);
    this.schedule();
  }

  dispose(): void {
    this.disposed = true;
    this.stopWatching();
    this.observer.disconnect();
    cancelAnimationFrame(this.scheduled);
    if (this.gesture) this.store.show(null);
    this.root.remove();
  }

  private assemble(host: HTMLElement): void {
    const { width, height } = this.store.size;
    const zoom = Math.max(1, Math.floor(COMFORTABLE_WIDTH / width));
    assign(this.picture, { width, height });
    const stage = element("div", { class: "ds-stage" }, this.picture, this.overlay);
    stage.style.setProperty("--ds-width", `${zoom * width}px`);
    stage.style.aspectRatio = `${width} / ${height}`;
    const close = element("button", { type: "button", class: "ds-button", "aria-label": "Dismiss the message" }, icon(...ACTION_ICONS.close));
    close.addEventListener("click", () => this.store.setError(null));
    this.alert.append(this.alertText, close);
    const foot = element("div", { class: "ds-foot" }, this.hint, this.place);
    const main = element("div", { class: "ds-main" }, stage, this.list.root);
    this.root.append(this.toolbar.root, main, foot, this.alert);
    host.append(this.root);
  }

  // --- drawing ----------------------------------------------------------------------------------

  private readonly schedule = (): void => {
    if (this.scheduled || this.disposed) return;
    this.scheduled = requestAnimationFrame(() => {
      this.scheduled = 0;
      this.update();
    });
  };

  private get scale(): number {
    return (this.overlay.clientWidth || this.store.size.width) / this.store.size.width;
  }

  private get reach(): number {
    return REACH / this.scale;
  }

  private update(): void {
    const { store } = this;
    void this.paintFrame();
    this.toolbar.update();
    this.list.update();
    this.hint.textContent = this.help();
    this.alertText.textContent = store.error ?? "";
    this.alert.classList.toggle("ds-open", store.error !== null);
    this.place.textContent = this.pointer ? `x ${Math.round(this.pointer[0])}  y ${Math.round(this.pointer[1])}` : "";
    const ratio = window.devicePixelRatio || 1;
    const size = [this.overlay.clientWidth * ratio, this.overlay.clientHeight * ratio].map(Math.round);
    if (this.overlay.width !== size[0] || this.overlay.height !== size[1]) {
      [this.overlay.width, this.overlay.height] = size;
    }
    const brush = this.brushKind();
    this.overlay.style.cursor = this.cursor();
    this.renderer.draw(store, {
      scale: this.scale, ratio, pointer: this.pointer, brush, crosshair: this.keyboard.point,
      picture: this.picture,
    });
    const { document, draft } = store.shown;
    assign(this.overlay, { "data-drags": document.drags.length, "data-draft": draft !== null });
  }

  private async paintFrame(): Promise<void> {
    const { frame } = this.store;
    if (!frame || frame === this.painted || frame.byteLength === 0) return;
    this.painted = frame;
    const bytes = new Uint8Array(frame.buffer as ArrayBuffer, frame.byteOffset, frame.byteLength);
    const image = await createImageBitmap(new Blob([bytes], { type: "image/png" })).catch(() => null);
    if (!image) {
      this.store.setError("The frame could not be decoded.");
      return;
    }
    if (frame === this.painted && !this.disposed) {
      assign(this.picture, { width: image.width, height: image.height });
      this.picture.getContext("2d")?.drawImage(image, 0, 0);
      this.schedule(); // the ghosts show the new pixels
      this.picture.dataset["painted"] = String(Number(this.picture.dataset["painted"] ?? 0) + 1);
    }
    image.close();
  }

  private help(): string {
    const { store } = this;
    if (this.keyboard.pressed) return "Arrow keys move, Space releases, Escape cancels.";
    if (isPaint(store.tool) && store.scene.draft) {
      return "Now press on the region and pull it. Press beside it to paint more.";
    }
    if (isPaint(store.tool) && store.scene.document.drags.length > 0) {
      return "In Python: canvas.drags. Pull again to change it, or paint the next object.";
    }
    return TOOLS.find((tool) => tool.name === store.tool)?.hint ?? "";
  }

  private overRegion(): boolean {
    if (!this.pointer) return false;
    const under = hit(this.store, this.pointer, this.reach);
    return under !== null && under.part !== "path";
  }

  private brushKind(): "paint" | "erase" | "keep" | null {
    const { tool } = this.store;
    if (tool === "keep") return "keep";
    if (tool === "eraser") return "erase";
    return tool === "brush" && (this.gesture !== null || !this.overRegion()) && !this.pulling() ? "paint" : null;
  }

  private pulling(): boolean {
    return this.gesture !== null && this.store.shown.document.drags !== this.store.scene.document.drags;
  }

  private cursor(): string {
    if (this.gesture) return this.pulling() ? "grabbing" : this.brushKind() ? "none" : "crosshair";
    if (this.brushKind()) return "none";
    if (this.overRegion()) return "grab";
    return this.store.tool === "select" ? "default" : "crosshair";
  }

  // --- pointer and keys -------------------------------------------------------------------------

  private listen(): void {
    const { overlay, root } = this;
    overlay.addEventListener("pointerdown", this.down);
    overlay.addEventListener("pointermove", this.move);
    overlay.addEventListener("pointerup", this.up);
    overlay.addEventListener("pointercancel", this.cancel);
    overlay.addEventListener("lostpointercapture", this.cancel);
    overlay.addEventListener("pointerleave", this.leave);
    overlay.addEventListener("contextmenu", (event) => event.preventDefault());
    overlay.addEventListener("blur", () => this.keyboard.hide());
    root.addEventListener("keydown", this.key);
    // After a click on a button JupyterLab has taken the focus: without it shortcuts are lost.
    root.addEventListener("click", (event) => {
      const clicked = event.detail > 0 && (event.target as Element).closest("button");
      if (clicked) overlay.focus({ preventScroll: true });
    });
  }

  private at(event: MouseEvent): Point {
    const box = this.overlay.getBoundingClientRect();
    const { width, height } = this.store.size;
    return [
      clamp(((event.clientX - box.left) * width) / box.width - 0.5, -0.5, width - 0.5),
      clamp(((event.clientY - box.top) * height) / box.height - 0.5, -0.5, height - 0.5),
    ];
  }

  private press(event: MouseEvent): Press {
    return { point: this.at(event), shift: event.shiftKey, alt: event.altKey };
  }

  private readonly down = (event: PointerEvent): void => {
    if (event.button !== 0 || this.gesture) return;
    event.preventDefault(); // no text selection; the focus is set by hand
    this.overlay.focus({ preventScroll: true });
    this.keyboard.hide();
    this.overlay.setPointerCapture(event.pointerId);
    this.store.setError(null);
    this.gesture = begin(this.store, this.press(event), this.reach);
    this.schedule();
  };

  private readonly move = (event: PointerEvent): void => {
    this.pointer = this.at(event);
    for (const step of event.getCoalescedEvents?.() ?? []) this.gesture?.move(this.press(step));
    this.gesture?.move(this.press(event));
    this.schedule();
  };

  private readonly up = (event: PointerEvent): void => {
    if (!this.gesture) return;
    const { gesture } = this;
    this.gesture = null;
    gesture.move(this.press(event));
    gesture.end();
    this.schedule();
  };

  private readonly cancel = (): void => {
    if (!this.gesture) return;
    this.gesture = null;
    this.store.show(null);
  };

  private readonly leave = (): void => {
    this.pointer = null;
    this.schedule();
  };

  private readonly key = (event: KeyboardEvent): void => {
    if (event.key === "Escape" && this.gesture) {
      this.cancel();
      event.preventDefault();
      return;
    }
    const handled =
      (event.target === this.overlay && this.keyboard.key(event)) || shortcut(this.store, event);
    if (handled) {
      event.preventDefault();
      event.stopPropagation();
      this.schedule();
    }
  };
}
