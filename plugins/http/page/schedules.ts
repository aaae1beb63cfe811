/// <reference lib="dom" />
/**
 * The first half of the page: curves, their options, their values.
 *
 * @module
 */
import { createChart } from "./chart.ts";
import { type Code, createCode } from "./take.ts";
import { optionControls, slider } from "./controls.ts";
import { type AnyRegistry, compact, type Curve, curveOf, gridOf, innerChoices, type Offer, offersOf } from "./curves.ts";
import { byId, element } from "./element.ts";
import { aboveZero, type Allowed, readAllowed, showNumber, showReading, wholeNumbers } from "./numbers.ts";
import { lrRange, type Span, startOptions, stepsRange } from "./ranges.ts";
import { askService, createServiceCurves, plainService } from "./service.ts";
import { type Choice, mostCurves, type PageState } from "./state.ts";
import type { Store } from "./store.ts";
import { typed } from "./typed.ts";

/** Fills the section `#schedules` and keeps it in step with the state. */
export function startSchedules(registry: AnyRegistry, store: Store): void {
  const own = offersOf(registry);
  let offers: readonly Offer[] = own;
  let service = plainService;
  const serviceCurves = createServiceCurves(() => refresh());
  const open = new Set<number>([0]);
  let curves: readonly Curve[] = [];
  let frame = 0;
  let isDue = false;

  const chart = createChart(byId("plot"), { label: "lr", steps: "step", pointed: (at) => store.set({ at }) });
  const scrub = byId<"input">("scrub");
  const atBox = byId<"input">("at");
  const cards = byId("cards");
  const add = byId<"select">("add");
  const offerOf = (choice: Choice | undefined): Offer | undefined => offers.find(({ name }) => name === choice?.name);
  const code: Code = createCode(store, (i) => curves[i], offerOf, () => service.needsToken);

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

  /** The value at a step, null where there is none. A schedule of somebody else's may throw at any step. */
  function valueAt(curve: Curve, step: number): number | null {
    if ("error" in curve) return null;
    try {
      return curve.lr(step);
    } catch {
      return null;
    }
  }

  /** The value at a step as it is read; `isNear` where the service has told no more than that of a step nearby. */
  function read(curve: Curve, step: number): Reading {
    const exact = "exact" in curve ? curve.exact?.(step) : undefined;
    if (exact !== undefined) return { value: exact, isNear: false };
    return { value: valueAt(curve, step), isNear: "exact" in curve };
  }

  function draw(): void {
    const { to, scale } = store.state;
    const steps = gridOf(to, byId("plot").clientWidth || 600);
    const lines = curves.map((curve, i) => ({ colour: i, tag: String(i + 1), values: steps.map((step) => valueAt(curve, step)) }));
    chart.draw({ steps, lines, to, scale });
    tell();
    table();
  }

  /** The values at the step that is read. */
  function tell(): void {
    const { curves: choices, to } = store.state;
    const at = atNow();
    const values = curves.map((curve) => read(curve, at));
    chart.mark(at, values.map(({ value }) => value));
    scrub.max = String(to);
    scrub.value = String(at);
    if (document.activeElement !== atBox) typedAt.show();
    const rows = choices.map((choice, i) => {
      const { value, isNear } = values[i];
      const words = wordsOf(values[i], showReading);
      return element(
        "li",
        {},
        tagOf(i),
        element("span", { class: "who" }, choice.name),
        value === null || isNear ? element("span", { class: "value" }, words) : element("data", { class: "value", value }, words),
      );
    });
    byId("values").replaceChildren(...rows);
    const words = choices.map((choice, i) => `${i + 1} ${choice.name} ${wordsOf(values[i], showNumber, "none", "about")}`);
    scrub.setAttribute("aria-valuetext", `step ${at}: ${words.join(", ") || "no curves"}`);
  }

  function table(): void {
    const details = byId<"details">("table");
    if (!details.open) return;
    const { curves: choices, to } = store.state;
    const steps = [...new Set(Array.from({ length: 11 }, (_, i) => Math.round(i * to / 10)))];
    const head = element(
      "tr",
      {},
      element("th", { scope: "col" }, "step"),
      ...choices.map(({ name }, i) => element("th", { scope: "col" }, `${i + 1} ${name}`)),
    );
    const rows = steps.map((step) => {
      const cells = curves.map((curve) => element("td", {}, wordsOf(read(curve, step), showReading)));
      return element("tr", {}, element("th", { scope: "row" }, step.toLocaleString("en")), ...cells);
    });
    byId("table-place").replaceChildren(
      element(
        "table",
        {},
        element("caption", { class: "unseen" }, "lr by step"),
        element("thead", {}, head),
        element("tbody", {}, ...rows),
      ),
    );
  }

  /** Computes and draws once a frame, however many sliders' events come. */
  function refresh(isStructural = false): void {
    isDue ||= isStructural;
    if (frame !== 0) return;
    frame = requestAnimationFrame(() => {
      frame = 0;
      if (isDue) return rebuild();
      compute();
      draw();
      [...cards.children].forEach((card, i) => describe(card as HTMLElement, i));
      code.refresh();
    });
  }

  function setCurve(i: number, choice: Choice): void {
    store.set({ curves: store.state.curves.map((other, k) => k === i ? choice : other) });
  }

  /** The line under a card's name, and what the library has to say against its options. */
  function describe(card: HTMLElement, i: number): void {
    const choice = store.state.curves[i];
    const curve = curves[i];
    if (choice === undefined || curve === undefined) return;
    const message = "error" in curve ? curve.error : "";
    const short = Object.entries(compact(choice, offerOf(choice)?.options).options).map(([name, value]) => `${name} ${showOption(value)}`);
    card.querySelector(".short")!.textContent = message || short.join(" · ") || "as it comes";
    const problem = card.querySelector<HTMLElement>(".problem")!;
    if (problem.textContent !== message) problem.textContent = message;
    card.classList.toggle("wrong", message !== "");
    card.querySelector(".kind")!.textContent = "error" in curve || offerOf(choice)?.from === "service"
      ? offerOf(choice)?.from === "service" ? "Computed by this service." : ""
      : curve.returns === "value"
      ? "It sets lr itself; the base lr does not count."
      : "A factor of the base lr.";
  }

  function cardOf(choice: Choice, i: number): HTMLElement {
    const id = `curve-${i}`;
    const offer = offerOf(choice);
    const select = scheduleSelect(offers, choice.name, `${id}-name`);
    select.addEventListener("change", () => {
      const next = offers.find(({ name }) => name === select.value);
      if (next !== undefined) setCurve(i, { name: next.name, options: startOptions(next, span()) });
      rebuild();
    });
    const controls = optionControls({
      id,
      specs: offer?.options ?? {},
      values: choice.options,
      span: span(),
      changed: (option, value) => setCurve(i, { name: choice.name, options: { ...store.state.curves[i].options, [option]: value } }),
      inner: (option) => innerOf(registry, offers, choice, option, span()),
    });
    const details = element(
      "details",
      { class: "card", id },
      element(
        "summary",
        { id: `${id}-summary` },
        tagOf(i),
        element("span", { class: "who" }, choice.name, element("span", { class: "short" })),
      ),
      element(
        "div",
        { class: "body" },
        element("div", { class: "pick" }, element("label", { for: `${id}-name` }, "Schedule"), select),
        element("p", { class: "about" }, offer?.description ?? "", element("br"), element("span", { class: "kind" })),
        element("p", { class: "problem", role: "alert" }),
        controls,
        element(
          "div",
          { class: "row" },
          button("Duplicate", `curve ${i + 1}`, `${id}-duplicate`, () => addCurve(store.state.curves[i])),
          button("Remove", `curve ${i + 1}`, `${id}-remove`, () => remove(i)),
        ),
      ),
    );
    details.style.setProperty("--own", `var(--c${i})`);
    details.open = open.has(i);
    details.addEventListener("toggle", () => {
      if (details.open) open.add(i);
      else open.delete(i);
      if (details.open) code.choose(i);
    });
    return details;
  }

  function addCurve(choice: Choice): void {
    const { curves: choices } = store.state;
    if (choices.length >= mostCurves) return;
    open.clear();
    open.add(choices.length);
    store.set({ curves: [...choices, choice] });
    code.choose(choices.length);
    rebuild();
    byId(`curve-${choices.length}-summary`).focus();
  }

  function remove(i: number): void {
    const left = store.state.curves.filter((_, k) => k !== i);
    const kept = [...open].filter((k) => k !== i).map((k) => k > i ? k - 1 : k);
    open.clear();
    for (const k of kept) open.add(k);
    store.set({ curves: left });
    rebuild();
    (left.length > 0 ? byId(`curve-${Math.min(i, left.length - 1)}-summary`) : add).focus();
  }

  /** The cards anew; the focus stays where it was. */
  function rebuild(): void {
    isDue = false;
    const focused = document.activeElement?.id ?? "";
    cards.replaceChildren(...store.state.curves.map(cardOf));
    const isFull = store.state.curves.length >= mostCurves;
    add.disabled = isFull;
    byId("most").textContent = isFull ? `${mostCurves} curves are the most that can be told apart.` : "";
    if (focused !== "" && document.activeElement === document.body) document.getElementById(focused)?.focus();
    compute();
    draw();
    [...cards.children].forEach((card, i) => describe(card as HTMLElement, i));
    code.refresh();
  }

  function fillAdd(): void {
    add.replaceChildren(element("option", { value: "" }, "Add a curve …"), ...groupsOf(offers, ""));
  }

  add.addEventListener("change", () => {
    const offer = offers.find(({ name }) => name === add.value);
    add.selectedIndex = 0;
    if (offer !== undefined) addCurve({ name: offer.name, options: startOptions(offer, span()) });
  });
  scrub.addEventListener("input", () => store.set({ at: Number(scrub.value) }));
  for (const scale of ["linear", "log"] as const) {
    byId<"input">(`scale-${scale}`).addEventListener("change", () => store.set({ scale }));
  }
  byId<"details">("table").addEventListener("toggle", table);
  const [left, right] = chart.inset;
  byId("scrub-place").style.padding = `0 ${right}px 0 ${left}px`;

  /** The sliders above the chart. */
  function toolbar(): void {
    const { to, lr, scale } = store.state;
    byId<"input">(`scale-${scale}`).checked = true;
    const places = [
      {
        id: "to",
        label: "Steps",
        value: to,
        range: stepsRange,
        allowed: wholeNumbers(1),
        set: (to: number) => store.set({ to }),
      },
      { id: "lr", label: "Base lr", value: lr, range: lrRange, allowed: aboveZero, set: (lr: number) => store.set({ lr }) },
    ];
    for (const place of places) {
      const { id } = place;
      byId(`${id}-place`).replaceChildren(...slider({ ...place, note: `${id}-note` }).rows);
    }
  }

  store.listen((before, isLoaded) => {
    const { state } = store;
    if (isLoaded) {
      open.clear();
      open.add(0);
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
  askService(own).then((answer) => {
    service = answer;
    if (answer.needsToken) code.refresh();
    if (answer.offers.length === 0) return;
    offers = [...own, ...answer.offers];
    fillAdd();
    rebuild();
  });
}

/** The schedules that fit into an option of another one, with their specs. */
export function innerOf(
  registry: AnyRegistry,
  offers: readonly Offer[],
  outer: Choice,
  option: string,
  span: Span,
): readonly (Choice & { readonly specs: Offer["options"] })[] {
  return innerChoices(registry, offers, outer, option, span)
    .map((choice) => ({ ...choice, specs: offers.find(({ name }) => name === choice.name)!.options }));
}

/** A choice of schedules by what they return. */
export function scheduleSelect(offers: readonly Offer[], chosen: string, id: string): HTMLSelectElement {
  const select = element("select", { id }, ...groupsOf(offers, chosen));
  select.value = chosen;
  return select;
}

function groupsOf(offers: readonly Offer[], chosen: string): readonly HTMLElement[] {
  const own = offers.filter(({ from }) => from === "page");
  const groups: readonly (readonly [string, readonly Offer[]])[] = [
    ["Factors of the base lr", own.filter(({ returns }) => returns === "factor")],
    ["Values of their own", own.filter(({ returns }) => returns === "value")],
    ["From this service", offers.filter(({ from }) => from === "service")],
  ];
  const stranger = chosen !== "" && !offers.some(({ name, returns }) => name === chosen && returns !== "metric");
  return [
    ...(stranger ? [element("option", { value: chosen }, chosen)] : []),
    ...groups.filter(([, some]) => some.length > 0)
      .map(([label, some]) => element("optgroup", { label }, ...some.map(({ name }) => element("option", { value: name }, name)))),
  ];
}

/** The number of a curve, in its colour. */
function tagOf(i: number): HTMLElement {
  const tag = element("span", { class: "tag" }, String(i + 1));
  tag.style.setProperty("--own", `var(--c${i})`);
  return tag;
}

/** A button whose name says to what it belongs. */
export function button(words: string, of: string, id: string, click: () => void): HTMLButtonElement {
  return element("button", { type: "button", id, click }, words, element("span", { class: "unseen" }, ` ${of}`));
}

interface Reading {
  readonly value: number | null;
  readonly isNear: boolean;
}

function wordsOf({ value, isNear }: Reading, show: (value: number) => string, none = "–", near = "≈"): string {
  if (value === null) return none;
  return isNear ? `${near} ${show(value)}` : show(value);
}

function showOption(value: unknown): string {
  if (typeof value === "number") return showNumber(value);
  if (Array.isArray(value)) return value.map(showOption).join(", ");
  return typeof value === "object" ? (value as Partial<Choice> | null)?.name ?? JSON.stringify(value) : String(value);
}

/** Options of curves that a link leaves out are as the library takes them, or as a new curve has them. */
export function completeCurves(registry: AnyRegistry, state: PageState): PageState {
  const span = { steps: state.to, lr: state.lr };
  const curves = state.curves.map((choice) => {
    const plugin = registry.plugins.find(({ kind, name }) => kind === "schedule" && name === choice.name);
    if (plugin === undefined) return choice;
    const defaults = Object.fromEntries(Object.entries(plugin.options as Offer["options"]).map(([name, spec]) => [name, spec.default]));
    const starts = startOptions(plugin, span);
    return {
      name: choice.name,
      options: Object.fromEntries(
        [...Object.keys(starts), ...Object.keys(choice.options)].map((
          name,
        ) => [name, Object.hasOwn(choice.options, name) ? choice.options[name] : defaults[name] ?? starts[name]]),
      ),
    };
  });
  return { ...state, curves };
}
