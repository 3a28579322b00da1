// A map of limited size that drops the values used least recently.

export class Lru<Key, Value> {
  private readonly items = new Map<Key, Value>();

  constructor(
    private readonly limit: number,
    private readonly dropped: (value: Value) => void,
  ) {}

  has(key: Key): boolean {
    return this.items.has(key);
  }

  get(key: Key): Value | undefined {
    const value = this.items.get(key);
    if (value === undefined) return undefined;
    this.items.delete(key);
    this.items.set(key, value);
    return value;
  }

  set(key: Key, value: Value): void {
    const before = this.items.get(key);
    if (before !== undefined) this.dropped(before);
    this.items.delete(key);
    this.items.set(key, value);
    for (const [oldest, old] of this.items) {
      if (this.items.size <= this.limit) break;
      this.items.delete(oldest);
      this.dropped(old);
    }
  }

  clear(): void {
    for (const value of this.items.values()) this.dropped(value);
    this.items.clear();
  }
}
