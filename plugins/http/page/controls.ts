/// <reference lib="dom" />
/**
 * Controls of options, made from their specs: a slider with a box to type in, a switch, a choice, or a text.
 *
 * @module
 */
import type { OptionSpec } from "../../../core/plugin.ts";
import { element } from "./element.ts";
import { readNumber, showNumber } from "./numbers.ts";
import { controlOf, type Range, type Span } from "./ranges.ts";
import type { Choice } from "./state.ts";

/** Options that are being set. */
export interface Editing {
  /** Begins the ids of its controls; unique in the page, and the same when they are made anew. */
  readonly id: string;
  /** The specs by name. */
  readonly specs: Readonly<Record<string, OptionSpec<unknown>>>;
  /** The values now. */
  readonly values: Readonly<Record<string, unknown>>;
  /** What the ranges are measured by. */
  readonly span: Span;
  /** Called with all values when one has changed. */
  changed(values: Readonly<Record<string, unknown>>): void;
  /** The schedules that an option takes which is itself a schedule. */
  inner(option: string): readonly (Choice & { readonly specs: Readonly<Record<string, OptionSpec<unknown>>> })[];
}

/** A control for each option. */
export function optionControls({ id, specs, values, span, changed, inner }: Editing): HTMLElement {
  const now: Record<string, unknown> = { ...values };
  const set = (name: string, value: unknown): void => {
    now[name] = value;
    changed({ ...now });
  };
  const rows = Object.entries(specs).map(([name, spec]): HTMLElement => {
    const control = controlOf(name, spec, span);
    const part: Part = {
      id: `${id}-${name}`,
      name,
      spec,
      value: Object.hasOwn(now, name) ? now[name] : spec.default,
      set: (value) => set(name, value),
    };
    switch (control.kind) {
      case "number":
        return numberRow(part, control.range, control.nullable);
      case "numbers":
        return numbersRow(part, control.range, control.count);
      case "switch":
        return switchRow(part);
      case "choice":
        return choiceRow(part, control.values);
      case "schedule":
        return scheduleRow(part, inner(name), span, inner);
      case "json":
        return textRow(part);
    }
  });
  return element("div", { class: "options" }, ...rows);
}

interface Part {
  readonly id: string;
  readonly name: string;
  readonly spec: OptionSpec<unknown>;
  readonly value: unknown;
  readonly set: (value: unknown) => void;
}

/** A slider and a box for one number, each following the other. */
export function slider(
  { id, label, name, note, range, value, set }: {
    readonly id: string;
    readonly label: string;
    readonly name: string;
    readonly note: string;
    readonly range: Range;
    readonly value: number | null;
    readonly set: (value: number) => void;
  },
): { readonly slide: HTMLInputElement; readonly box: HTMLInputElement; enable(isOn: boolean): void } {
  const slide = element("input", { type: "range", id, min: 0, max: range.last, step: 1, "aria-describedby": note });
  const box = element("input", {
    type: "text",
    class: "box",
    id: `${id}-box`,
    inputmode: "decimal",
    autocomplete: "off",
    spellcheck: "false",
    "aria-label": `${label}, exact`,
    "aria-describedby": note,
  });
  slide.dataset.option = name;
  box.dataset.option = name;
  const put = (value: number): void => {
    slide.value = String(range.position(value));
    slide.style.setProperty("--fill", `${(100 * Number(slide.value)) / range.last}%`);
    slide.setAttribute("aria-valuetext", showNumber(value, 12));
  };
  slide.addEventListener("input", () => {
    const value = range.value(Number(slide.value));
    put(value);
    box.value = showNumber(value, 12);
    box.removeAttribute("aria-invalid");
    set(value);
  });
  box.addEventListener("input", () => {
    const value = readNumber(box.value);
    box.toggleAttribute("aria-invalid", value === undefined);
    if (value === undefined) return box.setAttribute("aria-invalid", "true");
    put(value);
    set(value);
  });
  box.value = value === null ? "" : showNumber(value, 12);
  put(value ?? 0);
  return {
    slide,
    box,
    enable: (isOn) => {
      slide.disabled = box.disabled = !isOn;
    },
  };
}

function note({ id, spec }: Part): HTMLElement {
  return element("p", { class: "note", id: `${id}-note` }, spec.description);
}

function numberRow(part: Part, range: Range, nullable: boolean): HTMLElement {
  const { id, name, spec, set } = part;
  const given = typeof part.value === "number" ? part.value : null;
  // What a number would be, if there was one: where someone switches it on.
  let last = given ?? range.value(Math.ceil(range.last / 2));
  const { slide, box, enable } = slider({
    id,
    label: name,
    name,
    note: `${id}-note`,
    range,
    value: given ?? last,
    set: (value) => {
      last = value;
      set(value);
    },
  });
  const head = element("div", { class: "head" }, element("label", { for: id, class: "name" }, name));
  if (nullable) {
    const none = element("input", { type: "checkbox", id: `${id}-none` });
    none.checked = given === null;
    enable(given !== null);
    none.addEventListener("change", () => {
      enable(!none.checked);
      set(none.checked ? null : last);
    });
    head.append(element("label", { class: "none", for: `${id}-none` }, none, "null", element("span", { class: "unseen" }, ` for ${name}`)));
  }
  head.append(box);
  return element("div", { class: "option" }, head, slide, note({ ...part, spec }));
}

function numbersRow(part: Part, range: Range, count: number): HTMLElement {
  const values = Array.isArray(part.value) ? part.value.map(Number) : [];
  const rows = Array.from({ length: count }, (_, i) => {
    const { slide, box } = slider({
      id: `${part.id}-${i}`,
      label: `${part.name}[${i}]`,
      name: `${part.name}[${i}]`,
      note: `${part.id}-note`,
      range,
      value: values[i] ?? 0,
      set: (value) => {
        values[i] = value;
        part.set([...values]);
      },
    });
    const head = element("div", { class: "head" }, element("label", { for: `${part.id}-${i}`, class: "name" }, `${part.name}[${i}]`), box);
    return element("div", {}, head, slide);
  });
  return element("div", { class: "option" }, ...rows, note(part));
}

function switchRow(part: Part): HTMLElement {
  const { id, name, value, set } = part;
  const box = element("input", { type: "checkbox", id, role: "switch", class: "switch", "aria-describedby": `${id}-note` });
  box.checked = value === true;
  box.dataset.option = name;
  box.addEventListener("change", () => set(box.checked));
  return element(
    "div",
    { class: "option" },
    element("div", { class: "head" }, element("label", { for: id, class: "name" }, name), box),
    note(part),
  );
}

function choiceRow(part: Part, values: readonly unknown[]): HTMLElement {
  const { id, name, value, set } = part;
  const select = element("select", { id, "aria-describedby": `${id}-note` });
  values.forEach((one, i) => select.append(element("option", { value: i }, typeof one === "string" ? one : JSON.stringify(one))));
  select.selectedIndex = values.findIndex((one) => JSON.stringify(one) === JSON.stringify(value));
  select.dataset.option = name;
  select.addEventListener("change", () => set(values[select.selectedIndex]));
  return element(
    "div",
    { class: "option" },
    element("div", { class: "head" }, element("label", { for: id, class: "name" }, name), select),
    note(part),
  );
}

/** Lists of numbers as they are written down; all else as JSON. */
function textRow(part: Part): HTMLElement {
  const { id, name, value, set } = part;
  const isPlain = Array.isArray(value) && value.every((one) => typeof one === "number");
  const text = isPlain ? value.join(", ") : typeof value === "string" ? value : JSON.stringify(value);
  const box = element("input", {
    type: "text",
    id,
    class: "wide",
    autocomplete: "off",
    spellcheck: "false",
    "aria-describedby": `${id}-note`,
  });
  box.value = text;
  box.dataset.option = name;
  box.addEventListener("input", () => {
    const read = readText(box.value);
    if (read === undefined) return box.setAttribute("aria-invalid", "true");
    box.removeAttribute("aria-invalid");
    set(read);
  });
  return element(
    "div",
    { class: "option" },
    element("div", { class: "head" }, element("label", { for: id, class: "name" }, name)),
    box,
    note(part),
  );
}

function readText(text: string): unknown {
  const parts = text.trim().replace(/^\[|\]$/g, "").split(/[\s,;]+/).filter((part) => part !== "").map(readNumber);
  if (!/["{]/.test(text) && !["null", "true", "false"].includes(text.trim()) && parts.every((part) => part !== undefined)) return parts;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function scheduleRow(part: Part, choices: ReturnType<Editing["inner"]>, span: Span, inner: Editing["inner"]): HTMLElement {
  const { id, name, set } = part;
  const given = part.value as Partial<Choice> | null;
  const select = element("select", { id, "aria-describedby": `${id}-note` });
  for (const choice of choices) select.append(element("option", { value: choice.name }, choice.name));
  const held = element("div", { class: "inner" });
  const show = (choice: Choice): void => {
    const specs = choices.find((other) => other.name === choice.name)?.specs ?? {};
    held.replaceChildren(optionControls({
      id: `${id}-${choice.name}`,
      specs,
      values: choice.options,
      span,
      changed: (options) => set({ name: choice.name, options }),
      inner,
    }));
  };
  select.value = given?.name ?? "";
  select.addEventListener("change", () => {
    const choice = choices[select.selectedIndex];
    set({ name: choice.name, options: choice.options });
    show(choice);
  });
  if (typeof given?.name === "string") show({ name: given.name, options: given.options ?? {} });
  const head = element("div", { class: "head" }, element("label", { for: id, class: "name" }, name), select);
  return element("div", { class: "option" }, head, note(part), held);
}
