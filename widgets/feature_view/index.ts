import type { Model } from "../shared/model";
import { widget } from "../shared/widget";
import type { Manager } from "./canvas";
import { Store } from "./store";
import { View } from "./view";

type WithManager = Model & { readonly widget_manager?: Manager };

export default widget((model) => new Store(model), (store, host, model) => new View(store, host, (model as WithManager).widget_manager));
