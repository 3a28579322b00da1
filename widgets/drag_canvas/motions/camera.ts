// Camera: the whole frame pans, zooms and rolls. Drawn as the outline of the final frame in the scene.
import { apply, bearing, chained, inverse, rotation, scaling, translation, unwrap, type Affine } from "../../shared/affine";
import type { Motion } from "../../shared/document";
import { element } from "../../shared/dom";
import { Mask, type Size } from "../../shared/mask";
import { add, clamp, distance, subtract, tidy, tidyPoint, type Point } from "../../shared/points";
import { progress } from "../../shared/spline";
import { colourOf, RIM, type Ink } from "../ink";
import { numberField, numberRow } from "./fields";
import type { Change, InspectorRow, MotionKind, Shown, Start } from "./kind";
import { wayInWords } from "./along_path";
import { motionGesture } from "./motion_gesture";

export interface CameraMotion extends Motion {
  readonly type: "camera";
  /** Of the view, in pixels of the final size. */
  readonly pan: Point;
  readonly zoom: number;
  /** Degrees, clockwise. */
  readonly roll: number;
  readonly center: Point;
  readonly ease: string;
  readonly frames: number | null;
}

const TAP_PIXELS = 1; // a shorter pull is a click
const MOST_ZOOM = 100;
const NOTCH = 1.05; // zoom of the wheel
const NOTCH_DEGREES = 2;
const KEY_ZOOM = 1.02;
const SNAP_DEGREES = 15;
const SNAP_ZOOM = 0.25;
const KNOB = 0.3; // of the frame's height, from the middle to the handle that rolls
const INSET = 0.14; // of the frame, from its corners to the small arrows
const SHADE = "rgba(0, 0, 0, 0.38)";

const still = (size: Size): CameraMotion => ({
  type: "camera", pan: [0, 0], zoom: 1, roll: 0,
  center: [(size.width - 1) / 2, (size.height - 1) / 2], ease: "linear", frames: null,
});

const moves = ({ pan, zoom, roll }: CameraMotion): boolean => pan[0] !== 0 || pan[1] !== 0 || zoom !== 1 || roll !== 0;
const zoomed = (zoom: number): number => clamp(Math.round(1000 * zoom) / 1000, 1 / MOST_ZOOM, MOST_ZOOM);

/** The map of the scene: zoom, then roll, then pan, as in Python. */
export function mapAt({ pan, zoom, roll, center, ease }: CameraMotion, fraction: number): Affine {
  const share = progress(clamp(fraction, 0, 1), [0, 1], null, ease);
  const scale = scaling(center, zoom ** share);
  return chained(chained(scale, rotation(center, -roll * share)), translation(-pan[0] * share, -pan[1] * share));
}

/** The place in the scene of the middle of the frame. */
const viewed = (motion: CameraMotion): Point => apply(inverse(mapAt(motion, 1)), motion.center);

/** The same camera with the middle of the frame over a place of the scene. */
function over(motion: CameraMotion, place: Point): CameraMotion {
  const turned = apply(rotation([0, 0], -motion.roll), subtract(place, motion.center));
  return { ...motion, pan: tidyPoint([turned[0] * motion.zoom, turned[1] * motion.zoom]) };
}

const withZoom = (motion: CameraMotion, zoom: number): CameraMotion => over({ ...motion, zoom: zoomed(zoom) }, viewed(motion));
const withRoll = (motion: CameraMotion, roll: number): CameraMotion => over({ ...motion, roll: tidy(roll) }, viewed(motion));

/** Applies a step, twice if the camera would stand still, which Python refuses. */
function stepped(motion: CameraMotion, step: (motion: CameraMotion) => CameraMotion): CameraMotion {
  const next = step(motion);
  return moves(next) ? next : step(next);
}

/** The corners of the final frame in the scene, clockwise from the upper left. */
export function outlineOf(motion: CameraMotion, { width, height }: Size): Point[] {
  const back = inverse(mapAt(motion, 1));
  const [right, bottom] = [width - 0.5, height - 0.5];
  const corners: Point[] = [[-0.5, -0.5], [right, -0.5], [right, bottom], [-0.5, bottom]];
  return corners.map((corner) => apply(back, corner));
}

function knobOf(motion: CameraMotion, size: Size): Point {
  const length = KNOB * size.height * Math.min(1, 1.3 / motion.zoom);
  return add(viewed(motion), apply(rotation([0, 0], motion.roll), [0, -length]));
}

function begin(start: Start) {
  const { store, press } = start;
  const old = start.old?.type === "camera" ? (start.old as CameraMotion) : still(store.size);
  const place = viewed(old);
  return motionGesture(start, ({ point, beyond, shift }) => {
    let way = subtract(beyond ?? point, press.point);
    if (Math.hypot(...way) < TAP_PIXELS) return null;
    if (shift) way = Math.abs(way[0]) > Math.abs(way[1]) ? [way[0], 0] : [0, way[1]];
    const motion = over(old, add(place, way));
    return moves(motion) ? { motion, arm: null } : null;
  });
}

function draw(ink: Ink, { store, drag: { motion }, look, selected }: Shown<CameraMotion>): void {
  const { context } = ink;
  const colour = colourOf(look);
  const outline = outlineOf(motion, store.size);
  const lies = ink.trace(outline, true);
  if (selected) {
    const beside = new Path2D();
    const ratio = context.getTransform().a;
    beside.rect(0, 0, context.canvas.width / ratio, context.canvas.height / ratio);
    beside.addPath(lies);
    context.fillStyle = SHADE;
    context.fill(beside, "evenodd");
  }
  ink.dashed(selected ? [] : [7, 5], () => ink.line(lies, colour, selected ? 2.25 : 1.75));
  const [middle, place] = [motion.center, viewed(motion)];
  const far = distance(middle, place) > 2 * ink.reach;
  if (motion.zoom !== 1 || motion.roll !== 0) corners(ink, motion, store.size, colour);
  if (far) {
    ink.line(ink.trace([middle, place]), colour, selected ? 3 : 2.25);
    for (let frame = 1; frame < store.latentFrames; frame++) {
      ink.dot(apply(inverse(mapAt(motion, frame / store.latentFrames)), middle), 3, "#fff", RIM);
    }
    ink.head([middle, place], 13, colour, false);
  }
  if (!selected) return;
  const knob = knobOf(motion, store.size);
  ink.dashed([3, 4], () => ink.line(ink.trace([place, knob]), colour, 1.25));
  ink.dot(knob, 6.5, "#fff", colour);
  for (const corner of outline) ink.grip(corner, colour);
  if (!far) ink.dot(place, 6, "#fff", colour);
  ink.label(inShort(motion), knob, place);
}

/** Small arrows at the corners of the frame that leave the view. */
function corners(ink: Ink, motion: CameraMotion, { width, height }: Size, colour: string): void {
  const back = inverse(mapAt({ ...motion, pan: [0, 0] }, 1));
  const longest = 0.11 * Math.min(width, height);
  const insets = [[INSET, INSET], [1 - INSET, INSET], [1 - INSET, 1 - INSET], [INSET, 1 - INSET]];
  for (const [i, [x, y]] of outlineOf(motion, { width, height }).entries()) {
    if (x > -1 && y > -1 && x < width && y < height) continue;
    const [u, v] = insets[i];
    const from: Point = [u * width - 0.5, v * height - 0.5];
    const way = subtract(apply(back, from), from);
    const length = Math.hypot(...way);
    if (length === 0) continue;
    const share = Math.min(1, longest / length);
    const to = add(from, [way[0] * share, way[1] * share]);
    ink.line(ink.trace([from, to]), colour, 1.75);
    ink.head([from, to], 8, colour, false);
  }
}

function inShort({ pan, zoom, roll }: CameraMotion): string {
  const parts = [];
  if (pan[0] !== 0 || pan[1] !== 0) parts.push(`${Math.round(pan[0])}, ${Math.round(pan[1])} px`);
  if (zoom !== 1) parts.push(`×${tidy(zoom)}`);
  if (roll !== 0) parts.push(`${Math.round(10 * roll) / 10}°`);
  return parts.join("  ");
}

function panRow(change: Change<CameraMotion>): InspectorRow<CameraMotion> {
  const fields = [0, 1].map((axis) =>
    numberField(axis === 0 ? "Pan to the right, in pixels" : "Pan down, in pixels", 1, (value) =>
      change((motion) => ({ ...motion, pan: axis === 0 ? [value, motion.pan[1]] : [motion.pan[0], value] })),
    ),
  );
  return {
    name: "Pan x, y",
    control: element("span", { class: "ds-pair" }, ...fields.map(({ input }) => input)),
    show: ({ pan }) => {
      fields.forEach((field, axis) => field.show(Math.round(10 * pan[axis]) / 10));
      return true;
    },
  };
}

/** The camera after a key; null for other keys. */
function afterKey(motion: CameraMotion | null, key: string, far: boolean, size: Size): CameraMotion | null {
  const [step, degrees] = far ? [8, 5] : [1, 1];
  const ways: Readonly<Record<string, Point>> = {
    ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step],
  };
  const old = motion ?? still(size);
  const way = ways[key];
  if (way) return stepped(old, (now) => ({ ...now, pan: add(now.pan, way) }));
  if (key === "+" || key === "=") return stepped(old, (now) => withZoom(now, now.zoom * KEY_ZOOM));
  if (key === "-" || key === "_") return stepped(old, (now) => withZoom(now, now.zoom / KEY_ZOOM));
  if (key === "." || key === ">") return stepped(old, (now) => withRoll(now, now.roll + degrees));
  if (key === "," || key === "<") return stepped(old, (now) => withRoll(now, now.roll - degrees));
  return null;
}

export const cameraKind: MotionKind<CameraMotion> = {
  type: "camera",
  wholeFrame: true,
  tools: [
    {
      name: "camera", label: "Camera", key: "a",
      hint: "Drag to pan, turn the wheel to zoom, with Shift to roll. Arrows, + and -, comma and full stop do it, too.",
      icon: ["M3.5 7 H6.8 L8 5 H12 L13.2 7 H16.5 V15.5 H3.5 Z", "M10 8.6 A2.6 2.6 0 1 1 9.98 8.6"],
    },
  ],
  toolOf: () => "camera",
  describe: (motion) => {
    const { pan, zoom, roll } = motion;
    const parts = pan[0] === 0 && pan[1] === 0 ? [] : [wayInWords(pan)];
    if (zoom !== 1) parts.push(`×${tidy(zoom)}`);
    if (roll !== 0) parts.push(`${Math.abs(Math.round(roll))}° ${roll < 0 ? "↺" : "↻"}`);
    return `Camera ${parts.join(", ")}`;
  },
  sentence: ({ pan, zoom, roll }) =>
    `The camera pans ${Math.round(pan[0])}, ${Math.round(pan[1])} pixels, zooms to ${Math.round(100 * zoom)} % and rolls ${Math.round(10 * roll) / 10} degrees.`,
  at: mapAt,
  moves,
  ease: (motion) => motion.ease,
  withEase: (motion, ease) => ({ ...motion, ease }),
  waypoints: () => 1,
  held: (mask) => new Mask(mask.width, mask.height), // objects and the kept region lie on top
  begin,
  handleAt: ({ store, drag: { motion } }, index, point, reach) => {
    if (store.tool !== "camera" && store.tool !== "select") return null;
    const handle = (part: string, place: Point) => (distance(point, place) <= reach ? { selection: index, part } : null);
    const found = [handle("roll", knobOf(motion, store.size)), handle("view", viewed(motion))];
    return [...found, ...outlineOf(motion, store.size).map((corner) => handle("zoom", corner))].find((each) => each) ?? null;
  },
  line: (store, { motion }) => {
    const outline = outlineOf(motion, store.size);
    return [...outline, outline[0]];
  },
  pulled: ({ store, drag: { motion } }, handle, { point, beyond, shift }, last) => {
    const [place, at] = [viewed(motion), beyond ?? point];
    if (handle.part === "view") return over(motion, at);
    if (handle.part === "roll") {
      const roll = unwrap(bearing(place, at) + 90, last.roll);
      return withRoll(motion, shift ? SNAP_DEGREES * Math.round(roll / SNAP_DEGREES) : roll);
    }
    const { width, height } = store.size;
    const zoom = Math.hypot(width, height) / 2 / Math.max(1, distance(place, at));
    return withZoom(motion, shift ? Math.max(SNAP_ZOOM, SNAP_ZOOM * Math.round(zoom / SNAP_ZOOM)) : zoom);
  },
  arm: ({ look }) => look.arm,
  nudged: (_, { motion }, step) => stepped(motion, (now) => ({ ...now, pan: add(now.pan, step) })),
  draw,
  preview: (picture) => () => ({ ...picture, left: 0, top: 0 }), // the preview moves all by the camera
  rows: (change) => [
    panRow(change),
    numberRow("Zoom", "Zoom, a factor", 0.05, ({ zoom }) => zoom, (zoom) => {
      if (zoom > 0) change((motion) => withZoom(motion, zoom));
    }),
    numberRow("Roll", "Roll, degrees clockwise", 1, ({ roll }) => roll, (roll) => change((motion) => withRoll(motion, roll))),
  ],
  wheel: (motion, mask, notches, shift) =>
    stepped(motion ?? still(mask), (now) => (shift ? withRoll(now, now.roll + NOTCH_DEGREES * notches) : withZoom(now, now.zoom * NOTCH ** notches))),
  afterKey,
};
