// The position of playback.

export interface Playback {
  readonly from: number;
  readonly began: number;
  readonly rate: number;
}

/** The frame at a time in milliseconds; `done` after the time of the last of `count` frames. */
export function playedTo(play: Playback, now: number, count: number): { frame: number; done: boolean } {
  const passed = Math.max(0, Math.floor(((now - play.began) * play.rate) / 1000));
  const frame = play.from + passed;
  return { frame: Math.max(0, Math.min(frame, count - 1)), done: frame >= count };
}
