// The blocks of one branch: a list to choose from, and the details of the chosen one.
import { element } from "../shared/dom";
import { formatNumber } from "../drift_plot/scale";
import { describe, type Block, type Stream } from "./document";

export class Blocks {
  readonly root: HTMLElement;
  private readonly buttons: ReadonlyMap<Block, HTMLButtonElement>;
  private readonly details = element("div", { class: "details", role: "status" });
  private shown: Block | undefined;

  constructor(private readonly stream: Stream, chosen: (frame: number) => void) {
    this.buttons = new Map(
      stream.blocks.map((block) => {
        const thumbnail = element("img", { src: stream.picture(block.firstFrame + block.frames.length - 1), alt: "" });
        const button = element("button", { type: "button", class: block.mode }, thumbnail, element("span", {}, `${block.index} ${describe(block)}`));
        button.addEventListener("click", () => chosen(block.firstFrame));
        return [block, button];
      }),
    );
    const list = element("ol", { class: "blocks" }, ...[...this.buttons.values()].map((button) => element("li", {}, button)));
    const code = stream.branch.code === null
      ? element("p", {}, "There is no code for this stream: its model or a motion is not part of the package.")
      : element("details", { class: "code" }, element("summary", {}, "Python code that repeats it"), element("pre", { tabindex: 0 }, stream.branch.code));
    this.root = element("section", {}, element("h2", {}, `Blocks of ${stream.branch.name}`), list, this.details, code);
  }

  show(frame: number): void {
    const block = this.stream.blockAt(frame);
    if (block === this.shown || block === undefined) return;
    this.shown = block;
    for (const [other, button] of this.buttons) button.setAttribute("aria-current", String(other === block));
    const drift = block.drift.map((value) => (value === null ? "–" : formatNumber(value))).join(", ");
    const facts: [string, string][] = [
      ["Prompt", block.prompt],
      ["Made", `${describe(block)}, in ${block.seconds} s`],
      ["Drift", drift],
    ];
    if (block.losses.length > 0) facts.push(["Loss", block.losses.map((value) => (value === null ? "–" : formatNumber(value))).join(" → ")]);
    for (const [name, value] of block.settings) facts.push([name, value]);
    this.details.replaceChildren(
      element("h3", {}, `Block ${block.index}`),
      element("dl", {}, ...facts.flatMap(([name, value]) => [element("dt", {}, name), element("dd", {}, value)])),
    );
  }
}
