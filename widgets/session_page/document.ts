// The data of the page, as dragstream/stream/web_page.py writes it.

import type { Matrix } from "../shared/frame";

export interface Drag {
  readonly kind: string;
  /** SVG path data of the handle's outline, in pixels of the frame. */
  readonly outline: string;
  readonly track: readonly (readonly [x: number, y: number])[];
  /** Video frame of the stream in which the handle is at rest. */
  readonly rest: number;
  readonly targets: readonly { readonly frame: number; readonly matrix: Matrix }[];
}

export interface Block {
  readonly index: number;
  readonly firstFrame: number;
  readonly mode: string;
  readonly prompt: string;
  /** [j, n]: block j of the n that one call made. */
  readonly part: readonly [number, number];
  readonly seconds: number;
  readonly latentFrames: readonly number[];
  readonly drift: readonly (number | null)[];
  readonly losses: readonly (number | null)[];
  readonly settings: readonly (readonly [name: string, value: string])[];
  readonly drags: readonly Drag[];
  /** WebP in base64. */
  readonly frames: readonly string[];
}

export interface Branch {
  readonly name: string;
  readonly seed: number;
  /** Numbers of its blocks in `Session.blocks`. */
  readonly blocks: readonly number[];
  readonly code: string | null;
}

export interface Session {
  readonly title: string;
  readonly model: string;
  readonly frameRate: number;
  readonly width: number;
  readonly height: number;
  readonly shownWidth: number;
  readonly blocks: readonly Block[];
  readonly branches: readonly Branch[];
}

/** A branch with its blocks. */
export class Stream {
  readonly blocks: readonly Block[];
  readonly length: number;

  constructor(session: Session, readonly branch: Branch) {
    this.blocks = branch.blocks.flatMap((number) => session.blocks[number] ?? []);
    const last = this.blocks.at(-1);
    this.length = last ? last.firstFrame + last.frames.length : 0;
  }

  /** The block that shows a video frame; the last one after the end. */
  blockAt(frame: number): Block | undefined {
    return this.blocks.find((block) => frame < block.firstFrame + block.frames.length) ?? this.blocks.at(-1);
  }

  picture(frame: number): string {
    const block = this.blockAt(frame);
    const data = block?.frames[Math.min(frame, this.length - 1) - block.firstFrame];
    return data === undefined ? "" : `data:image/webp;base64,${data}`;
  }

  /** Handles and targets to draw over a video frame. */
  marks(frame: number): { drag: Drag; colour: number; matrix: Matrix | null }[] {
    return this.blocks.flatMap((block) =>
      block.drags.flatMap((drag, colour) => [
        ...(drag.rest === frame && block.part[0] === 0 ? [{ drag, colour, matrix: null }] : []),
        ...drag.targets.filter((target) => target.frame === frame).map(({ matrix }) => ({ drag, colour, matrix })),
      ]),
    );
  }
}

/** How a block was made, as text. */
export function describe(block: Block): string {
  const kinds = block.drags.map((drag) => drag.kind.toLowerCase());
  const [part, parts] = block.part;
  const place = parts > 1 ? ` (${part + 1} of ${parts})` : "";
  if (block.mode === "step") return "generated";
  if (block.mode === "image") return "start";
  return `${block.mode === "edit" ? "edited" : "animated"}${place}: ${kinds.join(", ")}`;
}
