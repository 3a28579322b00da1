// Plays clips of JPEG frames that Python sends. A newer clip replaces an older one at once and late frames
// are skipped, so that there is never a queue.
import { blobOf } from "../shared/model";
import type { Viewport } from "./viewport";
import type { Store } from "./store";

export interface Clip {
  readonly number: number;
  readonly rate: number;
  readonly frames: readonly DataView[];
}

/** The index of the frame to show after some seconds; the last one from its time on. */
export const frameDue = (clip: Clip, seconds: number): number =>
  Math.min(clip.frames.length - 1, Math.max(0, Math.floor(seconds * clip.rate)));

/** The picture in an encoded frame; null if it cannot be decoded. */
export const decode = (bytes: DataView, type: "image/png" | "image/jpeg"): Promise<ImageBitmap | null> =>
  createImageBitmap(blobOf(bytes, type)).catch(() => null);

/** Milliseconds before a frame is due at which the page is asked for animation frames. */
const AHEAD = 4;

export class Player {
  private clip: Clip | null = null;
  private began = 0;
  private shown = -1;
  private decoding = false;
  private loop = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly store: Store,
    private readonly viewport: Viewport,
  ) {}

  /** Starts the clip of the store, if it is a new one. */
  update(): void {
    const { clip } = this.store;
    if (clip === this.clip) return;
    this.clip = clip;
    this.began = 0;
    this.shown = -1;
    this.cancel();
    if (clip) this.loop = requestAnimationFrame(this.step);
  }

  dispose(): void {
    this.cancel();
    this.clip = null;
  }

  private cancel(): void {
    clearTimeout(this.timer);
    cancelAnimationFrame(this.loop);
  }

  private readonly step = (now: number): void => {
    const { clip } = this;
    if (!clip) return;
    this.began ||= now;
    const seconds = (now - this.began) / 1000;
    const due = frameDue(clip, seconds);
    if (due > this.shown && !this.decoding) void this.show(clip, due);
    if (this.shown === clip.frames.length - 1 && seconds * clip.rate >= clip.frames.length) {
      this.store.endClip(clip);
      return;
    }
    // Each animation frame costs the page time, even if nothing is drawn: ask for none between two frames of the clip.
    const rest = this.began + (1000 * (due + 1)) / clip.rate - now - AHEAD;
    if (rest > 0) this.timer = setTimeout(() => void (this.loop = requestAnimationFrame(this.step)), rest);
    else this.loop = requestAnimationFrame(this.step);
  };

  private async show(clip: Clip, index: number): Promise<void> {
    this.decoding = true;
    const image = await decode(clip.frames[index], "image/jpeg");
    this.decoding = false;
    if (clip === this.clip) {
      const first = this.shown < 0;
      if (first) this.store.confirm(clip);
      if (image) this.viewport.show(image);
      if (first) this.store.holding.paint(clip.number);
      this.shown = index;
    }
    image?.close();
  }
}
