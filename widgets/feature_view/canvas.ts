// The view of ipycanvas' canvas, made by the notebook's own manager of widgets where there is one.

interface WidgetModel {
  get(name: string): unknown;
}

export interface Manager {
  get_model(id: string): Promise<WidgetModel>;
  create_view?(model: unknown): Promise<{ readonly el: HTMLElement; remove(): void }>;
}

/** A front end may load ipycanvas from afar. */
const PATIENCE = 10_000;

/** The canvas and a function that removes it; null where the front end has no ipycanvas. */
export async function openCanvas(
  manager: Manager | undefined,
  id: string,
): Promise<{ readonly el: HTMLElement; remove(): void } | null> {
  if (typeof manager?.create_view !== "function") return null;
  try {
    const model = await Promise.race([manager.get_model(id), later(PATIENCE)]);
    // instead of a model that it cannot load, a manager gives one that shows an error
    if (model?.get("_view_name") !== "CanvasView") return null;
    surviveErrors(model.get("_canvas_manager"));
    const view = await manager.create_view(model);
    return { el: view.el, remove: () => view.remove() };
  } catch {
    return null;
  }
}

/** ipycanvas' queue of drawing commands, one for all canvases of a page. */
interface Queue {
  currentProcessing?: Promise<unknown>;
  onCommand?(...values: unknown[]): Promise<void>;
}

/**
 * Keep a queue going after a command that fails, as one for a canvas which the page does not know
 * (yet, while it loads): ipycanvas would draw nothing any more on this page.
 */
function surviveErrors(manager: unknown): void {
  const queue = manager as Queue | undefined;
  if (typeof queue?.onCommand !== "function" || Object.hasOwn(queue, "onCommand")) return;
  const draw = queue.onCommand;
  queue.onCommand = (...values) => draw.apply(queue, values).catch((error: unknown) => console.warn(error));
  queue.currentProcessing = Promise.resolve(queue.currentProcessing).catch(() => undefined);
}

function later(milliseconds: number): Promise<null> {
  return new Promise((resolve) => setTimeout(() => resolve(null), milliseconds));
}
