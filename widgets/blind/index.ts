// Two films of a case without their names: the better one is chosen by key, and the choices are saved as JSON.
import { Films, Screen, type Case } from "../case_films/films";
import { Player } from "../case_films/player";
import { element } from "../shared/dom";
import { decide, shuffled, type Choice, type Side } from "./choices";

interface Comparison {
  readonly title: string;
  readonly format: number;
  readonly sides: readonly [first: string, second: string];
  readonly cases: readonly Case[];
}

const comparison = JSON.parse(document.getElementById("document")?.textContent ?? "") as Comparison;
const draw = (below: number): number => (crypto.getRandomValues(new Uint32Array(1))[0] ?? 0) % below;
const turns = shuffled(comparison.cases.length, draw);
const choices: Choice[] = [];
let films: Films | null = null;
let began = performance.now();
let saved = 0;

const stage = element("section", { class: "stage", "aria-live": "polite" });
const progress = element("progress", { max: turns.length, value: 0, "aria-label": "Cases decided" });
const status = element("output", { class: "quiet" });

function button(label: string, key: string, action: () => void): HTMLButtonElement {
  const made = element("button", { type: "button" }, label, " ", element("kbd", {}, key));
  made.addEventListener("click", action);
  return made;
}

function choose(side: Side | null): void {
  const turn = turns[choices.length];
  const item = turn && comparison.cases[turn.item];
  if (turn === undefined || item === undefined) return;
  choices.push(decide(item.name, turn, side, (performance.now() - began) / 1000));
  show();
}

function undo(): void {
  if (choices.pop() !== undefined) show();
}

function save(): void {
  const text = JSON.stringify({ format: comparison.format, sides: comparison.sides, choices }, null, 1);
  const link = element("a", { download: "choices.json", href: URL.createObjectURL(new Blob([text], { type: "application/json" })) });
  link.click();
  URL.revokeObjectURL(link.href);
  saved = choices.length;
  showProgress();
}

function showProgress(): void {
  const unsaved = choices.length > saved ? `, ${choices.length - saved} not saved yet` : "";
  status.textContent = `${choices.length} of ${turns.length} decided${unsaved}`;
  progress.value = choices.length;
}

const buttons = {
  left: button("Left is better", "←", () => choose("left")),
  same: button("No difference", "↓", () => choose(null)),
  right: button("Right is better", "→", () => choose("right")),
  undo: button("Back", "⌫", undo),
  command: button("Command on or off", "C", () => stage.classList.toggle("plain")),
  save: button("Save choices", "S", save),
};
const player = new Player((seconds) => films?.playTo(seconds), " ", element("kbd", {}, "P"));

function show(): void {
  const turn = turns[choices.length];
  const item = turn && comparison.cases[turn.item];
  const done = turn === undefined || item === undefined;
  for (const each of [buttons.left, buttons.same, buttons.right]) each.disabled = done;
  buttons.undo.disabled = choices.length === 0;
  buttons.save.classList.toggle("urge", done);
  began = performance.now();
  player.restart();
  if (done) {
    films = null;
    stage.replaceChildren(element("p", { class: "done" }, "That was the last one. Save the choices, and count them with python -m dragstream.revel count choices.json"));
    buttons.save.focus(); // the button that had it is disabled
  } else {
    const screens = (["left", "right"] as const).map((side) => {
      const film = side === "left" ? turn.left : 1 - turn.left;
      const screen = new Screen(item, item.films[film] ?? [], side);
      screen.root.addEventListener("click", () => choose(side));
      return screen;
    });
    films = new Films(item, screens);
    films.show(0);
    stage.replaceChildren(films.root, element("p", { class: "quiet" }, item.prompt));
  }
  showProgress();
}

const KEYS: Readonly<Record<string, () => void>> = {
  ArrowLeft: () => choose("left"),
  ArrowRight: () => choose("right"),
  ArrowDown: () => choose(null),
  Backspace: undo,
  c: () => buttons.command.click(),
  p: () => player.button.click(),
  s: save,
};
document.addEventListener("keydown", (event) => {
  const action = KEYS[event.key.length === 1 ? event.key.toLowerCase() : event.key];
  if (action === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  if (!event.repeat) action();
});
window.addEventListener("beforeunload", (event) => {
  if (choices.length > saved) event.preventDefault();
});

document.getElementById("page")?.replaceChildren(
  element("header", {}, element("h1", {}, comparison.title), element("p", { class: "quiet" }, "The handle (solid) should move to the dashed outline, along the line to the dot; the rest should stay as it would have been.")),
  element("div", { class: "progress" }, progress, status),
  stage,
  element("div", { class: "keys" }, buttons.left, buttons.same, buttons.right),
  element("div", { class: "keys minor" }, buttons.undo, player.button, buttons.command, buttons.save),
);
show();
