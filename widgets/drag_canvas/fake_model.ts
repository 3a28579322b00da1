// A stand-in for the model of a canvas, for the unit tests.
import { emptyScene } from "../shared/document";
import { FakeModel } from "../shared/fake_model";
import type { Model } from "./store";

export class FakeCanvasModel extends FakeModel implements Model {
  saved = 0;

  constructor() {
    super({
      width: 64,
      height: 48,
      latent_frames: 3,
      frame: new DataView(new ArrayBuffer(0)),
      state: emptyScene.document,
      looks: [],
      draft: null,
      revision: 0,
      aim: { box: [0, 0, 64, 48], number: 0 },
      onion: 0,
      trail: [],
      selectors: ["features"],
      holds: [],
      live_status: null,
    });
  }

  save_changes(): void {
    this.saved += 1;
  }
}
