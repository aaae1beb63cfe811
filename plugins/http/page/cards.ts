/// <reference lib="dom" />
/**
 * The cards of the curves: what each one is, its options, and what the library has to say against them.
 *
 * @module
 */
import { optionControls } from "./controls.ts";
import { type AnyRegistry, compact, type Curve, type Offer } from "./curves.ts";
import { byId, element } from "./element.ts";
import { endsOf, fit, type SpecsOf } from "./horizons.ts";
import { showNumber } from "./numbers.ts";
import { type Span, startOptions } from "./ranges.ts";
import { innerOf, scheduleSelect } from "./schedule_select.ts";
import { type Choice, mostCurves } from "./state.ts";
import type { Store } from "./store.ts";
import { tagOf } from "./tag.ts";

/** The cards. */
export interface Cards {
  /** Makes them anew; the focus stays where it was. */
  rebuild(): void;
  /** Says in each what became of its curve. */
  describe(): void;
  /** Adds a curve, opens its card alone, and goes there. */
  add(choice: Choice): void;
  /** Has only the first one open when they are made anew. */
  openFirst(): void;
}

/** What the cards stand in. */
export interface CardsOf {
  /** The page's plugins. */
  readonly registry: AnyRegistry;
  /** The curves' choices. */
  readonly store: Store;
  /** What can be chosen. */
  offers(): readonly Offer[];
  /** What became of the choices. */
  curves(): readonly Curve[];
  /** The specs of a schedule. */
  readonly specsOf: SpecsOf;
  /** Called where cards come, go or change their schedule: all is made anew. */
  changed(): void;
  /** Called with the curve whose card was opened. */
  opened(curve: number): void;
}

/** Fills `#cards`. */
export function createCards({ registry, store, offers, curves, specsOf, changed, opened }: CardsOf): Cards {
  const open = new Set<number>([0]);
  const place = byId("cards");
  /** The curve that was fitted last, and what did not come along. */
  let fitted: { readonly choice: Choice; readonly notes: string } | undefined;
  const offerOf = (choice: Choice): Offer | undefined => offers().find(({ name }) => name === choice.name);
  const span = (): Span => ({ steps: store.state.to, lr: store.state.lr });

  function setCurve(i: number, choice: Choice): void {
    store.set({ curves: store.state.curves.map((other, k) => k === i ? choice : other) });
  }

  function cardOf(choice: Choice, i: number): HTMLElement {
    const id = `curve-${i}`;
    const offer = offerOf(choice);
    const select = scheduleSelect(offers(), choice.name, `${id}-name`);
    select.addEventListener("change", () => {
      const next = offers().find(({ name }) => name === select.value);
      if (next !== undefined) setCurve(i, { name: next.name, options: startOptions(next, span()) });
      changed();
    });
    const controls = optionControls({
      id,
      specs: offer?.options ?? {},
      values: choice.options,
      span: span(),
      changed: (option, value) => setCurve(i, { name: choice.name, options: { ...store.state.curves[i].options, [option]: value } }),
      inner: (option) => innerOf(registry, offers(), choice, option, span()),
    });
    const fitButton = button("", `curve ${i + 1}`, `${id}-fit`, () => {
      const { choice, notes } = fit(store.state.curves[i], specsOf, registry.plugins, store.state.to);
      fitted = { choice, notes: notes.join(" ") };
      setCurve(i, choice);
      changed();
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
        element("p", { class: "note fitted", role: "status" }),
        controls,
        element(
          "div",
          { class: "row" },
          fitButton,
          button("Duplicate", `curve ${i + 1}`, `${id}-duplicate`, () => add(store.state.curves[i])),
          button("Remove", `curve ${i + 1}`, `${id}-remove`, () => remove(i)),
        ),
      ),
    );
    details.style.setProperty("--own", `var(--c${i})`);
    details.open = open.has(i);
    details.addEventListener("toggle", () => {
      if (details.open) open.add(i);
      else open.delete(i);
      if (details.open) opened(i);
    });
    return details;
  }

  /** The line under a card's name, what the library has to say against its options, and whether its end is elsewhere than the axis'. */
  function describeCard(card: HTMLElement, i: number): void {
    const choice = store.state.curves[i];
    const curve = curves()[i];
    if (choice === undefined || curve === undefined) return;
    const message = "error" in curve ? curve.error : "";
    const short = Object.entries(compact(choice, offerOf(choice)?.options).options).map(([name, value]) => `${name} ${showOption(value)}`);
    card.querySelector(".short")!.textContent = message || short.join(" · ") || "as it comes";
    const problem = card.querySelector<HTMLElement>(".problem")!;
    if (problem.textContent !== message) problem.textContent = message;
    card.classList.toggle("wrong", message !== "");
    card.querySelector(".kind")!.textContent = offerOf(choice)?.from === "service"
      ? "Computed by this service."
      : "error" in curve
      ? ""
      : curve.returns === "value"
      ? "It sets lr itself; the base lr does not count."
      : "A factor of the base lr.";
    const { to } = store.state;
    card.querySelector(".fitted")!.textContent = JSON.stringify(choice) === JSON.stringify(fitted?.choice) ? fitted!.notes : "";
    const fitButton = byId<"button">(`curve-${i}-fit`);
    fitButton.hidden = endsOf(choice, specsOf).every((end) => end === to);
    fitButton.firstChild!.textContent = `Fit to ${to.toLocaleString("en")} steps`;
  }

  function add(choice: Choice): void {
    const { curves } = store.state;
    if (curves.length >= mostCurves) return;
    open.clear();
    open.add(curves.length);
    store.set({ curves: [...curves, choice] });
    opened(curves.length);
    changed();
    byId(`curve-${curves.length}-summary`).focus();
  }

  function remove(i: number): void {
    const left = store.state.curves.filter((_, k) => k !== i);
    const kept = [...open].filter((k) => k !== i).map((k) => k > i ? k - 1 : k);
    open.clear();
    for (const k of kept) open.add(k);
    store.set({ curves: left });
    changed();
    byId(left.length > 0 ? `curve-${Math.min(i, left.length - 1)}-summary` : "add").focus();
  }

  return {
    rebuild() {
      const focused = document.activeElement?.id ?? "";
      place.replaceChildren(...store.state.curves.map(cardOf));
      if (focused !== "" && document.activeElement === document.body) document.getElementById(focused)?.focus();
    },
    describe: () => [...place.children].forEach((card, i) => describeCard(card as HTMLElement, i)),
    add,
    openFirst() {
      open.clear();
      open.add(0);
    },
  };
}

/** A button whose name says to what it belongs. */
function button(words: string, of: string, id: string, click: () => void): HTMLButtonElement {
  return element("button", { type: "button", id, click }, document.createTextNode(words), element("span", { class: "unseen" }, ` ${of}`));
}

function showOption(value: unknown): string {
  if (typeof value === "number") return showNumber(value);
  if (Array.isArray(value)) return value.map(showOption).join(", ");
  return typeof value === "object" ? (value as Partial<Choice> | null)?.name ?? JSON.stringify(value) : String(value);
}
