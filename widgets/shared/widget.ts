// The anywidget entry point of a widget: one store for each model, shared by its views.
import { keepKeys } from "./keys";
import type { Model } from "./model";
import { Views } from "./views";

interface Disposable {
  dispose(): void;
}

export function widget<Store extends Disposable>(
  makeStore: (model: Model) => Store,
  makeView: (store: Store, host: HTMLElement, model: Model) => Disposable,
) {
  return () => {
    let made: { readonly store: Store; readonly views: Views } | null = null;
    return {
      initialize({ model }: { readonly model: Model }): () => void {
        const store = makeStore(model);
        const views = new Views(model);
        made = { store, views };
        return () => {
          views.dispose();
          store.dispose();
        };
      },
      render({ model, el }: { readonly model: Model; readonly el: HTMLElement }): () => void {
        if (!made) throw new Error("the widget was rendered before it was initialized");
        keepKeys(el);
        const view = makeView(made.store, el, model);
        const leave = made.views.add();
        return () => {
          view.dispose();
          leave();
        };
      },
    };
  };
}
