// Select by a click: Python sends how similar each pixel is to the clicked one; the page applies the
// threshold.
import type { Region } from "../shared/mask";
import { connected } from "../shared/flood";
import type { Message } from "../shared/model";
import { tidyPoint, type Point } from "../shared/points";
import type { Model, Store } from "./store";

/** Values from 0 to 255, row by row, and the point that they were compared with. */
interface Similarity {
  readonly point: Point;
  readonly values: Uint8Array;
}

export class Picking {
  similarity: Similarity | null = null;
  /** The least similarity of a pixel to belong to the region, from 0 to 1. */
  threshold = 0.5;
  /** True while Python has not answered. */
  waiting = false;
  selector: string;
  private count = 0;
  private base: Region | null = null;

  constructor(
    private readonly store: Store,
    private readonly model: Model,
  ) {
    this.selector = this.selectors[0] ?? "features";
  }

  /** The selectors that Python offers. */
  get selectors(): readonly string[] {
    return (this.model.get("selectors") ?? []) as readonly string[];
  }

  setSelector(name: string): void {
    this.selector = name;
    this.store.notify();
  }

  /** Requests the similarity to a point; the result becomes the region, or is added to it. */
  request(point: Point, adds: boolean): void {
    if (this.selectors.length === 0) {
      this.store.setError("Nothing to select by: this canvas was made of a frame. Make it of a stream, or give it sam=.");
      return;
    }
    this.waiting = true;
    this.similarity = null;
    this.base = adds ? this.store.scene.draft : null;
    this.model.send({ type: "pick", point: tidyPoint(point), selector: this.selector });
    this.store.notify();
  }

  /** Sets the threshold and updates the region. */
  setThreshold(threshold: number): void {
    this.threshold = threshold;
    const { similarity, base, store } = this;
    if (!similarity) return;
    const found = connected(similarity.values, 255 * threshold, similarity.point, store.size);
    const mask = base ? found.or(store.mask(base)) : found;
    store.commit({ ...store.scene, draft: store.region(mask) }, "draft", `pick ${this.count}`);
  }

  onMessage(message: Message, buffers: readonly DataView[]): void {
    const [bytes] = buffers;
    const { width, height } = this.store.size;
    if (!bytes || bytes.byteLength !== width * height || !Array.isArray(message["point"])) return;
    const values = new Uint8Array(bytes.buffer as ArrayBuffer, bytes.byteOffset, bytes.byteLength).slice();
    this.count += 1;
    this.waiting = false;
    this.similarity = { point: message["point"] as unknown as Point, values };
    this.setThreshold(Number(message["threshold"]));
  }
}
