import { describe, expect, it, vi } from "vitest";
import { openCanvas } from "./canvas";

/** The queue of ipycanvas 0.14: a command that fails rejects all that come later. */
class Queue {
  readonly drawn: string[] = [];
  currentProcessing: Promise<unknown> = Promise.resolve();

  receive(command: string): Promise<unknown> {
    return (this.currentProcessing = this.currentProcessing.then(() => this.onCommand(command)));
  }

  async onCommand(command: string): Promise<void> {
    if (command === "bad") throw new Error("widget model not found");
    this.drawn.push(command);
  }
}

function page(queue: unknown, name = "CanvasView") {
  const values: Record<string, unknown> = { _view_name: name, _canvas_manager: queue };
  return {
    get_model: () => Promise.resolve({ get: (key: string) => values[key] }),
    create_view: () => Promise.resolve({ el: {} as HTMLElement, remove: () => undefined }),
  };
}

describe("the canvas of ipycanvas", () => {
  it("draws again after commands that failed before and after it was opened", async () => {
    const warn = vi.spyOn(console, "warn").mockImplementation(() => undefined);
    const queue = new Queue();
    await queue.receive("bad").catch(() => undefined);
    expect(await openCanvas(page(queue), "id")).not.toBeNull();
    await queue.receive("first");
    await queue.receive("bad");
    expect(await openCanvas(page(queue), "id")).not.toBeNull();
    await queue.receive("second");
    expect(queue.drawn).toEqual(["first", "second"]);
    expect(warn).toHaveBeenCalledTimes(1);
    warn.mockRestore();
  });

  it("is shown with a queue of another kind", async () => {
    expect(await openCanvas(page(undefined), "id")).not.toBeNull();
  });

  it("is missing where a front end does not know it", async () => {
    expect(await openCanvas(page(new Queue(), "ErrorWidgetView"), "id")).toBeNull();
    expect(await openCanvas(undefined, "id")).toBeNull();
  });
});
