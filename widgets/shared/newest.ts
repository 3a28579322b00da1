// Requests of which only the newest counts: few are under way, and one waits.

export class Newest<Wanted> {
  private readonly open = new Set<number>();
  private waiting: { readonly wanted: Wanted } | null = null;
  private next: number;
  private last: number;

  /**
   * @param send Sends a request under its ticket.
   * @param most How many may be under way.
   * @param first The first ticket; pages that share a model start at different ones.
   */
  constructor(
    private readonly send: (wanted: Wanted, ticket: number) => void,
    private readonly most = 2,
    first = 0,
  ) {
    this.next = first;
    this.last = first - 1;
  }

  get busy(): boolean {
    return this.open.size > 0;
  }

  /** Request something; an earlier request that has not been sent is dropped. */
  ask(wanted: Wanted): void {
    if (this.open.size < this.most) this.start(wanted);
    else this.waiting = { wanted };
  }

  /** An answer or a refusal has come. True if it is ours, and nothing newer came before it. */
  settle(ticket: number): boolean {
    if (!this.open.delete(ticket)) return false;
    const { waiting } = this;
    this.waiting = null;
    if (waiting) this.start(waiting.wanted);
    if (ticket < this.last) return false;
    this.last = ticket;
    return true;
  }

  /** The oldest request was refused without its ticket. */
  refuse(): void {
    const [oldest] = this.open;
    if (oldest !== undefined) this.settle(oldest);
  }

  /** Nobody will answer any more. */
  reset(): void {
    this.open.clear();
    this.waiting = null;
  }

  private start(wanted: Wanted): void {
    const ticket = this.next++;
    this.open.add(ticket);
    this.send(wanted, ticket);
  }
}
