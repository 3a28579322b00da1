// A self-contained page of a session: films, blocks, drift and code. Text is only set as text.
import { element } from "../shared/dom";
import { Blocks } from "./blocks";
import { driftChart } from "./chart";
import { Stream, type Session } from "./document";
import { Film } from "./film";

const data = document.getElementById("document")?.textContent ?? "";
const session = JSON.parse(data) as Session;
const streams = session.branches.map((branch) => new Stream(session, branch));
const lists: Blocks[] = [];
const film = new Film(session, streams, (frame) => {
  for (const list of lists) list.show(frame);
});
const seek = (frame: number): void => {
  film.pause();
  film.show(frame);
};
lists.push(...streams.map((stream) => new Blocks(stream, seek)));
document.getElementById("page")?.replaceChildren(
  element("h1", {}, session.title),
  element("p", {}, `${session.model} · ${session.width} × ${session.height} pixels · ${session.frameRate} frames a second`),
  film.root,
  driftChart(streams, seek),
  ...lists.map((list) => list.root),
);
film.show(0);
