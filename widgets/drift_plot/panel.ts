// One measure: the neighbours' band, the curve, and the curve without rectification.
import { setText } from "../shared/controls";
import { assign, element, svgElement } from "../shared/dom";
import { BLOCK, ITERATIONS, MEASURES, SEGMENT, type Rows } from "./rows";
import { bandPath, decimals, extent, linePath, place, formatNumber, ticks, tickStep, type Domain } from "./scale";
import type { Store } from "./store";

const LEFT = 46;
const RIGHT = 10;
const TOP = 8;
const BOTTOM = 20;
const MOST_DOTS = 80; // beyond which dots would hide the line

/** The horizontal axis, the same in all panels. */
export function across(shown: Rows, other: Rows): Domain {
  const ends = [shown, other].flatMap((rows) => (rows.count ? [rows.x(0), rows.x(rows.count - 1)] : []));
  const found = extent(ends, 0) ?? { low: 0, high: 1 };
  return { low: found.low - 0.5, high: found.high + 0.5 };
}

export class Panel {
  readonly root: HTMLElement;
  private readonly drawing = svgElement("svg", { class: "ds-chart", "aria-hidden": true });
  private readonly value = element("span", { class: "ds-panel-value" });
  private width = 0;
  private height = 0;

  constructor(
    private readonly store: Store,
    private readonly measure: number,
  ) {
    const { name, symbol } = MEASURES[measure]!;
    const label = symbol.length === 1 ? element("i", {}, symbol) : "";
    const title = element("div", { class: "ds-panel-title" }, label, element("span", {}, name), this.value);
    this.root = element("div", { class: "ds-chart-box", "data-measure": name }, title, this.drawing);
    this.drawing.addEventListener("pointermove", (event) => this.point(event));
    this.drawing.addEventListener("pointerdown", (event) => this.point(event));
  }

  update(width: number, height: number): void {
    this.width = width;
    this.height = height;
    const { shown, other } = this.store;
    const x = across(shown, other);
    const y = extent(values(shown, other, this.measure)) ?? { low: -1, high: 1 };
    assign(this.drawing, { width, height, viewBox: `0 0 ${width} ${height}` });
    this.drawing.replaceChildren(
      ...this.spans(x), ...this.grid(x, y), ...this.curves(x, y), ...this.cursor(x, y),
    );
    const row = this.store.cursor === null ? shown.count - 1 : shown.nearest(this.store.cursor);
    setText(this.value, row < 0 ? "" : formatNumber(shown.value(row, this.measure)));
    assign(this.drawing, { "data-points": shown.count, "data-other": other.count });
  }

  private point(event: PointerEvent): void {
    const box = this.drawing.getBoundingClientRect();
    const { shown, other } = this.store;
    const domain = across(shown, other);
    const share = ((event.clientX - box.left) * (this.width / box.width) - LEFT) / (this.width - LEFT - RIGHT);
    const row = shown.nearest(domain.low + share * (domain.high - domain.low));
    if (row >= 0) this.store.point(shown.x(row));
  }

  private left(value: number, x: Domain): number {
    return place(value, x, LEFT, this.width - RIGHT);
  }

  private top(value: number, y: Domain): number {
    return place(value, y, this.height - BOTTOM, TOP);
  }

  /** Dragged blocks as shades, or the boundaries of blocks and segments as lines. */
  private spans(x: Domain): SVGElement[] {
    const { store } = this;
    const height = this.height - TOP - BOTTOM;
    if (store.axis === "iterations") {
      return store.shown.boundaries(BLOCK, SEGMENT).map((at) =>
        svgElement("path", { class: "ds-boundary", d: `M${this.left(at, x)} ${TOP}v${height}` }));
    }
    return store.facts.spans
      .filter(([, last]) => last + 0.5 > x.low)
      .map(([first, last]) => {
        const from = this.left(Math.max(first - 0.5, x.low), x);
        return svgElement("rect", { class: "ds-span", x: from, y: TOP, width: this.left(last + 0.5, x) - from, height });
      });
  }

  private grid(x: Domain, y: Domain): SVGElement[] {
    const nodes: SVGElement[] = [];
    const count = ticks(y, 4).length > 1 ? 4 : 8; // one tick alone gives no scale
    const step = tickStep(y, count);
    for (const value of ticks(y, count)) {
      const at = this.top(value, y);
      nodes.push(svgElement("path", { class: "ds-gridline", d: `M${LEFT} ${at}H${this.width - RIGHT}` }));
      nodes.push(text(LEFT - 6, at + 3.5, "end", value.toFixed(decimals(step)).replace("-", "−")));
    }
    for (const value of ticks(x, Math.max(2, this.width / 70), 1)) {
      nodes.push(text(this.left(value, x), this.height - 5, "middle", String(value)));
    }
    return nodes;
  }

  private curves(x: Domain, y: Domain): SVGElement[] {
    const { shown, other } = this.store;
    const { measure } = this;
    const edges = numbers(shown.count).map((row) => {
      const centre = shown.centre(row, measure);
      const spread = shown.spread(row, measure);
      return [this.left(shown.x(row), x), this.top(centre + spread, y), this.top(centre - spread, y)] as const;
    });
    const centres = numbers(shown.count).map((row) =>
      [this.left(shown.x(row), x), this.top(shown.centre(row, measure), y)] as const);
    const at = (rows: Rows) => (row: number) =>
      [this.left(rows.x(row), x), this.top(rows.value(row, measure), y)] as const;
    const nodes: SVGElement[] = [
      svgElement("path", { class: "ds-band", d: bandPath(edges) }),
      svgElement("path", { class: "ds-centre", d: linePath(centres) }),
      svgElement("path", { class: "ds-other", d: linePath(numbers(other.count).map(at(other))) }),
      svgElement("path", { class: "ds-curve", d: linePath(numbers(shown.count).map(at(shown))) }),
    ];
    if (shown.count <= MOST_DOTS) {
      for (const row of numbers(other.count)) nodes.push(dot("ds-other-dot", at(other)(row), 2.5));
      for (const row of numbers(shown.count)) nodes.push(dot("ds-dot", at(shown)(row), 2.5));
    }
    if (shown.layout === ITERATIONS) {
      for (const row of numbers(shown.count)) {
        const before = shown.before(row, measure);
        if (before !== shown.value(row, measure)) nodes.push(dot("ds-before", [this.left(shown.x(row), x), this.top(before, y)], 3));
      }
    }
    return nodes;
  }

  private cursor(x: Domain, y: Domain): SVGElement[] {
    const { cursor, shown, other } = this.store;
    if (cursor === null) return [];
    const row = shown.nearest(cursor);
    if (row < 0) return [];
    const at = this.left(shown.x(row), x);
    const nodes: SVGElement[] = [
      svgElement("path", { class: "ds-cursor", d: `M${at} ${TOP}V${this.height - BOTTOM}` }),
      dot("ds-dot", [at, this.top(shown.value(row, this.measure), y)], 4),
    ];
    const beside = other.exactly(shown.x(row));
    if (beside >= 0) nodes.push(dot("ds-other-dot", [at, this.top(other.value(beside, this.measure), y)], 4));
    return nodes;
  }
}

function* values(shown: Rows, other: Rows, measure: number): Generator<number> {
  yield* shown.shown(measure);
  for (let row = 0; row < other.count; row++) yield other.value(row, measure);
}

function numbers(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index);
}

function dot(kind: string, [x, y]: readonly [number, number], radius: number): SVGElement {
  if (!Number.isFinite(x) || !Number.isFinite(y)) return svgElement("g", {});
  return svgElement("circle", { class: kind, cx: Math.round(x * 10) / 10, cy: Math.round(y * 10) / 10, r: radius });
}

function text(x: number, y: number, anchor: string, content: string): SVGElement {
  return svgElement("text", { class: "ds-tick", x, y, "text-anchor": anchor }, content);
}
