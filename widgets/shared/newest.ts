// Requests to Python of which only the newest matters.

/** Sends up to a number of requests at once; of those made meanwhile only the newest waits. */
export class NewestRequests<Wanted> {
  private readonly open = new Set<number>();
  private waiting: { readonly wanted: Wanted } | null = null;
  private next: number;
  private last: number;

  /**
   * @param send Sends a request under a ticket.
   * @param most Requests without an answer, at most.
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

  /** Sends a request, or lets it wait in place of one that has not been sent. */
  request(wanted: Wanted): void {
    if (this.open.size < this.most) this.start(wanted);
    else this.waiting = { wanted };
  }

  /** Counts a request as answered; true for one of this page's, unless a newer one was answered before. */
  answered(ticket: number): boolean {
    if (!this.open.delete(ticket)) return false;
    const { waiting } = this;
    this.waiting = null;
    if (waiting) this.start(waiting.wanted);
    if (ticket < this.last) return false;
    this.last = ticket;
    return true;
  }

  /** Counts the oldest request as refused; the error came without its ticket. */
  refused(): void {
    const [oldest] = this.open;
    if (oldest !== undefined) this.answered(oldest);
  }

  /** Forgets all requests; no answer will come. */
  clear(): void {
    this.open.clear();
    this.waiting = null;
  }

  private start(wanted: Wanted): void {
    const ticket = this.next++;
    this.open.add(ticket);
    this.send(wanted, ticket);
  }
}
