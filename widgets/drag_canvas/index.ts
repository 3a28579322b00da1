// The anywidget entry point. One store for each model, however many views show it.
import { Store, type Model } from "./store";
import { View } from "./view";

interface InitializeProps {
  readonly model: Model;
}

interface RenderProps extends InitializeProps {
  readonly el: HTMLElement;
}

export default () => {
  let store: Store | null = null;
  return {
    initialize({ model }: InitializeProps): () => void {
      const made = new Store(model);
      store = made;
      return () => made.dispose();
    },
    render({ el }: RenderProps): () => void {
      if (!store) throw new Error("the canvas was rendered before it was initialized");
      const view = new View(store, el);
      return () => view.dispose();
    },
  };
};
