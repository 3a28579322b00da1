import { describe as group, expect, it } from "vitest";
import { along, lanePath, lanes } from "./lanes";
import { playedTo } from "./playback";
import { describe, Session, type BranchFacts, type SessionState } from "./session";
import { reveal, visible } from "./visible";

function state(changes: Partial<SessionState> = {}): SessionState {
  return {
    branch: "main", branches: [], keys: [[4, 2], [9, 498]], lengths: [[9, 1], [12, 499]],
    marks: [[2, "animate", 0, 2, ["Translation", "Rotation"], 8], [7, "edit", 0, 1, ["Deformation"], 1]],
    prompts: [[0, "a"], [3, "b"]], least: 0, latentFrames: 3, temporalFactor: 4, frameRate: 16,
    width: 96, height: 64, ...changes,
  };
}

group("a session", () => {
  const session = new Session(state());

  it("knows blocks and frames of 500 blocks from two runs", () => {
    expect([session.count, session.frames]).toEqual([500, 9 + 499 * 12]);
    expect([0, 1, 2, 499].map((block) => session.firstFrame(block))).toEqual([0, 9, 21, 9 + 498 * 12]);
    expect(session.lastFrame(499)).toBe(session.frames - 1);
    expect([0, 8, 9, 20, 21, 5996].map((frame) => session.blockAt(frame))).toEqual([0, 0, 1, 1, 2, 499]);
    for (const block of [0, 1, 17, 250, 499]) {
      expect(session.blockAt(session.firstFrame(block))).toBe(block);
      expect(session.blockAt(session.lastFrame(block))).toBe(block);
    }
    expect([0, 1, 2, 499].map((block) => session.key(block))).toEqual([4, 5, 9, 506]);
  });

  it("counts latent frames as the clock does: one video frame, then four each", () => {
    expect([0, 1, 4, 5, 8, 9].map((frame) => session.latentAt(frame))).toEqual([0, 1, 1, 2, 2, 3]);
    expect(session.latents(3)).toEqual([9, 11]);
    expect(session.passed(8)).toBe(1);
    expect(session.passed(14)).toBeCloseTo(1.5);
    expect(session.passed(-1)).toBe(0);
  });

  it("knows marks and prompts", () => {
    expect(describe(session.mark(2)!)).toBe("animated: move, rotate (part 1 of 2, 8 iterations)");
    expect(describe(session.mark(7)!)).toBe("edited: deform (1 iteration)");
    expect(session.mark(3)).toBeNull();
    expect([0, 2, 3, 400].map((block) => session.prompt(block))).toEqual(["a", "a", "b", "b"]);
  });

  it("may be empty", () => {
    const empty = new Session(state({ keys: [], lengths: [], marks: [], prompts: [] }));
    expect([empty.count, empty.frames, empty.blockAt(0), empty.passed(0), empty.prompt(0)]).toEqual([0, 0, 0, 0, ""]);
  });
});

group("lanes", () => {
  const branch = (name: string, parent: string | null, at: number, blocks: number): BranchFacts => ({
    name, parent, at, blocks, frames: 0, shared: 0, sharedFrames: 0, tip: 0,
  });

  it("stand below the branch they left, oldest first", () => {
    const found = lanes([
      branch("main", null, 0, 8), branch("a", "main", 3, 6), branch("b", "main", 5, 5), branch("c", "a", 4, 9),
    ]);
    expect(found.map((lane) => lane.branch.name)).toEqual(["main", "a", "c", "b"]);
    expect(found.map((lane) => lane.parentRow)).toEqual([null, 0, 1, 0]);
    expect(found.map((lane) => [lane.start, lane.end])).toEqual([[0, 8], [3, 6], [4, 9], [5, 5]]);
  });

  it("bend out of their parents", () => {
    expect(along(5, 10, 116, 8)).toBe(58);
    expect(along(0, 0, 100, 8)).toBe(8);
    expect(lanePath(8, 100, 15, null)).toBe("M8 15H100");
    expect(lanePath(40, 100, 45, 15)).toBe("M40 15V35Q40 45 50 45H100");
    expect(lanePath(40, 40, 45, 15)).toBe("M40 15V35Q40 45 50 45H50");
  });
});

group("a long row", () => {
  it("has the tiles in view and a few more", () => {
    expect(visible(0, 500, 100, 500, 2)).toEqual({ first: 0, end: 7 });
    expect(visible(1050, 500, 100, 500, 2)).toEqual({ first: 8, end: 18 });
    expect(visible(49_500, 500, 100, 500, 2)).toEqual({ first: 493, end: 500 });
    expect(visible(900, 500, 100, 3, 2)).toEqual({ first: 3, end: 3 });
    expect(visible(0, 500, 100, 0, 2)).toEqual({ first: 0, end: 0 });
  });

  it("scrolls no farther than it must", () => {
    expect(reveal(3, 0, 600, 100)).toBe(0);
    expect(reveal(9, 0, 600, 100)).toBe(500);
    expect(reveal(4, 800, 600, 100)).toBe(300);
    expect(reveal(0, 100, 600, 100)).toBe(0);
  });
});

it("playing ends after the last frame has had its time", () => {
  const play = { from: 10, began: 1000, rate: 16 };
  expect(playedTo(play, 1000, 20)).toEqual({ frame: 10, done: false });
  expect(playedTo(play, 1130, 20)).toEqual({ frame: 12, done: false });
  expect(playedTo(play, 1600, 20)).toEqual({ frame: 19, done: false });
  expect(playedTo(play, 1630, 20)).toEqual({ frame: 19, done: true });
});
