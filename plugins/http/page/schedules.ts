/// <reference lib="dom" />
/**
 * The first half of the page: curves, their options, their values.
 *
 * @module
 */
import { createCards } from "./cards.ts";
import { createChart } from "./chart.ts";
import { slider } from "./slider.ts";
import { type AnyRegistry, completeCurves, type Curve, curveOf, drawnSteps, type Offer, offersOf, valueAt } from "./curves.ts";
import { byId, element } from "./element.ts";
import { type FactsAsked, tabulateFacts } from "./facts_table.ts";
import { createFollower } from "./horizons.ts";
import { aboveZero, type Allowed, fromZero, percents, readAllowed, showNumber, wholeNumbers } from "./numbers.ts";
import { lrRange, type Span, startOptions, stepsRange } from "./ranges.ts";
import { listValues, readCurve, sayValues, tabulate } from "./readings.ts";
import { groupsOf } from "./schedule_select.ts";
import { askService, createServiceCurves, type Service } from "./service.ts";
import { type Choice, mostCurves } from "./state.ts";
import type { Store } from "./store.ts";
import { createCode } from "./take.ts";
import { typed } from "./typed.ts";

/** Adds a curve from elsewhere on the page, over its own number of steps and base value where it has them. */
export type AddCurve = (choice: Choice, over: { readonly to?: number; readonly lr?: number }) => void;

/** Fills the section `#schedules` and keeps it in step with the state. */
export function startSchedules(registry: AnyRegistry, store: Store, assumed: Service): AddCurve {
  const own = offersOf(registry);
  let offers: readonly Offer[] = own;
  let service = assumed;
  const serviceCurves = createServiceCurves(() => service.base, () => refresh());
  let curves: readonly Curve[] = [];
  /** The steps at which they are drawn. */
  let shown: readonly number[] = [];
  let frame = 0;
  let isDue = false;

  const chart = createChart(byId("plot"), { label: "lr", steps: "step", pointed: (at) => store.set({ at }) });
  const scrub = byId<"input">("scrub");
  const atBox = byId<"input">("at");
  const addSelect = byId<"select">("add");
  const offerOf = (choice: Choice | undefined): Offer | undefined => offers.find(({ name }) => name === choice?.name);
  const specsOf = (name: string): Offer["options"] | undefined => offers.find((offer) => offer.name === name)?.options;
  const code = createCode({ store, made: (i) => curves[i], offerOf, specsOf, service: () => service, shown: () => shown });
  const cards = createCards({
    registry,
    store,
    offers: () => offers,
    curves: () => curves,
    specsOf,
    changed: rebuild,
    opened: (curve) => code.choose(curve),
  });

  const span = (): Span => ({ steps: store.state.to, lr: store.state.lr });
  const atNow = (): number => Math.min(store.state.at, store.state.to);
  const steps = (): Allowed => wholeNumbers(0, store.state.to);
  const typedAt = typed(atBox, {
    read: (text) => readAllowed(text, steps()),
    words: () => steps().words,
    set: (at) => store.set({ at }),
    show: () => String(atNow()),
  });

  function compute(): void {
    const { curves: choices, lr, to } = store.state;
    curves = choices.map((choice, i) => {
      if (offerOf(choice)?.from === "service") return serviceCurves.curve(i, choice, to, lr);
      return curveOf(registry, choice, lr);
    });
  }

  function draw(): void {
    const { to, scale } = store.state;
    shown = drawnSteps(curves, to, chart.columns());
    const lines = curves.map((curve, i) => ({ colour: i, tag: String(i + 1), values: shown.map((step) => valueAt(curve, step)) }));
    chart.draw({ steps: shown, lines, to, scale });
    tell();
    table();
    sums();
  }

  /** The values at the step that is read. */
  function tell(): void {
    const { curves: choices, to } = store.state;
    const at = atNow();
    const readings = curves.map((curve) => readCurve(curve, at));
    chart.mark(at, readings.map(({ value }) => value));
    scrub.max = String(to);
    scrub.value = String(at);
    scrub.setAttribute("aria-valuetext", sayValues(choices, readings, at));
    if (document.activeElement !== atBox) typedAt.show();
    listValues(choices, readings);
  }

  function table(): void {
    if (byId<"details">("table").open) tabulate(store.state.curves, curves, store.state.to);
  }

  function sums(): void {
    const { curves: choices, to, lr } = store.state;
    if (byId<"details">("facts").open) tabulateFacts(choices, curves, to, lr, asked);
  }

  // Of the table alone: a link has no word of it.
  let asked: FactsAsked = { weightDecay: 0.1, percent: 50 };
  for (const [id, key, allowed] of [["facts-decay", "weightDecay", fromZero], ["facts-share", "percent", percents]] as const) {
    typed(byId<"input">(id), {
      read: (text) => readAllowed(text, allowed),
      words: () => allowed.words,
      set(value) {
        asked = { ...asked, [key]: value };
        sums();
      },
      show: () => showNumber(asked[key]),
    });
  }

  /** Computes and draws once a frame, however many sliders' events come. */
  function refresh(isStructural = false): void {
    isDue ||= isStructural;
    if (frame !== 0) return;
    frame = requestAnimationFrame(() => {
      frame = 0;
      if (isDue) return rebuild();
      show();
    });
  }

  function show(): void {
    compute();
    draw();
    cards.describe();
    code.refresh();
  }

  /** All anew, the cards too. */
  function rebuild(): void {
    isDue = false;
    cards.rebuild();
    const isFull = store.state.curves.length >= mostCurves;
    addSelect.disabled = isFull;
    byId("most").textContent = isFull ? `${mostCurves} curves are the most that can be told apart.` : "";
    show();
  }

  function fillAdd(): void {
    addSelect.replaceChildren(element("option", { value: "" }, "Add a curve …"), ...groupsOf(offers, ""));
  }

  addSelect.addEventListener("change", () => {
    const offer = offers.find(({ name }) => name === addSelect.value);
    addSelect.selectedIndex = 0;
    if (offer !== undefined) cards.add({ name: offer.name, options: startOptions(offer, span()) });
  });
  scrub.addEventListener("input", () => store.set({ at: Number(scrub.value) }));
  for (const scale of ["linear", "log"] as const) {
    byId<"input">(`scale-${scale}`).addEventListener("change", () => store.set({ scale }));
  }
  byId<"details">("table").addEventListener("toggle", table);
  // On a small screen its columns do not fit: they are there for who asks.
  if (matchMedia("(max-width: 30rem)").matches) byId<"details">("facts").open = false;
  byId<"details">("facts").addEventListener("toggle", sums);
  const [left, right] = chart.inset;
  byId("scrub-place").style.padding = `0 ${right}px 0 ${left}px`;

  const follow = createFollower(specsOf);
  const setSteps = (to: number): void => store.set({ to, curves: follow(store.state.curves, store.state.to, to) });

  /** The sliders above the chart. */
  function toolbar(): void {
    const { to, lr, scale } = store.state;
    byId<"input">(`scale-${scale}`).checked = true;
    const places = [
      { id: "to", label: "Steps", value: to, range: stepsRange, allowed: wholeNumbers(1), set: setSteps },
      { id: "lr", label: "Base lr", value: lr, range: lrRange, allowed: aboveZero, set: (lr: number) => store.set({ lr }) },
    ];
    for (const place of places) {
      const { id } = place;
      byId(`${id}-place`).replaceChildren(...slider({ ...place, note: `${id}-note` }).rows);
    }
  }

  store.listen((before, source) => {
    const { state } = store;
    if (source !== "control") {
      if (source === "link") cards.openFirst();
      toolbar();
      return rebuild();
    }
    // Sliders of steps reach as far as the axis does.
    if (before.to !== state.to) return refresh(true);
    if (before.curves !== state.curves || before.lr !== state.lr || before.scale !== state.scale) return refresh();
    if (before.at !== state.at) tell();
  });

  fillAdd();
  toolbar();
  rebuild();
  askService(own, service).then((answer) => {
    const isElsewhere = answer.base !== service.base;
    service = answer;
    if (answer.needsToken || isElsewhere) code.refresh();
    if (answer.offers.length === 0) return;
    offers = [...own, ...answer.offers];
    fillAdd();
    rebuild();
  });

  return (choice, { to = store.state.to, lr = store.state.lr }) => {
    store.set({ to, lr });
    const [complete] = completeCurves(registry, { ...store.state, curves: [choice] }).curves;
    cards.add(complete);
    toolbar();
  };
}
