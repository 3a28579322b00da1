// The anywidget entry point of a widget: one store for each model, however many views show it.
import type { Model } from "./model";

interface Disposable {
  dispose(): void;
}

export function widget<Store extends Disposable>(
  makeStore: (model: Model) => Store,
  makeView: (store: Store, host: HTMLElement) => Disposable,
) {
  return () => {
    let store: Store | null = null;
    return {
      initialize({ model }: { readonly model: Model }): () => void {
        const made = makeStore(model);
        store = made;
        return () => made.dispose();
      },
      render({ el }: { readonly el: HTMLElement }): () => void {
        if (!store) throw new Error("the widget was rendered before it was initialized");
        const view = makeView(store, el);
        return () => view.dispose();
      },
    };
  };
}
