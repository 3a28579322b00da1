import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Player, frameDue } from "./player";
import type { Store } from "./store";
import type { Viewport } from "./viewport";

const FRAME = 1000 / 60;
const clip = { number: 1, rate: 8, frames: ["a", "b", "c"].map(() => new DataView(new ArrayBuffer(1))) };

describe("the player of clips", () => {
  const shown: number[] = [];
  let asked = 0;
  let ended = 0;

  beforeEach(() => {
    vi.useFakeTimers();
    [shown.length, asked, ended] = [0, 0, 0];
    vi.stubGlobal("requestAnimationFrame", (call: (now: number) => void) => {
      asked += 1;
      const now = performance.now();
      return setTimeout(() => call(performance.now()), Math.ceil(now / FRAME + 0.01) * FRAME - now);
    });
    vi.stubGlobal("cancelAnimationFrame", clearTimeout);
    vi.stubGlobal("createImageBitmap", () => Promise.resolve({ close: () => undefined }));
  });

  afterEach(() => {
    vi.unstubAllGlobals();
    vi.useRealTimers();
  });

  const player = (): Player => {
    const store = { clip, confirm: () => undefined, endClip: () => void (ended += 1), holding: { paint: () => undefined } };
    const viewport = { show: () => shown.push(performance.now()) };
    return new Player(store as unknown as Store, viewport as unknown as Viewport);
  };

  it("shows each frame in its time, and asks for few animation frames between them", async () => {
    const began = performance.now();
    player().update();
    await vi.advanceTimersByTimeAsync(500);
    expect(shown.length).toBe(3);
    shown.forEach((time, index) => expect(Math.abs(time - began - FRAME - index * 125)).toBeLessThan(1.5 * FRAME));
    expect(ended).toBe(1);
    expect(asked).toBeLessThanOrEqual(8); // at 60 a second it would be 24
  });

  it("stops when it is disposed between two frames", async () => {
    const played = player();
    played.update();
    await vi.advanceTimersByTimeAsync(60);
    played.dispose();
    await vi.advanceTimersByTimeAsync(500);
    expect([shown.length, ended]).toEqual([1, 0]);
  });

  it("knows the frame that is due", () => {
    expect([-1, 0, 0.13, 0.26, 9].map((seconds) => frameDue(clip, seconds))).toEqual([0, 0, 1, 2, 2]);
  });
});
