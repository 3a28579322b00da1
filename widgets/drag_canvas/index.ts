// The anywidget entry point.
import { widget } from "../shared/widget";
import { Store, type Model } from "./store";
import { View } from "./view";

export default widget(
  (model) => new Store(model as Model), // this one writes traits, too
  (store, host) => new View(store, host),
);
