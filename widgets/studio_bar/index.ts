import { widget } from "../shared/widget";
import { Store } from "./store";
import { View } from "./view";

export default widget((model) => new Store(model), (store, host) => new View(store, host));
