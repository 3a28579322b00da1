// The state that all views of one timeline share: the session, the frame shown, thumbnails, questions.
import { Lru } from "../shared/lru";
import { MessageStore } from "../shared/message_store";
import { blobOf, type Message, type Model } from "../shared/model";
import { clamp } from "../shared/points";
import { playedTo, type Playback } from "./playback";
import { Session, type SessionState } from "./session";
import { Thumbnails } from "./thumbnails";

export type CompareMode = "side" | "wipe";

export interface Answer {
  readonly label: string;
  readonly danger?: boolean;
  readonly run: () => void;
}

export interface Question {
  readonly text: string;
  /** Blocks from this one on would be dropped. */
  readonly drops: number | null;
  readonly answers: readonly Answer[];
}

export interface FrameAnswer {
  readonly ticket: number;
  readonly picture: Blob;
}

const REPORT_DELAY = 120; // milliseconds without a change before the frame shown is sent to Python
const MOST_THUMBNAILS = 400;

export class Store extends MessageStore {
  session: Session;
  question: Question | null = null;
  mode: CompareMode = "wipe";
  wipe = 0.5;
  readonly thumbnails: Thumbnails;

  private position: number | null;
  private play: Playback | null = null;
  private ticking = 0;
  private reportTimer: ReturnType<typeof setTimeout> | undefined;
  private reported: (number | null)[] = [];
  private unanswered: { readonly request: string; readonly session: Session }[] = [];
  private readonly viewers = new Set<(answer: FrameAnswer) => void>();
  private readonly refused = new Set<() => void>();

  constructor(model: Model) {
    super(model, ["state", "frame", "compared", "viewer"]);
    this.session = new Session(model.get("state") as SessionState);
    this.position = (model.get("frame") as number | null) ?? null;
    const cache = new Lru<number, string>(MOST_THUMBNAILS, (url) => URL.revokeObjectURL(url));
    this.thumbnails = new Thumbnails(cache, (blocks, ticket) =>
      this.send("thumbnails", { branch: this.session.state.branch, blocks, ticket }));
  }

  override dispose(): void {
    clearTimeout(this.reportTimer);
    cancelAnimationFrame(this.ticking);
    super.dispose();
    this.thumbnails.dispose();
    this.viewers.clear();
  }

  /** Calls a viewer with each picture, and after a refused request. */
  receive(viewer: (answer: FrameAnswer) => void, refused: () => void): () => void {
    this.viewers.add(viewer);
    this.refused.add(refused);
    return () => {
      this.viewers.delete(viewer);
      this.refused.delete(refused);
    };
  }

  // --- the frame shown --------------------------------------------------------------------------

  /** The frame shown; -1 without frames. */
  get frame(): number {
    const last = this.session.frames - 1;
    return this.position === null ? last : Math.min(this.position, last);
  }

  get block(): number {
    return this.session.frames ? this.session.blockAt(this.frame) : -1;
  }

  get playing(): boolean {
    return this.play !== null;
  }

  get compared(): string | null {
    const name = this.model.get("compared");
    return typeof name === "string" ? name : null;
  }

  get viewer(): boolean {
    return this.model.get("viewer") === true;
  }

  /** Shows a frame; from the last one on, the newest is followed. */
  show(frame: number): void {
    this.play = null;
    this.place(frame);
    this.report();
  }

  showBlock(block: number): void {
    if (this.session.count) this.show(this.session.lastFrame(clamp(block, 0, this.session.count - 1)));
  }

  togglePlay(): void {
    if (this.play) {
      this.play = null;
      this.report();
    } else if (this.session.frames > 1) {
      const from = this.frame >= this.session.frames - 1 ? 0 : this.frame;
      this.play = { from, began: performance.now(), rate: this.session.state.frameRate };
      this.place(from);
      this.tick();
    }
    this.notify();
  }

  private place(frame: number): void {
    const last = this.session.frames - 1;
    const wanted = clamp(Math.round(frame), 0, Math.max(0, last));
    this.position = wanted >= last && !this.play ? null : wanted;
    this.question = null;
    this.notify();
  }

  private tick(): void {
    cancelAnimationFrame(this.ticking);
    this.ticking = requestAnimationFrame(() => {
      if (!this.play) return;
      const { frame, done } = playedTo(this.play, performance.now(), this.session.frames);
      if (done) {
        this.play = null;
        this.place(this.session.frames - 1);
        this.report();
      } else {
        if (frame !== this.frame) this.place(frame);
        this.tick();
      }
    });
  }

  /** Sends the frame shown to Python, once it stays the same. */
  private report(): void {
    clearTimeout(this.reportTimer);
    this.reportTimer = setTimeout(() => {
      if (this.play) return;
      const frame = this.position;
      if (frame !== ((this.model.get("frame") as number | null) ?? null)) {
        this.reported.push(frame);
        this.send("show", { frame });
      }
    }, REPORT_DELAY);
  }

  // --- requests to Python -----------------------------------------------------------------------

  override send(request: string, fields: Readonly<Record<string, unknown>>): void {
    if (this.heartbeat.gone) return;
    this.unanswered.push({ request, session: this.session });
    if (this.unanswered.length > 50) this.unanswered.shift();
    super.send(request, fields);
  }

  override request(request: string, fields: Readonly<Record<string, unknown>>): void {
    this.play = null;
    this.question = null;
    super.request(request, fields);
  }

  askRewind(): void {
    const to = this.block + 1;
    const { count } = this.session;
    if (to < 1 || to >= count) return;
    const frames = this.session.frames - this.session.firstFrame(to);
    const blocks = to === count - 1 ? `block ${to}` : `blocks ${to} to ${count - 1}`;
    this.ask({
      text: `Going back drops ${blocks} (${frames} video frames).`,
      drops: to,
      answers: [
        { label: "Drop and go back", danger: true, run: () => this.request("rewind", { to }) },
        { label: "Branch off instead", run: () => this.request("fork", { at: to }) },
      ],
    });
  }

  askRemove(name: string): void {
    const branch = this.session.branch(name);
    if (!branch) return;
    this.ask({
      text: `Remove “${name}” with its ${branch.blocks} blocks?`,
      drops: null,
      answers: [{ label: "Remove", danger: true, run: () => this.request("remove", { name }) }],
    });
  }

  ask(question: Question | null): void {
    this.play = null;
    this.question = question;
    this.notify();
  }

  setMode(mode: CompareMode): void {
    this.mode = mode;
    this.notify();
  }

  setWipe(fraction: number): void {
    this.wipe = clamp(fraction, 0, 1);
    this.notify();
  }

  // --- changes and messages of Python -----------------------------------------------------------

  protected override changed(name: string): void {
    if (name === "state") this.adopt();
    else if (name === "frame") this.frameChanged();
    else this.notify();
  }

  private adopt(): void {
    this.session = new Session(this.model.get("state") as SessionState);
    if (this.question?.drops != null && this.question.drops >= this.session.count) this.question = null;
    if (this.position !== null && this.position >= this.session.frames) this.position = null;
    this.notify();
  }

  private frameChanged(): void {
    const frame = (this.model.get("frame") as number | null) ?? null;
    const echo = this.reported.indexOf(frame);
    if (echo >= 0) {
      this.reported.splice(0, echo + 1);
      return;
    }
    this.play = null;
    this.position = frame;
    this.notify();
  }

  protected override onMessage(message: Message, buffers: readonly DataView[]): void {
    const ticket = Number(message["ticket"]);
    if (message.type === "thumbnails") {
      this.takeRequest("thumbnails");
      this.thumbnails.receive(ticket, message["keys"] as number[], buffers);
    } else if (message.type === "frame" && buffers[0]) {
      this.takeRequest("frame");
      const picture = blobOf(buffers[0], "image/jpeg");
      for (const viewer of this.viewers) viewer({ ticket, picture });
    } else if (message.type === "error") {
      this.onRefused(String(message["text"]), message["request"]);
    }
  }

  private takeRequest(request: string): Session | null {
    const place = this.unanswered.findIndex((item) => item.request === request);
    return place < 0 ? null : this.unanswered.splice(place, 1)[0]!.session;
  }

  private onRefused(text: string, request: unknown): void {
    const about = typeof request === "string" ? this.takeRequest(request) : null;
    if (request === "thumbnails") this.thumbnails.refused();
    if (request === "frame") for (const refused of this.refused) refused();
    if (request === "show") this.reported = [];
    // A request about a session that has changed meanwhile may fail.
    const stale = about !== null && about !== this.session;
    const quiet = request === "thumbnails" || request === "frame" || request === "show";
    if (!(stale && quiet)) this.error = text;
    this.notify();
  }

  protected override lost(): void {
    this.play = null;
    this.question = null;
    super.lost();
  }
}
