// What is held of a live stream: the holds that Python knows, and the pointers and keys of this page
// that move some of them.
import { chained, rotation, scaling, translation, type Affine } from "../shared/affine";
import type { Region } from "../shared/mask";
import type { Message } from "../shared/model";
import { Newest } from "../shared/newest";
import { distance, tidyPoint, type Point } from "../shared/points";
import type { Model, Store } from "./store";
import type { ToolName } from "./types";

/** A hold as Python describes it. */
export interface Hold {
  readonly id: number;
  /** The pointer that moves it, null for none. */
  readonly key: number | null;
  /** In the newest frame, as `at`. */
  readonly region: Region;
  readonly at: Point;
  /** As it was taken hold of. */
  readonly grip: Region;
  readonly grip_at: Point;
  /** What is asked for: the place of the held point, and turn and size relative to the grip. */
  readonly position: Point;
  readonly degrees: number;
  readonly factor: number;
  readonly pinned: boolean;
  /** Blocks since it began. */
  readonly blocks: number;
  /** This page's time of the newest move that the newest block used. */
  readonly stamp: number | null;
}

export interface Pose {
  readonly position: Point;
  readonly degrees: number;
  readonly factor: number;
}

export interface FoundObject {
  readonly region: Region;
  /** A point well inside. */
  readonly point: Point;
}

interface Move extends Pose {
  readonly key: number;
  readonly stamp: number;
}

/** A pointer or the keys, with a hold in hand. */
export interface Grab {
  readonly key: number;
  pose: Pose;
}

/** The name of the tool. */
export const HOLD = "hold";

const TRAITS = ["holds", "live_status"] as const;
const UNDER_WAY = 2; // moves that Python has not answered yet
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
  /** Objects that the keys can choose from; null while they are not asked for. */
  objects: readonly FoundObject[] | null = null;
  /** Said to those who do not see the frame. */
  note = "";
  /** Milliseconds from the newest move that a block used to its picture. */
  latency: number | null = null;

  private readonly grabs = new Map<number, Grab>();
  private readonly moves = new Map<number, Newest<Move>>();
  private readonly wanted = new Map<number, Move>();
  private readonly ended = new Set<number>();
  private nextKey = Math.floor(Math.random() * 2 ** 30); // pages share the holds of a canvas
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
    for (const name of TRAITS) model.on(`change:${name}`, this.changed);
    this.changed();
  }

  dispose(): void {
    for (const name of TRAITS) this.model.off(`change:${name}`, this.changed);
  }

  /** There is a live stream to hold things of. */
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

  /** The pose that is asked for: here at once, elsewhere once Python has heard of it. */
  poseOf(hold: Hold): Pose {
    const grab = hold.key === null ? undefined : this.grabs.get(hold.key);
    return grab?.pose ?? poseOf(hold);
  }

  /** The hold whose region is under a point, the newest first. */
  at(point: Point): Hold | null {
    const under = (hold: Hold): boolean => !this.left(hold) && this.store.mask(hold.region).at(point);
    return this.holds.toReversed().find(under) ?? null;
  }

  /** The hold that keys or a pointer have in hand, once Python knows it. */
  held(grab: Grab): Hold | null {
    return this.holds.find(({ key }) => key === grab.key) ?? null;
  }

  private left({ key }: Hold): boolean {
    return key !== null && this.ended.has(key);
  }

  /** True if this press and the one before it are a double one. */
  isDouble(point: Point, reach: number): boolean {
    const { press } = this;
    const time = this.now();
    const double = press !== null && time - press.time < DOUBLE_MILLISECONDS && distance(press.point, point) < reach;
    this.press = double ? null : { point, time };
    return double;
  }

  // --- to hold ----------------------------------------------------------------------------------

  /** Takes hold of what is at a point: a hold that is there, else a new one. */
  take(point: Point): Grab {
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
    this.wanted.set(grab.key, { ...grab.pose, key: grab.key, stamp: this.now() });
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

  /** Pins what is at a point; a pin there is taken out. */
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

  /** Lets go of everything. */
  release(): void {
    for (const grab of [...this.grabs.values()]) this.forget(grab);
    this.send({ type: "hold_release" });
  }

  private forget(grab: Grab): void {
    this.grabs.delete(grab.key);
    this.wanted.delete(grab.key);
    this.moves.delete(grab.key);
    this.ended.add(grab.key);
    this.store.notify();
  }

  /** One message for each frame of the screen and each hold, the newest pose. */
  private readonly flush = (): void => {
    this.scheduled = false;
    for (const [key, move] of this.wanted) this.channel(key).ask(move);
    this.wanted.clear();
  };

  private channel(key: number): Newest<Move> {
    let channel = this.moves.get(key);
    if (!channel) {
      channel = new Newest<Move>(({ position: [x, y], degrees, factor, stamp }, ticket) =>
        this.send({ type: "hold_move", key, x, y, degrees, factor, stamp, ticket }), UNDER_WAY);
      this.moves.set(key, channel);
    }
    return channel;
  }

  private send(message: Message): void {
    try {
      this.model.send(message);
    } catch {
      // without a connection; the kernel's heartbeat says so
    }
  }

  /** Tells Python if a pointer is over the frame with the hold tool: it reads features ahead. */
  hover(inside: boolean): void {
    const hovered = inside && this.store.tool === HOLD && this.playing;
    if (hovered === this.hovered) return;
    this.hovered = hovered;
    this.send({ type: "hover", inside: hovered });
  }

  // --- objects ----------------------------------------------------------------------------------

  /** Asks Python for the objects of the newest frame. */
  find(): void {
    this.send({ type: "objects" });
  }

  say(note: string): void {
    this.note = note;
    this.store.notify();
  }

  // --- from Python ------------------------------------------------------------------------------

  onMessage(message: Message): void {
    if (message.type === "hold_moved") this.moves.get(Number(message["key"]))?.settle(Number(message["ticket"]));
    else if (message.type === "objects") this.objects = message["objects"] as unknown as readonly FoundObject[];
    this.store.notify();
  }

  /** A request was refused: a grab of which Python knows nothing is dropped. */
  refused(): void {
    const known = new Set(this.holds.map(({ key }) => key));
    for (const grab of [...this.grabs.values()]) if (!known.has(grab.key)) this.forget(grab);
  }

  /** The holds are others or were in another block, or the stream plays or rests. */
  private readonly changed = (): void => {
    this.chooseTool();
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

  /** While a stream plays this tool is at hand; at rest the tool before it, if nothing is held. */
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

  /** The first frame of a clip is on the screen. */
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
