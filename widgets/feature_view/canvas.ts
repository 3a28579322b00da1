// The view of ipycanvas' canvas, made by the notebook's own manager of widgets where there is one.

export interface Manager {
  get_model(id: string): Promise<{ get(name: string): unknown }>;
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
    const view = await manager.create_view(model);
    return { el: view.el, remove: () => view.remove() };
  } catch {
    return null;
  }
}

function later(milliseconds: number): Promise<null> {
  return new Promise((resolve) => setTimeout(() => resolve(null), milliseconds));
}
