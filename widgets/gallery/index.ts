// All cases of a run, films side by side, the worst cases first. Text is only set as text.
import { Films, Screen, type Case } from "../case_films/films";
import { Player } from "../case_films/player";
import { element } from "../shared/dom";

interface Figures {
  readonly objmc: number | null;
  /** ObjMC as a share of that of an object that does not move; null: not measured. */
  readonly share: number | null;
  readonly coverage: number;
}

interface GalleryCase extends Case {
  readonly figures: readonly (Figures | null)[];
}

interface Gallery {
  readonly title: string;
  readonly model: string;
  readonly methods: readonly { readonly name: string; readonly title: string }[];
  readonly sortedBy: string;
  readonly failed: number;
  readonly cases: readonly GalleryCase[];
}

const gallery = JSON.parse(document.getElementById("document")?.textContent ?? "") as Gallery;

/** A case has failed if it was not measured, or too much of the way is left. */
function failed(item: GalleryCase): boolean {
  const share = item.figures[0]?.share ?? null;
  return share === null || share >= gallery.failed;
}

function figuresText(figures: Figures | null): string {
  if (figures === null) return "";
  if (figures.objmc === null) return `not measured (coverage ${Math.round(100 * figures.coverage)} %)`;
  const share = figures.share === null ? "" : ` (${Math.round(100 * figures.share)} % of standing still)`;
  return `${figures.objmc.toFixed(1)} px off${share}`;
}

class Card {
  readonly root: HTMLElement;
  readonly films: Films;
  visible = false;
  private readonly slider: HTMLInputElement;

  constructor(readonly item: GalleryCase, number: number, seek: () => void) {
    const screens = gallery.methods.map(
      (method, i) => new Screen(item, item.films[i] ?? [], method.title, element("span", { class: "quiet figures" }, figuresText(item.figures[i] ?? null))),
    );
    this.films = new Films(item, screens);
    this.slider = element("input", { type: "range", min: 0, max: this.films.length - 1, step: 1, value: 0, "aria-label": `Frame of ${item.name}` });
    this.slider.addEventListener("input", () => {
      seek();
      this.films.show(Number(this.slider.value));
    });
    const share = item.figures[0]?.share ?? null;
    const filled = element("div");
    filled.style.setProperty("width", `${100 * Math.min(1, share ?? 1)}%`);
    const verdict = share === null ? "not measured" : failed(item) ? "failed" : "followed";
    this.root = element(
      "article",
      { class: failed(item) ? "failed" : "followed" },
      element("header", {}, element("span", { class: "number" }, String(number)), element("h2", {}, item.name), element("span", { class: "verdict" }, verdict)),
      element("div", { class: "bar", "aria-hidden": true }, filled),
      this.films.root,
      this.slider,
      element("p", { class: "prompt" }, item.prompt),
      element("p", { class: "chips" }, ...item.tags.map((tag) => element("span", { class: "chip" }, tag))),
    );
  }

  playTo(seconds: number): void {
    this.films.playTo(seconds);
    this.slider.value = String(this.films.frame);
  }
}

const player = new Player((seconds) => {
  for (const card of cards) if (card.visible) card.playTo(seconds);
});
const cards = gallery.cases.map((item, i) => new Card(item, i + 1, () => player.play(false)));
const count = cards.filter((card) => failed(card.item)).length;
const status = element("output", { class: "quiet" });
const grid = element("div", { class: "cards" }, ...cards.map((card) => card.root));

const tags = [...new Set(gallery.cases.flatMap((item) => item.tags))].sort();
const filter = element("select", { "aria-label": "Cases shown" });
const choices: [string, (item: GalleryCase) => boolean][] = [
  ["all cases", () => true],
  ["failures", failed],
  ["followed", (item) => !failed(item)],
  ...tags.map((tag): [string, (item: GalleryCase) => boolean] => [tag, (item) => item.tags.includes(tag)]),
];
filter.append(...choices.map(([name], i) => element("option", { value: i }, name)));
const select = (): void => {
  const keep = choices[Number(filter.value)]?.[1] ?? (() => true);
  let shown = 0;
  for (const card of cards) {
    card.root.hidden = !keep(card.item);
    if (!card.root.hidden) shown += 1;
  }
  status.textContent = `${shown} of ${cards.length} shown`;
};
filter.addEventListener("change", select);

const command = element("input", { type: "checkbox" });
command.checked = true;
command.addEventListener("change", () => grid.classList.toggle("plain", !command.checked));

// Only visible cards play.
const watch = new IntersectionObserver(
  (entries) => {
    for (const entry of entries) {
      const card = cards.find((each) => each.root === entry.target);
      if (card === undefined) continue;
      card.visible = entry.isIntersecting;
      if (card.visible) card.films.show(card.films.frame);
    }
  },
  { rootMargin: "200px" },
);
for (const card of cards) watch.observe(card.root);
window.addEventListener("beforeprint", () => {
  for (const card of cards) card.films.show(card.films.frame);
});

document.getElementById("page")?.replaceChildren(
  element(
    "header",
    { class: "top" },
    element("h1", {}, gallery.title),
    element(
      "p",
      { class: "quiet" },
      `${gallery.model} · ${cards.length} cases, sorted by the error of ${gallery.sortedBy}, worst first · ${count} failed: not measured, or at least ${Math.round(100 * gallery.failed)} % of the error of standing still`,
    ),
    element("div", { class: "controls" }, player.button, filter, element("label", {}, command, " show the command"), status),
    element("p", { class: "quiet" }, "Solid: the handle at rest. Dashed: where it should be in this frame. Dot: where it should end. Dotted white: to be kept. The bar is the error as a share of that of an object that does not move."),
  ),
  grid,
);
select();
