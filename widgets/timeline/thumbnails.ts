// Thumbnails of the blocks in view, requested when they are needed and dropped when not.
import type { Lru } from "../shared/lru";
import { blobOf } from "../shared/model";
import { Newest } from "../shared/newest";

const BATCH = 24;

export class Thumbnails {
  private readonly requests: Newest<readonly number[]>;
  private readonly watchers = new Set<() => void>();

  /**
   * @param cache From block keys to addresses of pictures.
   * @param send Asks for the blocks with these indices.
   */
  constructor(
    private readonly cache: Lru<number, string>,
    send: (blocks: readonly number[], ticket: number) => void,
  ) {
    const first = Math.floor(Math.random() * 2 ** 40); // other pages have other tickets
    this.requests = new Newest(send, 1, first);
  }

  /** Register a callback for the arrival of pictures. */
  watch(watcher: () => void): () => void {
    this.watchers.add(watcher);
    return () => this.watchers.delete(watcher);
  }

  get(key: number): string | undefined {
    return this.cache.get(key);
  }

  /** Ask for those of the blocks that are not there yet, a batch at a time. */
  want(blocks: readonly number[], key: (block: number) => number): void {
    if (this.requests.busy) return; // its answer will make us look again
    const missing = blocks.filter((block) => !this.cache.has(key(block))).slice(0, BATCH);
    if (missing.length > 0) this.requests.ask(missing);
  }

  receive(ticket: number, keys: readonly number[], buffers: readonly DataView[]): void {
    this.requests.settle(ticket);
    keys.forEach((key, index) => {
      const bytes = buffers[index];
      if (bytes && !this.cache.has(key)) {
        this.cache.set(key, URL.createObjectURL(blobOf(bytes, "image/jpeg")));
      }
    });
    for (const watcher of this.watchers) watcher();
  }

  refuse(): void {
    this.requests.refuse();
  }

  dispose(): void {
    this.requests.reset();
    this.cache.clear();
    this.watchers.clear();
  }
}
