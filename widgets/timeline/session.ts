// A session as Python describes it: run-length coded, so that 500 blocks are cheap to look up.

export type Run = readonly [first: number, count: number];
export type RawMark = readonly [
  block: number, mode: string, part: number, parts: number, kinds: readonly string[], iterations: number,
];

export interface BranchFacts {
  readonly name: string;
  readonly parent: string | null;
  /** Blocks in common with the parent, as they are now. */
  readonly at: number;
  readonly blocks: number;
  readonly frames: number;
  /** Blocks in common with the current branch. */
  readonly shared: number;
  readonly sharedFrames: number;
  /** Key of the last block; -1 without blocks. */
  readonly tip: number;
}

export interface SessionState {
  readonly branch: string;
  readonly branches: readonly BranchFacts[];
  /** Numbers of the blocks, in runs that count up. */
  readonly keys: readonly Run[];
  /** Video frames of the blocks, in runs of the same number. */
  readonly lengths: readonly Run[];
  /** Blocks that were edited, animated or made from a picture. */
  readonly marks: readonly RawMark[];
  /** The prompts, each with its first block. */
  readonly prompts: readonly (readonly [block: number, text: string])[];
  /** Blocks that cannot be rewound. */
  readonly least: number;
  readonly latentFrames: number;
  readonly temporalFactor: number;
  readonly frameRate: number;
  readonly width: number;
  readonly height: number;
}

export interface Mark {
  readonly block: number;
  readonly mode: string;
  readonly part: number;
  readonly parts: number;
  readonly kinds: readonly string[];
  readonly iterations: number;
}

interface Stretch {
  readonly block: number;
  readonly frame: number;
  readonly value: number;
  readonly count: number;
}

/** The index of the last item that begins at or before `value`; items are in order of their beginnings. */
export function lastAt<Item>(items: readonly Item[], value: number, begin: (item: Item) => number): number {
  let low = 0;
  let high = items.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (begin(items[middle]!) <= value) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

export class Session {
  readonly count: number;
  readonly frames: number;
  private readonly keys: readonly Stretch[];
  private readonly lengths: readonly Stretch[];
  private readonly marks: ReadonlyMap<number, Mark>;

  constructor(readonly state: SessionState) {
    this.lengths = stretches(state.lengths, true);
    this.keys = stretches(state.keys, false);
    const last = this.lengths.at(-1);
    this.count = last ? last.block + last.count : 0;
    this.frames = last ? last.frame + last.value * last.count : 0;
    this.marks = new Map(
      state.marks.map(([block, mode, part, parts, kinds, iterations]) => [
        block, { block, mode, part, parts, kinds, iterations },
      ]),
    );
  }

  /** The number that a block has in all branches. */
  key(block: number): number {
    const run = this.keys[lastAt(this.keys, block, (item) => item.block)]!;
    return run.value + block - run.block;
  }

  /** First video frame of a block; of the one after the last, the number of all frames. */
  firstFrame(block: number): number {
    if (block >= this.count) return this.frames;
    const run = this.lengths[lastAt(this.lengths, block, (item) => item.block)]!;
    return run.frame + (block - run.block) * run.value;
  }

  lastFrame(block: number): number {
    return this.firstFrame(block + 1) - 1;
  }

  blockAt(frame: number): number {
    const run = this.lengths[lastAt(this.lengths, frame, (item) => item.frame)];
    if (!run) return 0;
    return run.block + Math.min(run.count - 1, Math.floor((frame - run.frame) / run.value));
  }

  /** Number of blocks that have passed at the end of a frame, with the part of the one it lies in. */
  passed(frame: number): number {
    if (frame < 0 || this.frames === 0) return 0;
    const block = this.blockAt(frame);
    const first = this.firstFrame(block);
    return block + (frame + 1 - first) / (this.firstFrame(block + 1) - first);
  }

  /** The latent frame that a video frame belongs to: the first one is a single video frame. */
  latentAt(frame: number): number {
    return frame === 0 ? 0 : 1 + Math.floor((frame - 1) / this.state.temporalFactor);
  }

  latents(block: number): readonly [first: number, last: number] {
    const { latentFrames } = this.state;
    return [block * latentFrames, (block + 1) * latentFrames - 1];
  }

  mark(block: number): Mark | null {
    return this.marks.get(block) ?? null;
  }

  get allMarks(): Iterable<Mark> {
    return this.marks.values();
  }

  prompt(block: number): string {
    const { prompts } = this.state;
    return prompts[lastAt(prompts, block, ([first]) => first)]?.[1] ?? "";
  }

  branch(name: string): BranchFacts | null {
    return this.state.branches.find((branch) => branch.name === name) ?? null;
  }
}

function stretches(runs: readonly Run[], lengths: boolean): Stretch[] {
  const found: Stretch[] = [];
  let block = 0;
  let frame = 0;
  for (const [value, count] of runs) {
    found.push({ block, frame, value, count });
    block += count;
    if (lengths) frame += value * count;
  }
  return found;
}

const VERBS: Readonly<Record<string, string>> = { animate: "animated", edit: "edited", image: "from a picture" };
const KINDS: Readonly<Record<string, string>> = {
  Translation: "move", Deformation: "deform", Rotation: "rotate",
};

/** The text of a mark: "animated: move, rotate (part 1 of 2, 8 iterations)". */
export function describe(mark: Mark): string {
  const verb = VERBS[mark.mode] ?? mark.mode;
  if (mark.kinds.length === 0) return verb;
  const kinds = mark.kinds.map((kind) => KINDS[kind] ?? kind.toLowerCase()).join(", ");
  const part = mark.parts > 1 ? `part ${mark.part + 1} of ${mark.parts}, ` : "";
  return `${verb}: ${kinds} (${part}${mark.iterations} iteration${mark.iterations === 1 ? "" : "s"})`;
}
