/// <reference lib="dom" />
/**
 * The page, with the plugins of a registry. main.ts starts it with the built-in ones; a bundle of your own may start it with yours.
 *
 * @module
 */
import { startCheck } from "./check.ts";
import { type AnyRegistry, completeCurves, linked, type Offer, offersOf } from "./curves.ts";
import { byId } from "./element.ts";
import { startLive } from "./live.ts";
import { startOptions } from "./ranges.ts";
import { startOptimizer } from "./run_panel.ts";
import { startSchedules } from "./schedules.ts";
import { assumeService } from "./service.ts";
import { type Choice, lossOf, type PageState } from "./state.ts";
import { createStore } from "./store.ts";

/** Brings page.html to life. */
export function startPage(registry: AnyRegistry): void {
  const specsOf = (name: string): Offer["options"] | undefined => offersOf(registry).find((offer) => offer.name === name)?.options;
  const shorten = (state: PageState): PageState => ({
    ...state,
    curves: state.curves.map((choice) => linked(choice, specsOf)),
  });
  // What cannot be taken from a link is said before the page writes its own.
  const tellLoss = (): void => void (byId("loss").textContent = lossOf(location.hash));
  tellLoss();
  const store = createStore(firstState(registry), (state) => completeCurves(registry, state), shorten);
  startCheck(registry, store, startSchedules(registry, store, assumeService(location.href)));
  startLive(registry, store);
  store.listen((_, source) => source !== "control" && tellLoss());
  document.querySelector("main")?.classList.add("ready");
  // The fragment holds the state, so that links within the page cannot use it.
  for (const link of document.querySelectorAll<HTMLAnchorElement>("a[data-goto]")) {
    link.addEventListener("click", (event) => {
      event.preventDefault();
      const target = byId(link.dataset.goto ?? "");
      // Not for every scrolling: the focus must be in sight at once.
      target.scrollIntoView({ behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth" });
      target.focus({ preventScroll: true });
    });
  }
}

/** What a reader sees who comes without a link. */
function firstState(registry: AnyRegistry): PageState {
  const to = 1000;
  const lr = 5e-5;
  const updates = 300;
  const offers = offersOf(registry);
  const choose = (names: readonly string[], steps: number, lr: number): Choice[] =>
    names.flatMap((name) => offers.filter((offer) => offer.name === name))
      .map((offer) => ({ name: offer.name, options: startOptions(offer, { steps, lr }) }));
  const curves = choose(["linear", "cosine", "inverse_sqrt", "cosine_with_restarts"], to, lr);
  const others = offers.filter(({ returns }) => returns !== "metric").slice(0, 1).map(({ name }) => name);
  const optimizers = registry.plugins.filter(({ kind }) => kind === "optimizer").map(({ name }) => name);
  const [first, second] = ["adamw", "adafactor"].map((name, i) => optimizers.includes(name) ? name : optimizers[i] ?? optimizers[0] ?? "");
  const span = { steps: updates, lr: 0.004 };
  const runOf = (name: string): PageState["runs"][0] => {
    const optimizer = startOptimizer(registry, name, span);
    const hasLr = typeof optimizer.options.lr === "number";
    return { optimizer, schedule: hasLr ? choose(["cosine"], updates, 0.004)[0] ?? null : null };
  };
  return {
    curves: curves.length > 0 ? curves : choose(others, to, lr),
    to,
    lr,
    scale: "linear",
    at: 250,
    runs: [runOf(first), runOf(second)],
    updates,
    seed: 1,
  };
}
