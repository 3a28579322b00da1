import { expect, it } from "vitest";
import { Stream, describe as words, type Block, type Session } from "./document";

const drag = { kind: "Translation", outline: "", track: [], rest: 1, targets: [{ frame: 3, matrix: [1, 0, 5, 0, 1, 0] as const }] };

function block(index: number, firstFrame: number, count: number, more: Partial<Block> = {}): Block {
  return {
    index, firstFrame, mode: "step", prompt: "", part: [0, 1], seconds: 0, latentFrames: [], drift: [], losses: [],
    settings: [], drags: [], frames: Array.from({ length: count }, (_, i) => `${index}.${i}`), ...more,
  };
}

const blocks = [block(0, 0, 2), block(1, 2, 2), block(1, 2, 2, { mode: "animate", part: [0, 2], drags: [drag] })];
const session: Session = {
  title: "", model: "", frameRate: 8, width: 8, height: 8, shownWidth: 8, blocks,
  branches: [{ name: "main", seed: 0, blocks: [0, 1], code: null }, { name: "dragged", seed: 0, blocks: [0, 2], code: null }],
};
const [plain, dragged] = session.branches.map((branch) => new Stream(session, branch)) as [Stream, Stream];

it("finds the frame of a branch in blocks that branches share", () => {
  expect(plain.length).toBe(4);
  expect([0, 1, 2, 3, 9].map((frame) => plain.picture(frame).split(",")[1])).toEqual(["0.0", "0.1", "1.0", "1.1", "1.1"]);
  expect(plain.blockAt(2)?.index).toBe(1);
  expect(dragged.blockAt(2)).toBe(blocks[2]);
});

it("draws the handle before a drag and the target at the end of each latent frame", () => {
  expect([0, 1, 2, 3].map((frame) => dragged.marks(frame).map((mark) => mark.matrix))).toEqual([
    [], [null], [], [[1, 0, 5, 0, 1, 0]],
  ]);
  expect(plain.marks(1)).toEqual([]);
});

it("says how a block came to be", () => {
  expect(blocks.map(words)).toEqual(["generated", "generated", "animated (1 of 2): translation"]);
});
