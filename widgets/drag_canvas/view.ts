// One view of the canvas: toolbar, frame with overlay, list of drags, a line of help.
import { Alert, setText } from "../shared/controls";
import { assign, element } from "../shared/dom";
import { GONE } from "../shared/model";
import { Viewport } from "./viewport";
import { activeCamera } from "./camera_drag";
import { hit } from "./hit";
import { HoldKeys } from "./hold_keys";
import { HOLD } from "./holding";
import { KeyboardPointer, shortcut, viewKey, zoomKey } from "./keyboard";
import { DragList } from "./list";
import { frameKey } from "./motion_tools";
import { kindOf, kindOfTool } from "./motions";
import { OnionBar } from "./onion_bar";
import { decode, Player } from "./player";
import { Pointing } from "./pointing";
import { Renderer } from "./renderer";
import { SelectBar } from "./select_bar";
import type { Store } from "./store";
import { Toolbar } from "./toolbar";
import { isPaint, TOOLS } from "./tools";
import { Preview } from "./preview";
import { HelpOverlay } from "./help";
import { ZoomBar } from "./zoom_bar";

export class View {
  private readonly stopWatching: () => void;
  private readonly observer: ResizeObserver;
  private readonly toolbar: Toolbar;
  private readonly list: DragList;
  private readonly keyboard: KeyboardPointer;
  private readonly holdKeys: HoldKeys;
  private readonly renderer: Renderer;
  private readonly viewport: Viewport;
  private readonly zoomBar: ZoomBar;
  private readonly pointing: Pointing;
  private readonly preview: Preview;
  private readonly help: HelpOverlay;
  private readonly player: Player;
  private readonly onion: OnionBar;
  private readonly selectBar: SelectBar;

  private readonly root = element("div", { class: "dragstream-canvas" });
  private readonly overlay: HTMLCanvasElement;
  private readonly hint = element("span", { class: "ds-hint", role: "status" });
  private readonly place = element("span", { class: "ds-place", "aria-hidden": true });
  private readonly alert: Alert;

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
    const context = this.overlay.getContext("2d");
    if (!context) throw new Error("this browser draws no 2D canvas");
    this.renderer = new Renderer(context);
    this.viewport = new Viewport(this.overlay, store.size, this.schedule);
    this.zoomBar = new ZoomBar(this.viewport);
    this.player = new Player(store, this.viewport);
    this.onion = new OnionBar(store, this.viewport);
    this.selectBar = new SelectBar(store);
    this.preview = new Preview(store, this.viewport, this.schedule);
    this.help = new HelpOverlay(this.overlay);
    this.toolbar = new Toolbar(store, this.preview, this.help);
    this.list = new DragList(store);
    this.alert = new Alert(() => store.setError(null));
    this.pointing = new Pointing(store, this.viewport, this.schedule, this.pressed, this.released);
    this.holdKeys = new HoldKeys(store);
    this.keyboard = new KeyboardPointer(store, this.viewport, () => this.pointing.reach);
    this.assemble(host);
    this.listen();
    this.stopWatching = store.watch(this.schedule);
    this.observer = new ResizeObserver(this.schedule);
    this.observer.observe(this.overlay);
    this.schedule();
  }

  dispose(): void {
    this.disposed = true;
    this.preview.stop();
    this.player.dispose();
    this.stopWatching();
    this.observer.disconnect();
    cancelAnimationFrame(this.scheduled);
    this.pointing.cancel();
    this.root.remove();
  }

  private assemble(host: HTMLElement): void {
    const foot = element("div", { class: "ds-foot" }, this.hint, this.place, this.onion.root, this.zoomBar.root);
    this.viewport.stage.append(this.selectBar.root);
    const main = element("div", { class: "ds-main" }, this.viewport.stage, this.list.root);
    this.root.style.setProperty("--ds-width", this.viewport.width);
    this.root.append(this.toolbar.root, main, foot, this.alert.root, this.help.root);
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

  private update(): void {
    const { store, viewport } = this;
    this.player.update();
    viewport.applyAim(store.aim);
    if (!store.clip) void this.paintFrame();
    this.toolbar.update();
    this.list.update();
    this.zoomBar.update();
    this.onion.update();
    this.selectBar.update();
    this.holdKeys.update();
    setText(this.hint, this.hintText());
    this.alert.show(store.heartbeat.gone ? GONE : store.error);
    const { point } = this.pointing;
    setText(this.place, point ? `x ${Math.round(point[0])}  y ${Math.round(point[1])}` : "");
    const ratio = viewport.arrange();
    this.overlay.style.cursor = this.cursor();
    this.renderer.draw(store, {
      scale: viewport.scale, reach: this.pointing.reach, corner: [viewport.camera.left, viewport.camera.top], ratio, pointer: point ?? this.keyboard.point,
      chosen: this.holdKeys.chosen, brush: point && this.brushKind(), crosshair: this.keyboard.point, picture: this.preview.playing ? null : viewport.picture,
    });
    const { document, draft } = store.shown;
    const { latency } = store.holding;
    assign(this.overlay, { "data-holds": store.holding.holds.length, "data-latency": latency === null ? null : Math.round(latency) });
    assign(this.overlay, { "data-drags": document.drags.length, "data-draft": draft !== null });
  }

  private async paintFrame(): Promise<void> {
    const { frame } = this.store;
    if (!frame || frame === this.painted || frame.byteLength === 0) return;
    this.painted = frame;
    const image = await decode(frame, "image/png");
    if (!image) {
      this.store.setError("The frame could not be decoded.");
      return;
    }
    if (frame === this.painted && !this.disposed && !this.store.clip) {
      this.viewport.show(image);
      this.schedule(); // moved regions show the new pixels
    }
    image.close();
  }

  private hintText(): string {
    const { store } = this;
    if (store.tool === HOLD && store.holding.note) return store.holding.note;
    if (this.keyboard.pressed) return "Arrow keys move, Space releases, Escape cancels.";
    if (store.outline?.kind === "polygon") return "Click corners; the first one, Enter or a double click closes. Backspace takes back.";
    if (store.outline) return "Click where it should pass; Enter or a double click ends. Backspace takes back.";
    if (isPaint(store.tool) && store.scene.draft) {
      return "Now press on the region and pull it. Press beside it to paint more.";
    }
    if (isPaint(store.tool) && store.scene.document.drags.length > 0) {
      return "In Python: canvas.drags. Pull again to change it, or paint the next object.";
    }
    const camera = kindOfTool(store.tool)?.wholeFrame ? activeCamera(store.shown) : null;
    const motion = camera === null ? undefined : store.shown.document.drags[camera].motion;
    const sentence = motion && kindOf(motion).sentence?.(motion);
    return sentence ?? TOOLS.find((tool) => tool.name === store.tool)?.hint ?? "";
  }

  private overRegion(): boolean {
    const { point } = this.pointing;
    if (!point || this.store.outline) return false;
    const under = hit(this.store, point, this.pointing.reach);
    return under !== null && under.part !== "path";
  }

  private brushKind(): "paint" | "erase" | "keep" | null {
    const { tool } = this.store;
    if (this.pointing.panning) return null;
    if (tool === "keep") return "keep";
    if (tool === "eraser") return "erase";
    return tool === "brush" && (this.pointing.busy || !this.overRegion()) && !this.pulling() ? "paint" : null;
  }

  private pulling(): boolean {
    return this.pointing.busy && this.store.shown.document.drags !== this.store.scene.document.drags;
  }

  private cursor(): string {
    if (this.pointing.panning) return "grabbing";
    if (this.store.tool === "hand") return "grab";
    if (kindOfTool(this.store.tool)?.wholeFrame) return this.pointing.busy ? "grabbing" : "grab";
    if (this.store.tool === HOLD) return this.pointing.busy ? "grabbing" : "grab";
    if (this.pointing.busy) return this.pulling() ? "grabbing" : this.brushKind() ? "none" : "crosshair";
    if (this.brushKind()) return "none";
    if (this.overRegion()) return "grab";
    return this.store.tool === "select" ? "default" : "crosshair";
  }

  // --- focus and keys ---------------------------------------------------------------------------

  private listen(): void {
    const { overlay, root } = this;
    overlay.addEventListener("blur", () => this.keyboard.hide());
    root.addEventListener("keydown", this.key);
    // JupyterLab takes the focus after a click on a button; shortcuts need it on the overlay.
    root.addEventListener("click", (event) => {
      const clicked = event.detail > 0 && (event.target as Element).closest("button");
      if (clicked && !this.help.shown) overlay.focus({ preventScroll: true });
    });
  }

  private readonly pressed = (): void => {
    this.preview.stop();
    this.overlay.focus({ preventScroll: true });
    this.keyboard.hide();
  };

  /** Preview a new drag once, unless the reader prefers reduced motion. */
  private readonly released = (): void => {
    if (!window.matchMedia("(prefers-reduced-motion: reduce)").matches) this.preview.play(1);
  };

  private readonly key = (event: KeyboardEvent): void => {
    const onFrame = event.target === this.overlay;
    const dropped = event.key === "Escape" && !this.help.shown && this.pointing.cancel();
    const handled =
      this.help.key(event) ||
      viewKey(event, this.preview, this.help) ||
      ((onFrame || event.key === "Escape") && this.holdKeys.key(event)) ||
      dropped ||
      (onFrame && !this.keyboard.point && frameKey(this.store, event)) ||
      (onFrame && this.keyboard.key(event)) ||
      (onFrame && zoomKey(this.viewport, event)) ||
      shortcut(this.store, event);
    if (handled) {
      event.preventDefault();
      event.stopPropagation();
      this.schedule();
    }
  };
}
