// The state that all views of one canvas share: the scene, its history, the selection and the tool.
import { cached } from "../shared/cached";
import {
  duplicateDrag,
  emptyScene,
  fittingLooks,
  moveDrag,
  removeDrag,
  same,
  withKeep,
  withLook,
  type Drag,
  type DragDocument,
  type Look,
  type Scene,
  type Selection,
} from "../shared/document";
import { rasterise, type Mask, type Region, type Size } from "../shared/mask";
import { MessageStore } from "../shared/message_store";
import type { Message, Model as PageModel } from "../shared/model";
import { normalised } from "./camera_drag";
import { History } from "./history";
import { Holding } from "./holding";
import { kindOf } from "./motions";
import type { Outline } from "./outline_tools";
import { Picking } from "./picking";
import type { Clip } from "./player";
import type { ToolName } from "./types";

/** The part of anywidget's model that the canvas uses; its page writes traits, too. */
export interface Model extends PageModel {
  set(name: string, value: unknown): void;
  save_changes(): void;
}

export interface Aim {
  /** Left, top, right, bottom, counted from the frame's corner. */
  readonly box: readonly [number, number, number, number];
  readonly number: number;
}

/** Traits of the display only: a change of them is no step of undo. */
const DISPLAY_TRAITS = ["frame", "latent_frames", "onion", "trail", "selectors", "aim"];
const SCENE_TRAITS = ["state", "looks", "draft"];
const MERGE_MILLISECONDS = 800;

export class Store extends MessageStore<Model> {
  selection: Selection = null;
  tool: ToolName = "brush";
  brushRadius: number;
  /** The outline that is drawn click by click. */
  outline: Outline | null = null;
  /** The selected waypoint of the selected path, which keys move; null means the end. */
  waypoint: number | null = null;
  /** The clip that plays instead of the still frame. */
  clip: Clip | null = null;
  readonly picking: Picking;
  readonly holding: Holding;

  private preview: Scene | null = null;
  private writing = false;
  private readonly history: History<Scene>;
  private merge = { label: "", time: 0 };
  private readonly masks = new WeakMap<Region, Mask>();
  private readonly handles = new WeakMap<Drag, Mask>();
  private readonly areas = new WeakMap<Region, number>();

  constructor(model: Model) {
    super(model, [...SCENE_TRAITS, ...DISPLAY_TRAITS]);
    this.history = new History(this.revision, this.read());
    this.picking = new Picking(this, model);
    this.holding = new Holding(this, model);
    this.selection = this.scene.draft ? "draft" : null;
    this.brushRadius = Math.max(2, Math.round(Math.min(this.size.width, this.size.height) / 16));
  }

  override dispose(): void {
    this.holding.dispose();
    super.dispose();
  }

  get size(): Size {
    return { width: Number(this.model.get("width")), height: Number(this.model.get("height")) };
  }

  get latentFrames(): number {
    return Number(this.model.get("latent_frames"));
  }

  get frame(): DataView | null {
    const frame = this.model.get("frame");
    return frame instanceof DataView ? frame : null;
  }

  /** Number of earlier frames in the onion skin. */
  get onion(): number {
    return Number(this.model.get("onion") ?? 0);
  }

  /** These frames as JPEGs, the newest first. */
  get trail(): readonly DataView[] {
    return (this.model.get("trail") ?? []) as readonly DataView[];
  }

  /** The part of the frame that Python zoomed to last. */
  get aim(): Aim {
    return this.model.get("aim") as Aim;
  }

  /** The content of the canvas, the same as in Python. */
  get scene(): Scene {
    return this.history.scene;
  }

  /** The scene to draw: during a gesture, the scene of the gesture. */
  get shown(): Scene {
    return this.preview ?? this.scene;
  }

  get canUndo(): boolean {
    return this.history.canUndo;
  }

  get canRedo(): boolean {
    return this.history.canRedo;
  }

  mask(region: Region): Mask {
    return cached(this.masks, region, () => rasterise(region, this.size));
  }

  /** Number of pixels that a region covers. */
  area(region: Region): number {
    return cached(this.areas, region, () => this.mask(region).area);
  }

  /** A mask as a region; `mask` returns it without decoding. */
  region(mask: Mask): Region {
    const region = mask.toRegion();
    this.masks.set(region, mask);
    return region;
  }

  /** The part of the region that the motion holds. */
  handle(drag: Drag): Mask {
    return cached(this.handles, drag, () => kindOf(drag.motion).held(this.mask(drag.region), drag.motion));
  }

  setTool(tool: ToolName): void {
    this.tool = tool;
    this.outline = null;
    this.notify();
  }

  setBrushRadius(radius: number): void {
    this.brushRadius = radius;
    this.notify();
  }

  setOutline(outline: Outline | null): void {
    this.outline = outline;
    this.notify();
  }

  select(selection: Selection): void {
    if (selection !== this.selection) this.waypoint = null;
    this.selection = selection;
    this.notify();
  }

  setWaypoint(index: number | null): void {
    this.waypoint = index;
    this.notify();
  }

  setOnion(count: number): void {
    this.model.set("onion", count);
    this.model.save_changes();
  }

  // --- clips ------------------------------------------------------------------------------------

  /** Reports to Python that a clip is on the screen. */
  confirm(clip: Clip): void {
    this.model.send({ type: "seen", clip: clip.number });
  }

  /** Ends a clip, or any clip (null); the still frame is shown again. */
  endClip(clip: Clip | null): void {
    if (clip && clip !== this.clip) return;
    this.clip = null;
    this.notify();
  }

  /** Shows a scene without committing it; null shows the committed one. */
  show(scene: Scene | null): void {
    this.preview = scene && normalised(this, scene);
    this.notify();
  }

  /**
   * Commits a scene and sends it to Python. Changes with the same label in quick succession (nudges)
   * become one step of undo.
   */
  commit(given: Scene, selection: Selection = this.selection, label = ""): void {
    const scene = normalised(this, given);
    const now = Date.now();
    const merged =
      label !== "" && label === this.merge.label && now - this.merge.time < MERGE_MILLISECONDS;
    this.merge = { label, time: now };
    this.preview = null;
    if (!same(scene, this.scene)) {
      if (merged) this.history.amend(scene);
      else this.history.add(scene);
      this.error = null;
      this.write();
    }
    if (selection !== this.selection) this.waypoint = null;
    this.selection = selection;
    this.keepSelectionValid();
    this.notify();
  }

  undo(): void {
    if (this.history.back()) this.stepped();
  }

  redo(): void {
    if (this.history.forth()) this.stepped();
  }

  removeSelected(): void {
    if (this.selection === "draft") this.commit({ ...this.scene, draft: null }, null);
    else if (this.selection !== null) this.commit(removeDrag(this.scene, this.selection), null);
    else if (this.tool === "keep") this.commit(withKeep(this.scene, null));
  }

  /** Mutes or unmutes the selected drag; false if none is selected. */
  mute(index = this.selection): boolean {
    if (typeof index !== "number") return false;
    this.commit(withLook(this.scene, index, { muted: !this.scene.looks[index].muted }), this.selection);
    return true;
  }

  duplicate(index = this.selection): boolean {
    if (typeof index !== "number") return false;
    this.commit(duplicateDrag(this.scene, index), index + 1);
    return true;
  }

  /** Moves the selected drag up or down the list. */
  reorder(step: -1 | 1, index = this.selection): boolean {
    if (typeof index !== "number") return false;
    this.place(index, index + step);
    return true;
  }

  /** Puts a drag at another place in the list, if there is such a place. */
  place(index: number, to: number): void {
    if (index === to || to < 0 || to >= this.scene.document.drags.length) return;
    this.commit(moveDrag(this.scene, index, to), to);
  }

  clear(): void {
    this.commit(emptyScene, null);
  }

  private read(): Scene {
    const document = this.model.get("state") as DragDocument;
    const looks = (this.model.get("looks") ?? []) as readonly Look[];
    return {
      document,
      looks: fittingLooks(looks, document.drags.length),
      draft: (this.model.get("draft") as Region | null) ?? null,
    };
  }

  private get revision(): number {
    return Number(this.model.get("revision") ?? 0);
  }

  private write(): void {
    const { document, looks, draft } = this.scene;
    this.writing = true; // `set` triggers `changed`, at first with half a scene
    this.model.set("state", document);
    this.model.set("looks", looks);
    this.model.set("draft", draft);
    this.model.set("revision", this.history.number);
    this.writing = false;
    this.model.save_changes();
  }

  /** Shows and sends the scene after undo or redo. */
  private stepped(): void {
    this.preview = null;
    this.outline = null;
    this.error = null;
    this.merge = { label: "", time: 0 };
    this.write();
    if (this.scene.draft) this.selection = "draft";
    this.keepSelectionValid();
    this.notify();
  }

  private keepSelectionValid(): void {
    const { document, draft } = this.scene;
    if (this.selection === "draft" && !draft) this.selection = null;
    if (typeof this.selection === "number" && this.selection >= document.drags.length) {
      this.selection = null;
    }
    const drag = typeof this.selection === "number" ? document.drags[this.selection] : null;
    const last = drag ? kindOf(drag.motion).waypoints(drag.motion) - 1 : 0;
    if (this.waypoint !== null && this.waypoint > last) this.waypoint = null;
  }

  protected override changed(name: string): void {
    if (SCENE_TRAITS.includes(name)) this.adopt();
    else this.notify();
  }

  /** Adopts the scene of Python, which was changed there, undone or redone, or refused. */
  private adopt(): void {
    const scene = this.read();
    if (this.writing || same(scene, this.scene)) return;
    this.history.follow(this.revision, scene);
    this.merge = { label: "", time: 0 };
    this.preview = null;
    this.outline = null;
    this.keepSelectionValid();
    this.notify();
  }

  protected override onMessage(message: Message, buffers: readonly DataView[]): void {
    if (message.type === "hold_moved" || message.type === "objects") this.holding.onMessage(message);
    else if (message.type === "similarity") this.picking.onMessage(message, buffers);
    else if (message.type === "still") this.endClip(null);
    else if (message.type === "clip" && buffers.length > 0) {
      this.clip = { number: Number(message["clip"]), rate: Number(message["frame_rate"]), frames: buffers };
      this.notify();
    } else if (message.type === "error") {
      this.picking.waiting = false;
      if (String(message["request"]).startsWith("hold")) this.holding.refused();
      if (message["refused"] === true) this.history.cut(); // a refused scene cannot be redone
      this.setError(String(message["text"]));
    }
  }

  /** The view shows `GONE` for as long as the kernel is gone, whatever `error` is. */
  protected override lost(): void {
    this.notify();
  }
}
