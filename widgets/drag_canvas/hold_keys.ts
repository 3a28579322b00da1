// The keys of the hold tool: choose an object of the frame, pull, turn, scale, pin and release it.
import { distance, type Point } from "../shared/points";
import { HOLD, type Grab, type Holding } from "./holding";
import { arrow } from "./keyboard";
import type { Store } from "./store";

const TURN = 5;
const GROWTH = 1.05;

const after = (blocks: number): string => (blocks === 0 ? "" : ` after ${blocks} block${blocks === 1 ? "" : "s"}`);

const spot = ([x, y]: Point): string => `x ${Math.round(x)}, y ${Math.round(y)}`;

export class HoldKeys {
  /** True while Tab goes through the objects, until Escape. */
  active = false;
  private index = 0;
  private known: Holding["objects"] = null;
  private readonly grabs = new Map<number, Grab>();
  private places: Point[] = [];

  constructor(private readonly store: Store) {}

  /** The index of the chosen object, or null. */
  get chosen(): number | null {
    return this.active && this.places.length > 0 ? this.index : null;
  }

  /** Adopts the objects that Python has found. */
  update(): void {
    const { objects } = this.store.holding;
    if (!this.active || objects === this.known) return;
    this.known = objects;
    if (!objects) return;
    this.places = objects.map(({ point }) => point);
    this.index = Math.min(this.index, Math.max(0, this.places.length - 1));
    this.announce();
  }

  key(event: KeyboardEvent): boolean {
    if (this.store.tool !== HOLD || event.ctrlKey || event.metaKey || event.altKey) return false;
    const { holding } = this.store;
    const step = arrow(event);
    if (event.key === "Escape" && (this.active || holding.holds.length > 0)) {
      this.leave();
      return true;
    }
    if (!this.active) {
      if (event.key !== "Enter" && event.key !== " ") return false;
      this.active = true;
      this.known = holding.objects;
      holding.announce("Looking for objects.");
      holding.requestObjects();
      return true;
    }
    if (event.key === "Tab") this.choose(event.shiftKey ? -1 : 1);
    else if (step) this.pull(step);
    else if (event.key === "Enter" || event.key === " ") this.pin();
    else if (event.key === "Delete" || event.key === "Backspace") this.drop();
    else if (event.key === ",") this.change((grab) => holding.turn(grab, -TURN));
    else if (event.key === ".") this.change((grab) => holding.turn(grab, TURN));
    else if (event.key === "<") this.change((grab) => holding.scale(grab, 1 / GROWTH));
    else if (event.key === ">") this.change((grab) => holding.scale(grab, GROWTH));
    else return false;
    return true;
  }

  /** Releases all holds. */
  private leave(): void {
    this.active = false;
    this.grabs.clear();
    this.places = [];
    const { holding } = this.store;
    const blocks = Math.max(0, ...holding.holds.map((hold) => hold.blocks));
    holding.release();
    holding.announce(`Let go of all${after(blocks)}.`);
  }

  private choose(step: number): void {
    const count = this.places.length;
    if (count === 0) {
      this.store.holding.requestObjects();
      return;
    }
    this.index = (this.index + step + count) % count;
    this.announce();
  }

  private pull([dx, dy]: Point): void {
    this.change((grab) => {
      const [x, y] = grab.pose.position;
      this.store.holding.move(grab, { position: [x + dx, y + dy] });
    });
  }

  /** Changes the pose of the chosen object; holds it first. */
  private change(how: (grab: Grab) => void): void {
    const place = this.places[this.index];
    if (!place) return;
    let grab = this.grabs.get(this.index);
    if (!grab) {
      grab = this.store.holding.grab(this.heldPoint(place));
      this.grabs.set(this.index, grab);
    }
    how(grab);
    this.places[this.index] = grab.pose.position;
    const { degrees, factor } = grab.pose;
    const turned = degrees === 0 ? "" : `, turned ${Math.round(degrees)} degrees`;
    const grown = factor === 1 ? "" : `, ${Math.round(100 * factor)} % of its size`;
    this.store.holding.announce(`Held ${this.name()}: target ${spot(grab.pose.position)}${turned}${grown}.`);
  }

  /** The held point of the hold whose target is at a place; the place itself if there is none. */
  private heldPoint(place: Point): Point {
    const hold = this.store.holding.holds.find(({ position }) => distance(position, place) < 2);
    return hold ? hold.at : place;
  }

  private pin(): void {
    const place = this.places[this.index];
    if (!place) return;
    const { holding } = this.store;
    const grab = this.grabs.get(this.index);
    const pinned = grab ? holding.held(grab)?.pinned : holding.at(this.heldPoint(place))?.pinned;
    if (grab) holding.pinHeld(grab);
    else holding.pin(this.heldPoint(place));
    this.grabs.delete(this.index);
    holding.announce(`${pinned ? "Unpinned" : "Pinned"} ${this.name()} at ${spot(place)}.`);
  }

  private drop(): void {
    const grab = this.grabs.get(this.index);
    if (!grab) return;
    const { holding } = this.store;
    const blocks = holding.held(grab)?.blocks ?? 0;
    holding.end(grab);
    this.grabs.delete(this.index);
    holding.announce(`Let go of ${this.name()}${after(blocks)}.`);
  }

  private name(): string {
    return `object ${this.index + 1} of ${this.places.length}`;
  }

  private announce(): void {
    const place = this.places[this.index];
    this.store.holding.announce(
      place
        ? `${this.name()} at ${spot(place)}. Tab: the next, arrow keys pull, Enter pins, Escape lets go.`.replace(/^o/, "O")
        : "No objects were found. Paint one, or press on it.",
    );
  }
}
