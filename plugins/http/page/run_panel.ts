/// <reference lib="dom" />
/**
 * The panel of a run: its optimizer, its schedule, their options, and its code.
 *
 * @module
 */
import type { Plugin } from "../../../core/plugin/contract.ts";
import { codeOfRun } from "./code.ts";
import { optionControls } from "./controls.ts";
import { copyOn } from "./copy.ts";
import { type AnyRegistry, type Offer, offersOf } from "./curves.ts";
import { byId, element, rewrite } from "./element.ts";
import { type Span, startOptions } from "./ranges.ts";
import { recipeOf, trainedChoice } from "./run.ts";
import { innerOf, scheduleSelect } from "./schedule_select.ts";
import type { Choice, RunChoice } from "./state.ts";
import type { Store } from "./store.ts";
import { tagOf } from "./tag.ts";

/** Which of the two runs; its colour too. */
export type Side = 0 | 1;

/** Both. */
export const sides: readonly Side[] = [0, 1];
/** How they are called. */
export const names = ["A", "B"] as const;

/** What the digits' example takes. */
export const usualLr = 0.004;

/** A start for an algorithm that learns the digits; defaults are meant for larger models. */
export function startOptimizer(registry: AnyRegistry, name: string, span: Span): Choice {
  const plugin = registry.plugins.find((plugin) => plugin.kind === "optimizer" && plugin.name === name);
  const options = plugin === undefined ? {} : startOptions(plugin, span);
  // Where there is none, the algorithm finds its own.
  return { name, options: typeof options.lr === "number" ? { ...options, lr: usualLr } : options };
}

/** A panel. */
export interface Panel {
  /** Makes it anew; the focus stays where it was. */
  rebuild(): void;
  /** Says what is wrong with its run, or missing; `""`: nothing. */
  tell(problem: string): void;
}

/** Fills the panel of a run. */
export function createPanel(registry: AnyRegistry, store: Store, side: Side): Panel {
  const id = `run-${side}`;
  const offers = offersOf(registry);
  const optimizers = registry.plugins.filter(({ kind }) => kind === "optimizer");
  const choice = (): RunChoice => store.state.runs[side];
  const offerNow = (): Offer | undefined => offers.find(({ name }) => name === choice().schedule?.name);
  const span = (): Span => ({ steps: store.state.updates, lr: usualLr });

  function set(run: RunChoice): void {
    const [a, b] = store.state.runs;
    store.set({ runs: side === 0 ? [run, b] : [a, run] });
  }

  function optimizerSelect(plugin: Plugin | undefined): HTMLSelectElement {
    const { name } = choice().optimizer;
    const select = element("select", { id: `${id}-optimizer` }, ...optimizers.map(({ name }) => element("option", { value: name }, name)));
    if (plugin === undefined) select.append(element("option", { value: name }, name));
    select.value = name;
    select.addEventListener("change", () => {
      const next = startOptimizer(registry, select.value, span());
      // What has no lr of its own has nothing that a schedule could change.
      set({ optimizer: next, schedule: typeof next.options.lr === "number" ? choice().schedule : null });
      rebuild();
    });
    return select;
  }

  function scheduleSelection(): HTMLSelectElement {
    const select = scheduleSelect(offers, choice().schedule?.name ?? "", `${id}-schedule`);
    select.prepend(element("option", { value: "" }));
    const metric = offers.filter(({ returns }) => returns === "metric");
    if (metric.length > 0) {
      const options = metric.map(({ name }) => element("option", { value: name }, name));
      select.append(element("optgroup", { label: "After the held-out loss" }, ...options));
    }
    select.value = choice().schedule?.name ?? "";
    select.addEventListener("change", () => {
      const offer = offers.find(({ name }) => name === select.value);
      const { optimizer } = choice();
      const base = typeof optimizer.options.lr === "number" && optimizer.options.lr > 0 ? optimizer.options.lr : usualLr;
      const schedule = offer === undefined ? null : { name: offer.name, options: startOptions(offer, { ...span(), lr: base }) };
      set({ optimizer, schedule });
      rebuild();
    });
    return select;
  }

  function codeDetails(): HTMLElement {
    const code = (): string => {
      const trained = trainedChoice(choice());
      const offer = trained.schedule === null ? undefined : offerNow();
      return codeOfRun(recipeOf(registry, trained), offer?.returns === "metric" ? offer.name : undefined);
    };
    const place = element("code", { id: `${id}-code` });
    const copyButton = element("button", { type: "button", id: `${id}-copy` }, `Copy the code of run ${names[side]}`);
    copyOn(copyButton, byId("copied"), code);
    const summary = element("summary", {}, "Code of this run");
    const details = element("details", { class: "more" }, summary, element("pre", { tabindex: 0 }, place), copyButton);
    details.addEventListener("toggle", () => place.textContent = code());
    return details;
  }

  function controlsOf(id: string, specs: Offer["options"], of: "optimizer" | "schedule"): HTMLElement {
    const used = choice()[of];
    return optionControls({
      id,
      specs,
      values: used?.options ?? {},
      span: span(),
      changed: (option, value) => {
        const before = choice()[of];
        if (before === null) return;
        set({ ...choice(), [of]: { name: before.name, options: { ...before.options, [option]: value } } });
        describe();
      },
      inner: (option) => used === null ? [] : innerOf(registry, offers, used, option, span()),
    });
  }

  /** What the run's lr does, which may change with an option. */
  function describe(): void {
    const stays = typeof choice().optimizer.options.lr === "number";
    byId<"select">(`${id}-schedule`).options[0].text = stays ? "none: lr stays" : "none: the algorithm finds its own lr";
    const words = stays ? "The learning rate stays as it is set above." : "The learning rate follows the algorithm's own rule.";
    byId(`${id}-about`).textContent = offerNow()?.description ?? words;
  }

  function rebuild(): void {
    const plugin = optimizers.find(({ name }) => name === choice().optimizer.name);
    const { lr, ...others } = (plugin?.options ?? {}) as Offer["options"];
    const offer = offerNow();
    const place = byId(id);
    const wasOpen = [...place.querySelectorAll("details")].map(({ open }) => open);
    const focused = document.activeElement?.id ?? "";
    const problem = document.getElementById(`${id}-problem`)?.textContent ?? "";
    place.replaceChildren(
      element("h3", {}, tagOf(side, names[side]), `Run ${names[side]}`),
      element("div", { class: "pick" }, element("label", { for: `${id}-optimizer` }, "Optimizer"), optimizerSelect(plugin)),
      element("p", { class: "about" }, plugin?.description ?? ""),
      ...(lr === undefined ? [] : [controlsOf(`${id}-main`, { lr }, "optimizer")]),
      element("details", { class: "more" }, element("summary", {}, "All options"), controlsOf(`${id}-option`, others, "optimizer")),
      element("div", { class: "pick" }, element("label", { for: `${id}-schedule` }, "Schedule"), scheduleSelection()),
      element("p", { class: "about", id: `${id}-about` }),
      element(
        "details",
        { class: "more", hidden: offer === undefined },
        element("summary", {}, "Schedule's options"),
        controlsOf(`${id}-schedule`, offer?.options ?? {}, "schedule"),
      ),
      codeDetails(),
      element("p", { class: "problem", id: `${id}-problem`, role: "alert" }, problem),
    );
    describe();
    place.querySelectorAll("details").forEach((details, k) => details.open = wasOpen[k] ?? false);
    if (focused !== "" && document.activeElement === document.body) document.getElementById(focused)?.focus();
  }

  rebuild();
  return {
    rebuild,
    tell(problem) {
      rewrite(byId(`${id}-problem`), problem);
    },
  };
}
