// The holds of a live stream as Python publishes them, and the pointers and keys of this page that move
// some of them.
import { chained, rotation, scaling, translation, type Affine } from "../shared/affine";
import type { Region } from "../shared/mask";
import type { Message } from "../shared/model";
import { NewestRequests } from "../shared/newest";
import { distance, tidyPoint, type Point } from "../shared/points";
import type { Model, Store } from "./store";
import type { ToolName } from "./types";

/** A hold as Python describes it. */
export interface Hold {
  readonly id: number;
  /** The key of the pointer that moves it, or null. */
  readonly key: number | null;
  /** The region and the held point in the newest frame. */
  readonly region: Region;
  readonly at: Point;
  /** The same when the hold began. */
  readonly grip: Region;
  readonly grip_at: Point;
  /** The target pose: place of the held point, rotation and scale relative to the grip. */
  readonly position: Point;
  readonly degrees: number;
  readonly factor: number;
  readonly pinned: boolean;
  /** Blocks since it began. */
  readonly blocks: number;
  /** Time of the newest move that the newest block used, by this page's clock. */
  readonly stamp: number | null;
}

export interface Pose {
  readonly position: Point;
  readonly degrees: number;
  readonly factor: number;
}

export interface FoundObject {
  readonly region: Region;
  /** A point well inside the region. */
  readonly point: Point;
}

interface Move extends Pose {
  readonly key: number;
  readonly stamp: number;
}

/** A hold as a pointer or the keys move it. */
export interface Grab {
  readonly key: number;
  pose: Pose;
}

/** The name of the tool. */
export const HOLD = "hold";

const TRAITS = ["holds", "live_status"] as const;
const MOST_UNANSWERED = 2; // moves
const SMALLEST = 0.05;
const LARGEST = 20;
const DOUBLE_MILLISECONDS = 400;

const poseOf = ({ position, degrees, factor }: Hold): Pose => ({ position, degrees, factor });

/** The map from the pixels of the grip to those of a pose. */
export function posed({ grip_at: [x, y] }: Pick<Hold, "grip_at">, { position, degrees, factor }: Pose): Affine {
  const grown = chained(rotation([x, y], degrees), scaling([x, y], factor));
  return chained(grown, translation(position[0] - x, position[1] - y));
}

export class Holding {
  /** The objects that the keys can choose; null before they were requested. */
  objects: readonly FoundObject[] | null = null;
  /** Text for screen readers. */
  note = "";
  /** Milliseconds from the newest move that a block used until its picture was shown. */
  latency: number | null = null;

  private readonly grabs = new Map<number, Grab>();
  private readonly moves = new Map<number, NewestRequests<Move>>();
  private readonly pending = new Map<number, Move>();
  private readonly ended = new Set<number>();
  /** Keys of pointers of a page that is gone: when it is loaded again, its last message may be lost. */
  private readonly abandoned = new Set<number>();
  private nextKey = Math.floor(Math.random() * 2 ** 30); // unlike those of other pages, which share the holds
  private scheduled = false;
  private hovered = false;
  private played = false;
  private toolAtRest: ToolName = "brush";
  private measured = -1; // the newest stamp that was measured
  private waiting: number | null = null; // a stamp whose picture was not painted yet
  private press: { readonly point: Point; readonly time: number } | null = null;
  private painted = { clip: -1, at: -1 };

  constructor(
    private readonly store: Store,
    private readonly model: Model,
    private readonly nextFrame: (call: () => void) => void = (call) => void requestAnimationFrame(call),
    private readonly now: () => number = () => performance.now(),
  ) {
    for (const { key } of this.holds) if (key !== null) this.abandoned.add(key);
    for (const name of TRAITS) model.on(`change:${name}`, this.changed);
    this.changed();
  }

  dispose(): void {
    for (const name of TRAITS) this.model.off(`change:${name}`, this.changed);
  }

  /** True if the source is a live stream. */
  get possible(): boolean {
    return this.model.get("live_status") != null;
  }

  get playing(): boolean {
    const status = this.model.get("live_status");
    return status === "playing" || status === "working";
  }

  get holds(): readonly Hold[] {
    return (this.model.get("holds") ?? []) as readonly Hold[];
  }

  /** The target pose; of a hold that this page moves, before Python has published it. */
  poseOf(hold: Hold): Pose {
    const grab = hold.key === null ? undefined : this.grabs.get(hold.key);
    return grab?.pose ?? poseOf(hold);
  }

  /** The hold whose region is under a point, the newest first. */
  at(point: Point): Hold | null {
    const under = (hold: Hold): boolean => !this.hasEnded(hold) && this.store.mask(hold.region).at(point);
    return this.holds.toReversed().find(under) ?? null;
  }

  /** The hold of a grab, once Python has published it. */
  held(grab: Grab): Hold | null {
    return this.holds.find(({ key }) => key === grab.key) ?? null;
  }

  private hasEnded({ key }: Hold): boolean {
    return key !== null && this.ended.has(key);
  }

  /** True if this press and the one before it are a double press. */
  isDouble(point: Point, reach: number): boolean {
    const { press } = this;
    const time = this.now();
    const double = press !== null && time - press.time < DOUBLE_MILLISECONDS && distance(press.point, point) < reach;
    this.press = double ? null : { point, time };
    return double;
  }

  // --- moving holds -----------------------------------------------------------------------------

  /** Grabs the hold at a point, or begins a new one there. */
  grab(point: Point): Grab {
    const there = this.at(point);
    const key = this.nextKey++;
    const grab = { key, pose: there ? this.poseOf(there) : { position: point, degrees: 0, factor: 1 } };
    this.grabs.set(key, grab);
    this.send({ type: "hold", key, point: tidyPoint(point), id: there?.id ?? null });
    return grab;
  }

  move(grab: Grab, pose: Partial<Pose>): void {
    const factor = Math.min(LARGEST, Math.max(SMALLEST, pose.factor ?? grab.pose.factor));
    grab.pose = { ...grab.pose, ...pose, factor };
    this.pending.set(grab.key, { ...grab.pose, key: grab.key, stamp: this.now() });
    if (!this.scheduled) {
      this.scheduled = true;
      this.nextFrame(this.flush);
    }
    this.store.notify();
  }

  turn(grab: Grab, degrees: number): void {
    this.move(grab, { degrees: grab.pose.degrees + degrees });
  }

  scale(grab: Grab, factor: number): void {
    this.move(grab, { factor: grab.pose.factor * factor });
  }

  end(grab: Grab): void {
    this.flush();
    this.forget(grab);
    this.send({ type: "hold_end", key: grab.key });
  }

  /** Pins the object at a point, or removes the pin there. */
  pin(point: Point): void {
    this.send({ type: "hold_pin", point: tidyPoint(point), id: this.at(point)?.id ?? null });
  }

  pinHeld(grab: Grab): void {
    const { position } = grab.pose;
    const hold = this.held(grab);
    this.flush();
    this.forget(grab);
    this.send({ type: "hold_pin", point: tidyPoint(hold?.at ?? position), id: hold?.id ?? null });
  }

  /** Releases all holds. */
  release(): void {
    for (const grab of [...this.grabs.values()]) this.forget(grab);
    this.send({ type: "hold_release" });
  }

  private forget(grab: Grab): void {
    this.grabs.delete(grab.key);
    this.pending.delete(grab.key);
    this.moves.delete(grab.key);
    this.ended.add(grab.key);
    this.store.notify();
  }

  /** Sends the newest pose of each grab, once a frame of the screen. */
  private readonly flush = (): void => {
    this.scheduled = false;
    for (const [key, move] of this.pending) this.channel(key).request(move);
    this.pending.clear();
  };

  private channel(key: number): NewestRequests<Move> {
    let channel = this.moves.get(key);
    if (!channel) {
      channel = new NewestRequests<Move>(({ position: [x, y], degrees, factor, stamp }, ticket) =>
        this.send({ type: "hold_move", key, x, y, degrees, factor, stamp, ticket }), MOST_UNANSWERED);
      this.moves.set(key, channel);
    }
    return channel;
  }

  private send(message: Message): void {
    try {
      this.model.send(message);
    } catch {
      // no connection: the kernel's heartbeat shows that
    }
  }

  /** Reports whether a pointer with the hold tool is over the frame, so that Python reads features ahead. */
  hover(inside: boolean): void {
    const hovered = inside && this.store.tool === HOLD && this.playing;
    if (hovered === this.hovered) return;
    this.hovered = hovered;
    this.send({ type: "hover", inside: hovered });
  }

  // --- objects ----------------------------------------------------------------------------------

  /** Requests the objects of the newest frame. */
  requestObjects(): void {
    this.send({ type: "objects" });
  }

  announce(note: string): void {
    this.note = note;
    this.store.notify();
  }

  // --- from Python ------------------------------------------------------------------------------

  onMessage(message: Message): void {
    if (message.type === "hold_moved") this.moves.get(Number(message["key"]))?.answered(Number(message["ticket"]));
    else if (message.type === "objects") this.objects = message["objects"] as unknown as readonly FoundObject[];
    this.store.notify();
  }

  /** Handles a refused request: grabs without a published hold are dropped. */
  refused(): void {
    const known = new Set(this.holds.map(({ key }) => key));
    for (const grab of [...this.grabs.values()]) if (!known.has(grab.key)) this.forget(grab);
  }

  /** Handles a change of the holds, of their block, or of the status of the stream. */
  private readonly changed = (): void => {
    this.chooseTool();
    for (const { key } of this.holds) if (key !== null && this.abandoned.has(key)) this.send({ type: "hold_end", key });
    const stamps = this.holds.map(({ stamp }) => stamp ?? -1);
    const newest = Math.max(-1, ...stamps);
    if (newest > this.measured && newest <= this.now()) {
      this.measured = newest;
      const { clip, at } = this.painted;
      if (clip === this.store.clip?.number && at > newest) this.measure(at - newest);
      else this.waiting = newest;
    }
    this.store.notify();
  };

  /** Selects the hold tool while a stream plays, and the previous tool when it rests and nothing is held. */
  private chooseTool(): void {
    const { store, playing } = this;
    if (playing && !this.played) {
      this.toolAtRest = store.tool;
      store.setTool(HOLD);
    } else if (!playing && store.tool === HOLD && (!this.possible || (this.played && this.holds.length === 0))) {
      store.setTool(this.toolAtRest);
    }
    this.played = playing;
  }

  /** Handles the first frame of a clip on the screen. */
  paint(clip: number): void {
    this.painted = { clip, at: this.now() };
    if (this.waiting !== null) this.measure(this.painted.at - this.waiting);
    this.waiting = null;
  }

  private measure(milliseconds: number): void {
    this.latency = milliseconds;
    this.send({ type: "hold_shown", milliseconds });
  }
}
