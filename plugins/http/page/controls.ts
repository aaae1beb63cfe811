/// <reference lib="dom" />
/**
 * Controls of options, made from their specs: a slider with a box to type in, a switch, a choice, or a text.
 *
 * @module
 */
import type { OptionSpec } from "../../../core/plugin/contract.ts";
import { element } from "./element.ts";
import { anyNumber } from "./numbers.ts";
import { allowedOf, controlOf, type Range, type Span } from "./ranges.ts";
import { slider } from "./slider.ts";
import type { Choice } from "./state.ts";
import { typed } from "./typed.ts";
import { json, listOf, plainText, type Writing } from "./writing.ts";

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
  /** Called when a value has changed. */
  changed(option: string, value: unknown): void;
  /** The schedules that an option takes which is itself a schedule. */
  inner(option: string): readonly (Choice & { readonly specs: Readonly<Record<string, OptionSpec<unknown>>> })[];
}

/** A control for each option. */
export function optionControls({ id, specs, values, span, changed, inner }: Editing): HTMLElement {
  const rows = Object.entries(specs).map(([name, spec]): HTMLElement => {
    const control = controlOf(name, spec, span);
    const part: Part = {
      id: `${id}-${name}`,
      name,
      spec,
      value: Object.hasOwn(values, name) ? values[name] : spec.default,
      set: (value) => changed(name, value),
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
      case "text":
        return textRow(part, plainText(control.nullable));
      case "list":
        return textRow(part, listOf(allowedOf(name, spec)));
      case "json":
        return textRow(part, json);
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

function note({ id, spec }: Part): HTMLElement {
  return element("p", { class: "note", id: `${id}-note` }, spec.description);
}

function numberRow(part: Part, range: Range, nullable: boolean): HTMLElement {
  const { id, name, set } = part;
  const given = typeof part.value === "number" ? part.value : null;
  // What a number would be, if there was one: where someone switches it on.
  let last = given ?? range.value(Math.ceil(range.last / 2));
  const none = element("input", { type: "checkbox", id: `${id}-none` });
  none.checked = given === null;
  const { rows, show } = slider({
    id,
    label: name,
    note: `${id}-note`,
    range,
    allowed: allowedOf(name, part.spec),
    value: nullable ? given : last,
    between: nullable
      ? [element("label", { class: "none", for: `${id}-none` }, none, "null", element("span", { class: "unseen" }, ` for ${name}`))]
      : [],
    set: (value) => {
      last = value;
      set(value);
    },
  });
  none.addEventListener("change", () => {
    const value = none.checked ? null : last;
    show(value);
    set(value);
  });
  return element("div", { class: "option" }, ...rows, note(part));
}

function numbersRow(part: Part, range: Range, count: number): HTMLElement {
  const values = Array.isArray(part.value) ? part.value.map(Number) : [];
  const rows = Array.from({ length: count }, (_, i) => {
    const { rows } = slider({
      id: `${part.id}-${i}`,
      label: `${part.name}[${i}]`,
      note: `${part.id}-note`,
      range,
      allowed: anyNumber,
      value: values[i] ?? 0,
      set: (value) => {
        values[i] = value;
        part.set([...values]);
      },
    });
    return element("div", {}, ...rows);
  });
  return element("div", { class: "option" }, ...rows, note(part));
}

function switchRow(part: Part): HTMLElement {
  const { id, name, value, set } = part;
  const box = element("input", { type: "checkbox", id, role: "switch", class: "switch", "aria-describedby": `${id}-note` });
  box.checked = value === true;
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
  select.addEventListener("change", () => set(values[select.selectedIndex]));
  return element(
    "div",
    { class: "option" },
    element("div", { class: "head" }, element("label", { for: id, class: "name" }, name), select),
    note(part),
  );
}

function textRow(part: Part, { read, write, words }: Writing): HTMLElement {
  const { id, name, set } = part;
  let now = part.value;
  const box = element("input", {
    type: "text",
    id,
    class: "wide",
    autocomplete: "off",
    spellcheck: "false",
    "aria-describedby": `${id}-note`,
  });
  const { place } = typed(box, {
    read,
    words,
    set: (value) => {
      now = value;
      set(value);
    },
    show: () => now === undefined ? "" : write(now),
  });
  return element(
    "div",
    { class: "option" },
    element("div", { class: "head" }, element("label", { for: id, class: "name" }, name)),
    place,
    note(part),
  );
}

function scheduleRow(part: Part, choices: ReturnType<Editing["inner"]>, span: Span, inner: Editing["inner"]): HTMLElement {
  const { id, name, set } = part;
  const given = part.value as Partial<Choice> | null;
  const select = element("select", { id, "aria-describedby": `${id}-note` });
  for (const choice of choices) select.append(element("option", { value: choice.name }, choice.name));
  const held = element("div", { class: "inner" });
  const show = (choice: Choice): void => {
    const specs = choices.find((other) => other.name === choice.name)?.specs ?? {};
    let { options } = choice;
    held.replaceChildren(optionControls({
      id: `${id}-${choice.name}`,
      specs,
      values: options,
      span,
      changed: (option, value) => {
        options = { ...options, [option]: value };
        set({ name: choice.name, options });
      },
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
