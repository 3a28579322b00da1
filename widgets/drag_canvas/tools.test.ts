import { beforeEach, describe, expect, it } from "vitest";
import type { Drag } from "../shared/document";
import type { Point } from "../shared/points";
import { pathAt } from "../shared/spline";
import { FakeCanvasModel } from "./fake_model";
import { hit } from "./hit";
import { kindOf } from "./motions";
import { withInserted, withoutWaypoint, type PathMotion } from "./motions/along_path";
import { heldBorder, type DeformationMotion } from "./motions/deformation";
import { armEnd, type RotationMotion } from "./motions/rotation";
import { Store } from "./store";
import type { ToolName } from "./types";
import {
  changeMotion,
  cycleWaypoint,
  deleteWaypoint,
  insertWaypoint,
  nudge,
} from "./motion_tools";
import { dropPoint, finishOutline } from "./outline_tools";
import { begin, beginErasing } from "./tools";

let model: FakeCanvasModel;
let store: Store;

beforeEach(() => {
  model = new FakeCanvasModel();
  store = new Store(model);
});

/** Presses at the first point, goes through the others and releases. */
function stroke(tool: ToolName, points: Point[], keys: { shift?: boolean; alt?: boolean } = {}): void {
  store.setTool(tool);
  const press = (point: Point) => ({ point, shift: keys.shift ?? false, alt: keys.alt ?? false });
  const gesture = begin(store, press(points[0]), 2);
  for (const point of points.slice(1)) gesture?.move(press(point));
  gesture?.end();
}

const drags = () => store.scene.document.drags;
const turned = () => drags()[0] as Drag & { motion: RotationMotion };
const deformed = () => drags()[0] as Drag & { motion: DeformationMotion };
const box = (left = 10, top = 10, right = 21, bottom = 21) => stroke("box", [[left, top], [right, bottom]]);

describe("regions", () => {
  it("stay a shape while they are one stroke and become a mask when joined", () => {
    stroke("brush", [[20, 20], [30, 20]]);
    expect(store.scene.draft?.type).toBe("brush");
    expect(store.selection).toBe("draft");
    stroke("brush", [[20, 40], [30, 40]]);
    expect(store.scene.draft?.type).toBe("mask");
    expect(store.mask(store.scene.draft!).at([25, 40])).toBe(true);
    expect(store.mask(store.scene.draft!).at([25, 20])).toBe(true);
    expect(drags()).toEqual([]);
  });

  it("start over with the box and the lasso, unless Shift adds", () => {
    box();
    stroke("lasso", [[40, 10], [55, 10], [55, 30], [40, 30]]);
    expect(store.mask(store.scene.draft!).at([15, 15])).toBe(false);
    stroke("box", [[5, 35], [12, 45]], { shift: true });
    expect(store.mask(store.scene.draft!).at([50, 20])).toBe(true);
    expect(store.mask(store.scene.draft!).at([8, 40])).toBe(true);
  });

  it("are rubbed out, and with them their drag", () => {
    box();
    stroke("pull", [[15, 15], [30, 15]]);
    stroke("eraser", [[10, 10], [10, 20]]);
    expect(store.mask(drags()[0].region).at([10, 15])).toBe(false);
    expect(store.mask(drags()[0].region).at([20, 15])).toBe(true);
    store.setTool("brush"); // the other end of a pen needs no eraser in hand
    beginErasing(store, { point: [20, 15], shift: false, alt: false }).end();
    expect(store.mask(drags()[0].region).at([20, 15])).toBe(false);
    store.setBrushRadius(30);
    stroke("eraser", [[18, 15], [19, 15]]);
    expect(drags()).toEqual([]);
  });
});

describe("pulling", () => {
  it("needs no other tool: press on what was painted and pull", () => {
    stroke("brush", [[20, 20], [26, 20]]);
    stroke("brush", [[22, 20], [40, 26]]);
    expect(store.scene.draft).toBeNull();
    expect(drags()[0].motion).toEqual({
      type: "translation",
      path: { points: [[22, 20], [40, 26]], smooth: true, ease: "linear", frames: null },
    });
    expect(store.selection).toBe(0);
  });

  it("starts on the region even when pressed beside it", () => {
    box();
    stroke("pull", [[50, 40], [30, 15]]);
    expect((drags()[0].motion as PathMotion).path.points).toEqual([[15, 15], [30, 15]]);
  });

  it("again replaces the motion and keeps its kind", () => {
    box();
    stroke("deform", [[15, 15], [30, 15]]);
    stroke("brush", [[15, 15], [15, 40]]);
    expect(drags()).toHaveLength(1);
    expect(drags()[0].motion.type).toBe("deformation");
    expect((drags()[0].motion as PathMotion).path.points.at(-1)).toEqual([15, 40]);
  });

  it("by less than two pixels is a click that selects", () => {
    box();
    stroke("pull", [[15, 15], [30, 15]]);
    store.select(null);
    stroke("brush", [[15, 15], [16, 15]]);
    expect(store.selection).toBe(0);
    expect((drags()[0].motion as PathMotion).path.points.at(-1)).toEqual([30, 15]);
  });

  it("draws a path that ends where the pointer was released", () => {
    box();
    const drawn = Array.from({ length: 30 }, (_, i): Point => [15 + i, 15 + (i * i) / 40]);
    stroke("path", drawn);
    const { points } = (drags()[0].motion as PathMotion).path;
    expect(points[0]).toEqual([15, 15]);
    expect(points.at(-1)).toEqual([44, 36.03]);
    expect(points.length).toBeGreaterThan(3);
  });

  it("without a region says what to do", () => {
    stroke("pull", [[15, 15], [30, 15]]);
    expect(store.error).toContain("Paint a region first");
  });
});

const click = (tool: ToolName, point: Point) => {
  if (store.tool !== tool) store.setTool(tool);
  begin(store, { point, shift: false, alt: false }, 2)?.end();
};

describe("click by click", () => {
  it("a polygon grows corner by corner and closes on its first one", () => {
    for (const point of [[10, 10], [30, 10], [30, 30], [10, 30]] as Point[]) click("polygon", point);
    expect([store.scene.draft, store.outline?.points.length]).toEqual([null, 4]);
    click("polygon", [11, 10]);
    expect(store.outline).toBeNull();
    expect(store.scene.draft).toEqual({ type: "polygon", points: [[10, 10], [30, 10], [30, 30], [10, 30]] });
    expect(store.mask(store.scene.draft!).area).toBe(400);
  });

  it("corners move until they are let go, and are taken back one by one", () => {
    stroke("polygon", [[10, 10], [12, 14]]);
    expect(store.outline?.points).toEqual([[12, 14]]);
    click("polygon", [40, 10]);
    dropPoint(store);
    expect(store.outline?.points).toEqual([[12, 14]]);
    dropPoint(store);
    expect(store.outline).toBeNull();
  });

  it("a polygon of two corners is none, and another tool drops it", () => {
    click("polygon", [10, 10]);
    click("polygon", [20, 10]);
    finishOutline(store);
    expect([store.outline, store.scene.draft, store.canUndo]).toEqual([null, null, false]);
    click("polygon", [10, 10]);
    store.setTool("brush");
    expect(store.outline).toBeNull();
  });

  it("a path is its waypoints, ended by a double click", () => {
    box();
    for (const point of [[15, 15], [30, 20], [40, 10], [50, 40], [50, 40]] as Point[]) click("path", point);
    expect(store.outline).toBeNull();
    expect((drags()[0].motion as PathMotion).path.points).toEqual([[15, 15], [30, 20], [40, 10], [50, 40]]);
    store.undo();
    expect(store.scene.draft?.type).toBe("box");
  });
});

describe("turning", () => {
  it("counts degrees about the middle of the region, past half a turn", () => {
    box();
    const around = Array.from({ length: 28 }, (_, i): Point => {
      const angle = (i * 10 * Math.PI) / 180;
      return [15 + 5 * Math.cos(angle), 15 + 5 * Math.sin(angle)];
    });
    stroke("rotate", around);
    const motion = drags()[0].motion as RotationMotion;
    expect(motion.center).toEqual([15, 15]);
    expect(motion.degrees).toBeCloseTo(270, 5);
    expect(kindOf(motion).describe(motion)).toBe("Turn 270° ↻");
  });

  it("is changed by its arm and its centre, and snaps with Shift", () => {
    box();
    stroke("rotate", [[20, 15], [15, 20]]);
    const end = armEnd({ store, drag: turned(), look: store.scene.looks[0] });
    expect(hit(store, end, 2)).toEqual({ selection: 0, part: "arm" });
    stroke("select", [end, [10.2, 15.3]], { shift: true });
    expect((drags()[0].motion as RotationMotion).degrees).toBe(180);
    stroke("select", [[15, 15], [18, 18]]);
    expect((drags()[0].motion as RotationMotion).center).toEqual([18, 18]);
    expect(store.scene.looks[0].arm).toEqual([0, 5]);
  });
});

describe("handles", () => {
  it("move the waypoints of the selected drag", () => {
    box();
    stroke("pull", [[15, 15], [30, 15]]);
    stroke("brush", [[30, 15], [30, 40]]);
    expect((drags()[0].motion as PathMotion).path.points).toEqual([[15, 15], [30, 40]]);
  });

  it("of a path that starts elsewhere are drawn on the region", () => {
    model.set("state", {
      version: 1, keep: null,
      drags: [{
        region: { type: "disc", center: [20, 20], radius: 5 },
        motion: { type: "translation", path: { points: [[0, 0], [10, 0]], smooth: true, ease: "linear", frames: null } },
      }],
    });
    store.select(0);
    expect(hit(store, [30, 20], 2)).toEqual({ selection: 0, part: "waypoint", waypoint: 1 });
    stroke("select", [[30, 20], [20, 33]]);
    expect((drags()[0].motion as PathMotion).path.points).toEqual([[0, 0], [0, 13]]);
    stroke("select", [[20, 20], [22, 18]]); // from here on the path lies where it is drawn
    expect((drags()[0].motion as PathMotion).path.points).toEqual([[22, 18], [20, 33]]);
  });

  it("are nudged by keys, in one step of undo", () => {
    box();
    stroke("pull", [[15, 15], [30, 15]]);
    for (let i = 0; i < 5; i++) nudge(store, [1, 0]);
    expect((drags()[0].motion as PathMotion).path.points.at(-1)).toEqual([35, 15]);
    store.undo();
    expect((drags()[0].motion as PathMotion).path.points.at(-1)).toEqual([30, 15]);
    stroke("rotate", [[20, 15], [15, 20]]);
    nudge(store, [0, -1]);
    expect((drags()[0].motion as RotationMotion).degrees).toBe(91);
  });

  it("never make a motion that stands still", () => {
    box();
    stroke("pull", [[15, 15], [18, 15]]);
    for (let i = 0; i < 3; i++) nudge(store, [-1, 0]);
    expect((drags()[0].motion as PathMotion).path.points.at(-1)).toEqual([16, 15]);
  });
});

describe("waypoints", () => {
  const points = () => (drags()[0].motion as PathMotion).path.points;

  beforeEach(() => {
    box();
    stroke("pull", [[15, 15], [45, 15]]);
  });

  it("are made by pulling the handle between two of them", () => {
    expect(hit(store, [30, 15], 4)).toEqual({ selection: 0, part: "between", waypoint: 0 });
    stroke("select", [[30, 15], [30, 30]]);
    expect(points()).toEqual([[15, 15], [30, 30], [45, 15]]);
    expect(store.waypoint).toBe(1);
    stroke("select", [[30, 30], [32, 34]]);
    expect(points()).toEqual([[15, 15], [32, 34], [45, 15]]);
  });

  it("start where the region is held: a handle while Select is in hand", () => {
    stroke("select", [[15, 15], [12, 18]]);
    expect([points(), store.waypoint]).toEqual([[[12, 18], [45, 15]], 0]);
    stroke("select", [[12, 18], [11, 19], [5, 40]]); // beside the region it stays behind
    expect(points()).toEqual([[11, 19], [45, 15]]);
    nudge(store, [-1, 0]);
    nudge(store, [-1, 0]);
    expect(points()[0]).toEqual([10, 19]); // no farther than the region
    insertWaypoint(store);
    expect([points().length, store.waypoint]).toEqual([3, 1]);
    store.undo();
    stroke("pull", [[10, 19], [10, 40]]); // any other tool pulls anew
    expect(points()).toEqual([[10, 19], [10, 40]]);
  });

  it("go with Alt or Delete, all but the start and the last one left", () => {
    stroke("select", [[30, 15], [30, 30]]);
    expect(deleteWaypoint(store, 0)).toBe(false);
    stroke("select", [[30, 30], [30, 30]], { alt: true });
    expect(points()).toEqual([[15, 15], [45, 15]]);
    expect(deleteWaypoint(store, 1)).toBe(false);
    store.undo();
    store.select(0);
    store.setWaypoint(2);
    expect(deleteWaypoint(store)).toBe(true);
    expect(points()).toEqual([[15, 15], [30, 30]]);
  });

  it("are put, chosen and moved by keys", () => {
    store.select(0);
    insertWaypoint(store);
    expect([points(), store.waypoint]).toEqual([[[15, 15], [30, 15], [45, 15]], 1]);
    nudge(store, [0, 8]);
    expect(points()[1]).toEqual([30, 23]);
    cycleWaypoint(store, 1);
    expect(store.waypoint).toBe(2);
    cycleWaypoint(store, 1);
    expect(store.waypoint).toBe(0); // the start, too
    cycleWaypoint(store, -1);
    expect(store.waypoint).toBe(2);
  });

  it("keep their pins", () => {
    const { motion } = drags()[0];
    const pinned = { ...motion, path: { ...(motion as PathMotion).path, frames: [0, 6] } } as PathMotion;
    const more = withInserted(pinned, 0, [20, 40]);
    expect(more.path.frames).toEqual([0, 3, 6]);
    expect(withoutWaypoint(more, 1)?.path.frames).toEqual([0, 6]);
    expect(withoutWaypoint(more, 2)?.path.frames).toEqual([0, 3]);
  });

  it("are reached in another time with another ease", () => {
    changeMotion(store, 0, kindOf(drags()[0].motion).withEase(drags()[0].motion, "ease_in"));
    expect(pathAt((drags()[0].motion as PathMotion).path, 0.5)).toEqual([22.5, 15]);
  });
});

describe("what a deformation holds", () => {
  it("is bounded by a border whose grip is pulled", () => {
    box(10, 10, 20, 20);
    stroke("deform", [[15, 15], [35, 15]]);
    const border = heldBorder(store, deformed())!;
    expect(border.grip[0]).toBeCloseTo(19.5 - 10 / 3, 9);
    expect(border.grip[1]).toBe(6); // beside the region
    expect(hit(store, border.grip, 2)?.part).toBe("edge");
    stroke("select", [border.grip, [14.5, 12]]);
    expect(deformed().motion.edge).toBe(0.5);
    expect(store.handle(drags()[0]).area).toBe(50);
  });
});

describe("what is muted", () => {
  it("is out of reach until it is selected in the list", () => {
    box();
    stroke("pull", [[15, 15], [45, 15]]);
    store.mute(0);
    store.select(null);
    expect(hit(store, [15, 15], 2)).toBeNull();
    store.select(0);
    expect(hit(store, [15, 15], 2)?.part).toBe("region");
  });
});

describe("keep", () => {
  it("is painted, erased with Alt, and never holds what is dragged", () => {
    box();
    stroke("pull", [[15, 15], [30, 15]]);
    store.setBrushRadius(6);
    stroke("keep", [[22, 15], [22, 30]]);
    const keep = store.mask(store.scene.document.keep!);
    expect(keep.overlaps(store.mask(drags()[0].region))).toBe(false);
    expect(keep.at([24, 28])).toBe(true);
    stroke("keep", [[24, 28], [24, 28.5]], { alt: true });
    expect(store.mask(store.scene.document.keep!).at([24, 28])).toBe(false);
    store.setBrushRadius(4);
    const { region } = drags()[0];
    stroke("eraser", [[40, 20], [22, 17]]); // reaches the keep region on its way
    expect(store.mask(store.scene.document.keep!).at([22, 17])).toBe(false);
    expect(drags()[0].region).toBe(region);
    store.setBrushRadius(60);
    stroke("eraser", [[17, 25], [17, 25]]);
    expect(store.scene.document.keep).toBeNull();
  });
});
