// Select by a click: Python says how much each pixel resembles the clicked one, and from then on the
// threshold makes the region here.
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
  /** The least similarity that counts, from 0 to 1. */
  threshold = 0.5;
  /** A request to Python is under way. */
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

  /** Asks Python what resembles a point; the answer becomes the region, or is added to it. */
  ask(point: Point, adds: boolean): void {
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

  /** Another threshold: the region follows at once. */
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
