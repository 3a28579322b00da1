// Drift over latent frames: a line for each branch, whose points show their values.
import { PALETTE } from "../shared/document";
import { element, svgElement } from "../shared/dom";
import { decimals, extent, linePath, place, formatNumber, ticks, tickStep } from "../drift_plot/scale";
import type { Point } from "../shared/points";
import type { Stream } from "./document";

const [WIDTH, HEIGHT, LEFT, BOTTOM, TOP] = [720, 200, 48, 28, 8] as const;

/** The chart; `chosen` is called with a video frame when a point is clicked. */
export function driftChart(streams: readonly Stream[], chosen: (frame: number) => void): HTMLElement {
  const rows = streams.map((stream) =>
    stream.blocks.flatMap((block) =>
      block.drift.map((drift, i) => ({ block, drift, latentFrame: block.latentFrames[i] ?? 0 })),
    ),
  );
  const values = rows.flat().flatMap(({ drift }) => drift ?? []);
  const readout = element("output", { class: "readout" }, "Point at the chart to read a value.");
  const title = element("h2", {}, "Latent drift");
  const vertical = extent([0, ...values]);
  if (values.length === 0 || vertical === null) {
    return element("section", {}, title, element("p", {}, "The first block has no drift yet."));
  }
  const low = { ...vertical, low: 0 };
  const across = { low: -0.5, high: Math.max(...rows.flat().map((row) => row.latentFrame)) + 0.5 };
  const x = (frame: number): number => place(frame, across, LEFT, WIDTH - 8);
  const y = (value: number): number => place(value, low, HEIGHT - BOTTOM, TOP);
  const svg = svgElement("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "group", "aria-label": "Drift of each latent frame" });
  for (const block of new Set(streams.flatMap((stream) => stream.blocks.filter((block) => block.drags.length > 0)))) {
    const first = block.latentFrames[0] ?? 0;
    const width = x(first + block.latentFrames.length) - x(first);
    svg.append(svgElement("rect", { class: "dragged", x: x(first - 0.5), y: TOP, width, height: HEIGHT - BOTTOM - TOP }));
  }
  const step = decimals(tickStep(low, 4));
  for (const tick of ticks(low, 4)) {
    svg.append(svgElement("line", { class: "grid", x1: LEFT, x2: WIDTH - 8, y1: y(tick), y2: y(tick) }));
    svg.append(svgElement("text", { x: LEFT - 6, y: y(tick) + 4, "text-anchor": "end" }, tick.toFixed(step)));
  }
  for (const tick of ticks(across, 10, 1)) {
    svg.append(svgElement("text", { x: x(tick), y: HEIGHT - 10, "text-anchor": "middle" }, String(tick)));
  }
  rows.forEach((line, number) => {
    const colour = PALETTE[number % PALETTE.length] ?? "";
    const points = line.map(({ latentFrame, drift }): Point => [x(latentFrame), y(drift ?? NaN)]);
    svg.append(svgElement("path", { class: "line", d: linePath(points), stroke: colour }));
    for (const { block, drift, latentFrame } of line) {
      if (drift === null) continue;
      const label = `${streams[number]?.branch.name ?? ""}, block ${block.index}, latent frame ${latentFrame}: drift ${formatNumber(drift)}`;
      const dot = svgElement("circle", { cx: x(latentFrame), cy: y(drift), r: 4, fill: colour, tabindex: 0, role: "button", "aria-label": label });
      const showLabel = (): void => void (readout.textContent = label);
      const choose = (): void => chosen(block.firstFrame + block.frames.length - 1);
      dot.addEventListener("pointerenter", showLabel);
      dot.addEventListener("focus", showLabel);
      dot.addEventListener("click", choose);
      dot.addEventListener("keydown", (event) => {
        if (event.key === "Enter") choose();
      });
      svg.append(dot);
    }
  });
  const legend = streams.map((stream, number) => {
    const swatch = element("span", { class: "swatch" });
    swatch.style.setProperty("background", PALETTE[number % PALETTE.length] ?? "");
    return element("span", {}, swatch, stream.branch.name);
  });
  const hint = "Distance of each latent frame’s mean and deviation from those before its block; dragged blocks are shaded.";
  return element("section", { class: "chart" }, title, element("p", {}, hint), svg, element("p", { class: "legend" }, ...legend), readout);
}
