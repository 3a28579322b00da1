// The preview: moves the pixels of each region over the frame, in the browser. It shows the drags, not the
// frames that the model will generate.
import { identity, type Affine } from "../shared/affine";
import type { Scene } from "../shared/document";
import { filled, widened } from "../shared/fill";
import { Mask } from "../shared/mask";
import { movedPatch, type Patch, type Pixels } from "../shared/warp";
import type { Viewport } from "./viewport";
import { activeCamera, cameraMapAt, isCamera } from "./camera_drag";
import { kindOf, motionAt } from "./motions";
import type { Store } from "./store";

const SECONDS = 1.4; // from rest to the end
const REST_SECONDS = 0.5; // at the end
const UNKNOWN = [38, 40, 46, 255];
const FRINGE = 2; // pixels around a region with some of its colour

/** The frame with holes filled, and the patches over it at a fraction of the motions. */
export interface PreviewFrames {
  readonly background: Pixels;
  readonly patches: (fraction: number) => MovedPatch[];
}

/** Pixels, and the map of the camera. */
interface MovedPatch extends Patch {
  readonly map: Affine;
}

/** The preview of all drags that are not muted. */
export function prepareFrames(store: Store, scene: Scene, picture: Pixels): PreviewFrames {
  const { drags } = scene.document;
  const moving = [...drags.keys()].filter((i) => !scene.looks[i].muted && !isCamera(drags[i]));
  const left = moving
    .map((i) => store.mask(drags[i].region))
    .reduce((all, mask) => all.or(mask), new Mask(picture.width, picture.height));
  const makers = moving.map((i) => kindOf(drags[i].motion).preview(picture, store.mask(drags[i].region), drags[i].motion));
  const ground = filled(picture, widened(left, FRINGE));
  const patches = (fraction: number): MovedPatch[] =>
    makers.map((make, k) => ({ ...make(fraction), map: cameraMapAt(scene, moving[k], fraction) }));
  const camera = activeCamera(scene);
  if (camera === null) return { background: ground, patches };
  const moved = kindOf(drags[camera].motion).preview(ground, left, drags[camera].motion);
  const { motion } = drags[camera];
  const { keep } = scene.document;
  const stays = keep && scene.looks[camera].relative === "frame" ? [{ ...movedPatch(picture, store.mask(keep), identity), map: identity }] : [];
  return {
    background: { width: picture.width, height: picture.height, data: unknown(picture.data.length) },
    patches: (fraction) => [{ ...moved(fraction), map: motionAt(motion, fraction) }, ...stays, ...patches(fraction)],
  };
}

/** Dark pixels, for the part of the scene outside of the frame. */
function unknown(length: number): Pixels["data"] {
  const data = new Uint8ClampedArray(length);
  for (let i = 0; i < length; i += 4) data.set(UNKNOWN, i);
  return data;
}

export class Preview {
  private loop = 0;
  private rounds = Infinity;
  private began = 0;
  private frames: PreviewFrames | null = null;
  private scene: Scene | null = null;
  private picture = "";
  private readonly scratch = document.createElement("canvas");

  constructor(
    private readonly store: Store,
    private readonly viewport: Viewport,
    private readonly changed: () => void,
  ) {}

  get playing(): boolean {
    return this.loop !== 0;
  }

  get possible(): boolean {
    const { document, looks } = this.store.scene;
    return document.drags.some((_, i) => !looks[i].muted);
  }

  toggle = (): void => {
    if (this.playing) this.stop();
    else this.play(Infinity);
  };

  /** Plays from the start, a number of times. */
  play(rounds: number): void {
    if (!this.possible || this.playing) return;
    this.rounds = rounds;
    this.began = 0;
    this.loop = requestAnimationFrame(this.step);
    this.changed();
  }

  stop(): void {
    if (!this.playing) return;
    cancelAnimationFrame(this.loop);
    this.loop = 0;
    this.frames = this.scene = null;
    const { ghost } = this.viewport;
    ghost.getContext("2d")?.clearRect(0, 0, ghost.width, ghost.height);
    delete ghost.dataset["fraction"];
    this.changed();
  }

  /** Prepares the preview again after a change of the scene or the picture. */
  private refresh(): void {
    const { picture } = this.viewport;
    const painted = picture.dataset["painted"] ?? "";
    if (this.frames && this.scene === this.store.shown && this.picture === painted) return;
    const context = picture.getContext("2d", { willReadFrequently: true });
    if (!context) return;
    const { width, height } = picture;
    const { data } = context.getImageData(0, 0, width, height);
    this.scene = this.store.shown;
    this.picture = painted;
    this.frames = prepareFrames(this.store, this.scene, { width, height, data: new Uint8ClampedArray(data) });
  }

  private readonly step = (now: number): void => {
    this.began ||= now;
    const round = (now - this.began) / 1000 / (SECONDS + REST_SECONDS);
    if (!this.possible || round >= this.rounds) {
      this.stop();
      return;
    }
    this.loop = requestAnimationFrame(this.step);
    this.refresh();
    this.draw(Math.min(1, ((round % 1) * (SECONDS + REST_SECONDS)) / SECONDS));
  };

  private draw(fraction: number): void {
    const { ghost } = this.viewport;
    const context = ghost.getContext("2d");
    if (!context || !this.frames) return;
    const { background } = this.frames;
    context.putImageData(new ImageData(background.data, background.width, background.height), 0, 0);
    for (const patch of this.frames.patches(fraction)) {
      [this.scratch.width, this.scratch.height] = [patch.width, patch.height];
      this.scratch.getContext("2d")?.putImageData(new ImageData(patch.data, patch.width, patch.height), 0, 0);
      const { a, b, c, d, e, f } = patch.map;
      // pixel (0, 0) reaches half a pixel up and left
      context.setTransform(a, d, b, e, c + 0.5 - (a + b) / 2, f + 0.5 - (d + e) / 2);
      context.drawImage(this.scratch, patch.left, patch.top);
    }
    context.resetTransform();
    ghost.dataset["fraction"] = fraction.toFixed(2);
  }
}
