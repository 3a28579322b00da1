// The branches: a lane each, with buttons to rename, compare and remove.
import { iconButton, setText } from "../shared/controls";
import { assign, element, svgElement } from "../shared/dom";
import { ICONS } from "./icons";
import { along, lanePath, lanes, type Lane } from "./lanes";
import { NameField } from "./naming";
import type { Store } from "./store";

const ROW = 30;
const MARGIN = 8;

interface Row {
  readonly root: HTMLElement;
  readonly button: HTMLButtonElement;
  readonly name: HTMLElement;
  readonly count: HTMLElement;
  readonly field: NameField;
  readonly rename: HTMLButtonElement;
  readonly compare: HTMLButtonElement;
  readonly remove: HTMLButtonElement;
  branch: string;
}

export class Tree {
  readonly root: HTMLElement;
  private readonly list = element("ul", { class: "ds-branches", "aria-label": "Branches" });
  private readonly drawing = svgElement("svg", { class: "ds-lanes", "aria-hidden": true });
  private readonly rows: Row[] = [];
  private readonly observer: ResizeObserver;
  private drawn = "";

  constructor(private readonly store: Store) {
    this.root = element("div", { class: "ds-tree" }, this.drawing, this.list);
    this.observer = new ResizeObserver(() => this.draw());
    this.observer.observe(this.root);
  }

  dispose(): void {
    this.observer.disconnect();
  }

  update(): void {
    const { session, compared } = this.store;
    const { branches, branch } = session.state;
    const found = lanes(branches);
    while (this.rows.length > found.length) {
      const row = this.rows.pop()!;
      row.field.close(false);
      row.root.remove();
    }
    found.forEach((lane, index) => {
      const row = (this.rows[index] ??= this.row());
      const { name } = lane.branch;
      const current = name === branch;
      if (row.branch !== name) row.field.close(false); // this row now shows another branch
      row.branch = name;
      setText(row.name, name);
      const blocks = `${lane.branch.blocks} block${lane.branch.blocks === 1 ? "" : "s"}`;
      const origin = lane.branch.parent === null ? "" : `, forked from ${lane.branch.parent} after ${lane.start}`;
      setText(row.count, blocks);
      assign(row.button, { "aria-current": current ? "true" : null, title: `${name}: ${blocks}${origin}` });
      assign(row.root, { "data-branch": name, "data-current": current });
      row.compare.hidden = row.remove.hidden = current;
      row.rename.hidden = !current;
      assign(row.rename, { "aria-label": `Rename ${name}`, "data-tip": "Rename  F2" });
      assign(row.compare, {
        "aria-pressed": String(name === compared),
        "aria-label": `Compare with ${name}`, "data-tip": "Compare",
      });
      assign(row.remove, { "aria-label": `Remove ${name}`, "data-tip": "Remove" });
    });
    this.draw();
  }

  private row(): Row {
    const { store } = this;
    const name = element("span", { class: "ds-branch-name" });
    const count = element("span", { class: "ds-branch-count" });
    const button = element("button", { type: "button", class: "ds-branch", "aria-keyshortcuts": "F2" }, name, count);
    const field = new NameField(button, (branch, to) => store.request("rename", { name: branch, to }));
    const edit = (): void => field.edit(row.branch);
    const rename = iconButton("Rename", ICONS.rename, edit);
    const compare = iconButton("Compare", ICONS.compare, () => {
      store.request("compare", { name: row.branch === store.compared ? null : row.branch });
    });
    const remove = iconButton("Remove", ICONS.remove, () => store.askRemove(row.branch));
    button.addEventListener("click", () => {
      if (row.branch !== store.session.state.branch) store.request("switch", { name: row.branch });
    });
    button.addEventListener("dblclick", edit);
    button.addEventListener("keydown", (event) => {
      if (event.key !== "F2") return;
      event.preventDefault();
      event.stopPropagation();
      edit();
    });
    const space = element("span", { class: "ds-lane-space" });
    const actions = element("span", { class: "ds-row-actions" }, rename, compare, remove);
    const root = element("li", {}, button, field.root, space, actions);
    const row: Row = { root, button, name, count, field, rename, compare, remove, branch: "" };
    this.list.append(root);
    return row;
  }

  private draw(): void {
    const { session, frame, compared } = this.store;
    const { branches, branch } = session.state;
    const space = this.list.querySelector<HTMLElement>(".ds-lane-space");
    const width = Math.round(space?.clientWidth ?? 0);
    if (!space || width === 0) return;
    const found = lanes(branches);
    const longest = Math.max(1, ...branches.map((item) => item.blocks));
    const at = session.passed(frame);
    const key = JSON.stringify([width, branches, branch, compared, at.toFixed(2)]);
    if (key === this.drawn) return;
    this.drawn = key;
    this.drawing.style.left = `${space.offsetLeft}px`;
    assign(this.drawing, { width, height: ROW * found.length, viewBox: `0 0 ${width} ${ROW * found.length}` });
    const x = (blocks: number): number => Math.round(along(blocks, longest, width, MARGIN));
    const y = (row: number): number => ROW * row + ROW / 2;
    const nodes: SVGElement[] = [];
    const order = [...found].sort((a, b) => Number(a.branch.name === branch) - Number(b.branch.name === branch));
    for (const lane of order) nodes.push(...this.lane(lane, x, y, lane.branch.name === branch, lane.branch.name === compared));
    const current = found.find((lane) => lane.branch.name === branch);
    if (current && session.count > 0) {
      nodes.push(...this.history(found, current, x, y));
      const row = this.rowOf(found, current, at);
      nodes.push(svgElement("circle", { class: "ds-playhead", cx: x(at), cy: y(row), r: 5 }));
    }
    this.drawing.replaceChildren(...nodes);
  }

  private lane(lane: Lane, x: (blocks: number) => number, y: (row: number) => number, current: boolean, compared: boolean): SVGElement[] {
    const parent = lane.parentRow === null ? null : y(lane.parentRow);
    const state = current ? "current" : compared ? "compared" : "other";
    const path = svgElement("path", { class: "ds-lane", "data-state": state, d: lanePath(x(lane.start), x(lane.end), y(lane.row), parent) });
    const tip = svgElement("circle", { class: "ds-tip", "data-state": state, cx: Math.max(x(lane.end), x(lane.start) + (parent === null ? 0 : 10)), cy: y(lane.row), r: 3.5 });
    return [path, tip];
  }

  /** The line of the current branch along the lanes of its ancestors. */
  private history(found: readonly Lane[], current: Lane, x: (blocks: number) => number, y: (row: number) => number): SVGElement[] {
    const pieces: SVGElement[] = [];
    let lane = current;
    while (lane.parentRow !== null) {
      const parent = found[lane.parentRow]!;
      const from = parent.parentRow === null ? 0 : Math.min(parent.start, lane.start);
      const d = `M${x(from)} ${y(parent.row)}H${x(lane.start)}`;
      pieces.push(svgElement("path", { class: "ds-lane", "data-state": "current", d }));
      lane = parent;
    }
    return pieces;
  }

  /** The lane on which the current branch has a block. */
  private rowOf(found: readonly Lane[], current: Lane, at: number): number {
    let lane = current;
    while (lane.parentRow !== null && at <= lane.start) lane = found[lane.parentRow]!;
    return lane.row;
  }
}
