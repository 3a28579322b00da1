// The view of an ipycanvas canvas, created by the widget manager of the notebook.

interface WidgetModel {
  get(name: string): unknown;
}

export interface Manager {
  get_model(id: string): Promise<WidgetModel>;
  create_view?(model: unknown): Promise<{ readonly el: HTMLElement; remove(): void }>;
}

const TIMEOUT = 10_000; // milliseconds: a front end may download ipycanvas first

/** The canvas and a function that removes it; null where the front end has no ipycanvas. */
export async function openCanvas(
  manager: Manager | undefined,
  id: string,
): Promise<{ readonly el: HTMLElement; remove(): void } | null> {
  if (typeof manager?.create_view !== "function") return null;
  try {
    const model = await Promise.race([manager.get_model(id), nullAfter(TIMEOUT)]);
    // a manager that cannot load the model returns one that shows an error
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
 * Keeps the queue running after a command that fails, such as one for a canvas that the page has not
 * loaded yet: otherwise ipycanvas draws nothing more on this page.
 */
function surviveErrors(manager: unknown): void {
  const queue = manager as Queue | undefined;
  if (typeof queue?.onCommand !== "function" || Object.hasOwn(queue, "onCommand")) return;
  const draw = queue.onCommand;
  queue.onCommand = (...values) => draw.apply(queue, values).catch((error: unknown) => console.warn(error));
  queue.currentProcessing = Promise.resolve(queue.currentProcessing).catch(() => undefined);
}

function nullAfter(milliseconds: number): Promise<null> {
  return new Promise((resolve) => setTimeout(() => resolve(null), milliseconds));
}
