// Thumbnails of the blocks in view, requested when needed, in a cache of limited size.
import type { Lru } from "../shared/lru";
import { blobOf } from "../shared/model";
import { NewestRequests } from "../shared/newest";

const BATCH = 24;

export class Thumbnails {
  private readonly requests: NewestRequests<readonly number[]>;
  private readonly watchers = new Set<() => void>();

  /**
   * @param cache From block keys to URLs of pictures.
   * @param send Requests the blocks with these indices.
   */
  constructor(
    private readonly cache: Lru<number, string>,
    send: (blocks: readonly number[], ticket: number) => void,
  ) {
    const first = Math.floor(Math.random() * 2 ** 40); // unlike those of other pages
    this.requests = new NewestRequests(send, 1, first);
  }

  /** Register a callback for the arrival of pictures. */
  watch(watcher: () => void): () => void {
    this.watchers.add(watcher);
    return () => this.watchers.delete(watcher);
  }

  get(key: number): string | undefined {
    return this.cache.get(key);
  }

  /** Requests the blocks that are not in the cache, a batch at a time. */
  request(blocks: readonly number[], key: (block: number) => number): void {
    if (this.requests.busy) return; // after its answer the strip calls this again
    const missing = blocks.filter((block) => !this.cache.has(key(block))).slice(0, BATCH);
    if (missing.length > 0) this.requests.request(missing);
  }

  receive(ticket: number, keys: readonly number[], buffers: readonly DataView[]): void {
    this.requests.answered(ticket);
    keys.forEach((key, index) => {
      const bytes = buffers[index];
      if (bytes && !this.cache.has(key)) {
        this.cache.set(key, URL.createObjectURL(blobOf(bytes, "image/jpeg")));
      }
    });
    for (const watcher of this.watchers) watcher();
  }

  refused(): void {
    this.requests.refused();
  }

  dispose(): void {
    this.requests.clear();
    this.cache.clear();
    this.watchers.clear();
  }
}
