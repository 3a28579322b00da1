// One view of the plot: controls, four panels, a legend and a read-out.
import { Alert, setText, textButton } from "../shared/controls";
import { assign, element } from "../shared/dom";
import { Panel } from "./panel";
import { MEASURES } from "./rows";
import { reading } from "./readout";
import type { Store } from "./store";

const NARROW = 560;
const HEIGHT = 150;

export class View {
  private readonly root = element("div", {
    class: "dragstream-panel dragstream-drift", role: "group", "aria-label": "Latent drift",
  });
  private readonly frames: HTMLButtonElement;
  private readonly iterations: HTMLButtonElement;
  private readonly channel = element("select", { "aria-label": "Channel" });
  private readonly drag = element("select", { "aria-label": "Drag" });
  private readonly compare: HTMLButtonElement;
  private readonly panels: readonly Panel[];
  private readonly charts = element("div", {
    class: "ds-charts", tabindex: 0, role: "group", "aria-label": "Statistics of the latents; arrow keys read values",
  });
  private readonly legend = element("div", { class: "ds-legend" });
  private readonly title = element("b");
  private readonly table = element("table", { class: "ds-values" });
  private readonly readout: HTMLElement;
  private readonly empty = element("p", { class: "ds-empty" });
  private readonly alert: Alert;
  private readonly observer: ResizeObserver;
  private readonly stopWatching: () => void;
  private scheduled = 0;
  private width = 0;
  private options = "";

  constructor(
    private readonly store: Store,
    host: HTMLElement,
  ) {
    this.frames = textButton("Latent frames", () => store.setAxis("frames"));
    this.iterations = textButton("Iterations", () => store.setAxis("iterations"));
    this.compare = textButton("Compare without rectification", () => this.toggleComparison());
    this.panels = MEASURES.map((_, measure) => new Panel(store, measure));
    this.charts.append(...this.panels.map((panel) => panel.root));
    this.readout = element("div", { class: "ds-readout", "aria-live": "polite" }, this.title, this.table);
    this.alert = new Alert(() => store.setError(null));
    this.assemble(host);
    this.listen();
    this.stopWatching = store.watch(this.schedule);
    this.observer = new ResizeObserver(this.schedule);
    this.observer.observe(this.root);
  }

  dispose(): void {
    this.stopWatching();
    this.observer.disconnect();
    cancelAnimationFrame(this.scheduled);
    this.root.remove();
  }

  private assemble(host: HTMLElement): void {
    const axes = element("div", { class: "ds-group", role: "group", "aria-label": "Along" }, this.frames, this.iterations);
    const bar = element("div", { class: "ds-bar" }, axes, this.channel, this.drag, this.compare);
    const key = (kind: string, label: string): HTMLElement =>
      element("span", { class: "ds-key", "data-kind": kind }, element("span", { class: "ds-swatch" }), label);
    this.legend.append(
      key("curve", "stream"), key("band", "neighbours, mean ± std"), key("before", "before rectification"),
      key("other", "without rectification"), key("span", "dragged"),
    );
    this.root.append(bar, this.charts, this.empty, this.legend, this.readout, this.alert.root);
    host.append(this.root);
  }

  private listen(): void {
    const { store } = this;
    this.channel.addEventListener("change", () => {
      store.request("channel", { channel: this.channel.value === "" ? null : Number(this.channel.value) });
    });
    this.drag.addEventListener("change", () => {
      store.request("drag", { block: this.drag.value === "" ? null : Number(this.drag.value) });
    });
    this.charts.addEventListener("pointerleave", () => store.point(null));
    this.charts.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.key === "ArrowLeft") store.step(event.shiftKey ? -10 : -1);
      else if (event.key === "ArrowRight") store.step(event.shiftKey ? 10 : 1);
      else if (event.key === "Home") store.step(-Infinity);
      else if (event.key === "End") store.step(Infinity);
      else if (event.key === "Escape") store.point(null);
      else return;
      event.preventDefault();
      event.stopPropagation();
    });
  }

  private toggleComparison(): void {
    const { comparing, compared } = this.store.facts;
    this.store.request(comparing ? "stop" : compared === null ? "compare" : "forget");
  }

  private readonly schedule = (): void => {
    this.scheduled ||= requestAnimationFrame(() => {
      this.scheduled = 0;
      this.update();
    });
  };

  private update(): void {
    const { store } = this;
    const { facts, shown, other } = store;
    // JupyterLab takes cells out of the page and puts them back between two frames, unobserved.
    this.width = this.charts.clientWidth || this.root.clientWidth || this.width;
    const { width } = this;
    const columns = width < NARROW ? 1 : 2;
    this.charts.style.gridTemplateColumns = `repeat(${columns}, minmax(0, 1fr))`;
    assign(this.frames, { "aria-pressed": String(store.axis === "frames") });
    assign(this.iterations, { "aria-pressed": String(store.axis === "iterations") });
    this.updateOptions();
    this.drag.hidden = store.axis !== "iterations" || facts.drags.length === 0;
    const label = facts.comparing ? "Stop comparing" : facts.compared === null ? "Compare without rectification" : "Forget the comparison";
    setText(this.compare.querySelector("span")!, label);
    this.compare.disabled = facts.drags.length === 0;
    this.compare.classList.toggle("ds-busy", facts.comparing);
    this.charts.hidden = shown.count === 0;
    this.empty.hidden = shown.count > 0;
    setText(this.empty, store.axis === "frames" ? "No latent frames yet." : "Nothing was dragged yet: an edit or an animation has iterations.");
    if (shown.count > 0) {
      const room = Math.max(120, Math.floor((width - 10 * (columns - 1)) / columns));
      for (const panel of this.panels) panel.update(room, HEIGHT);
    }
    this.updateLegend(other.count > 0);
    this.showReadout();
    this.alert.show(store.error);
    this.root.classList.toggle("ds-gone", store.heartbeat.gone);
    Object.assign(this.root.dataset, {
      axis: store.axis, rows: String(shown.count), other: String(other.count), running: String(facts.running),
      comparing: String(facts.comparing), cursor: store.cursor === null ? "" : String(store.cursor),
    });
  }

  private updateLegend(other: boolean): void {
    const iterations = this.store.axis === "iterations";
    const there: Readonly<Record<string, boolean>> = {
      curve: true, band: true, before: iterations, other, span: !iterations && this.store.facts.spans.length > 0,
    };
    for (const key of this.legend.querySelectorAll<HTMLElement>(".ds-key")) {
      key.hidden = !there[key.dataset["kind"] ?? ""];
    }
  }

  private updateOptions(): void {
    const { facts } = this.store;
    const options = JSON.stringify([facts.channels, facts.drags]);
    if (options !== this.options) {
      this.options = options;
      const channels = Array.from({ length: facts.channels }, (_, c) => element("option", { value: c }, `channel ${c}`));
      this.channel.replaceChildren(element("option", { value: "" }, "all channels"), ...channels);
      const drags = [...facts.drags].reverse().map(([block, label]) => element("option", { value: block }, label));
      this.drag.replaceChildren(element("option", { value: "" }, "newest drag"), ...drags);
    }
    this.channel.value = facts.channel === null ? "" : String(facts.channel);
    this.drag.value = facts.chosen && facts.drag !== null ? String(facts.drag) : "";
  }

  private showReadout(): void {
    const { store } = this;
    const row = store.cursor === null ? -1 : store.shown.nearest(store.cursor);
    this.readout.classList.toggle("ds-quiet", row < 0);
    if (row < 0) {
      setText(this.title, "Point at a curve, or use the arrow keys, to read values.");
      this.table.replaceChildren();
      return;
    }
    const { title, columns, rows } = reading(store.axis, store.shown, store.other, row);
    setText(this.title, title);
    const head = ["", ...columns].map((name) => element("th", { scope: "col" }, name));
    const lines = rows.map(([symbol, ...values]) =>
      element("tr", {}, element("th", { scope: "row" }, symbol ?? ""), ...values.map((value) => element("td", {}, value))));
    this.table.replaceChildren(element("tr", {}, ...head), ...lines);
  }
}
