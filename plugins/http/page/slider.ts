/// <reference lib="dom" />
/**
 * A slider and a box for one number.
 *
 * @module
 */
import { element } from "./element.ts";
import { type Allowed, readAllowed, showNumber } from "./numbers.ts";
import type { Range } from "./ranges.ts";
import { typed } from "./typed.ts";

/** One number to set. */
export interface Setting {
  /** The slider's id; the box's is made from it. */
  readonly id: string;
  /** Its name, as one reads it. */
  readonly label: string;
  /** The id of what describes it. */
  readonly note: string;
  /** Where the slider goes. */
  readonly range: Range;
  /** Which numbers can be typed. */
  readonly allowed: Allowed;
  /** The value now; null: none. */
  readonly value: number | null;
  /** What stands between the name and the box. */
  readonly between?: readonly HTMLElement[];
  /** Takes another value. */
  readonly set: (value: number) => void;
}

/** A slider and a box for one number, each following the other; `show` gives them another value, or with null none, and then they rest. */
export function slider(
  { id, label, note, range, allowed, value, between = [], set }: Setting,
): { readonly rows: readonly HTMLElement[]; readonly show: (value: number | null) => void } {
  let now = value;
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
  const words = (): string => now === null ? "" : showNumber(now, 12);
  const put = (): void => {
    slide.value = String(now === null ? 0 : range.position(now));
    slide.style.setProperty("--fill", `${(100 * Number(slide.value)) / range.last}%`);
    slide.setAttribute("aria-valuetext", words() || "none");
  };
  const exact = typed(box, {
    read: (text) => readAllowed(text, allowed),
    words: () => allowed.words,
    // The box keeps what was typed as it was typed.
    set: (value) => {
      now = value;
      put();
      set(value);
    },
    show: words,
  });
  const show = (value: number | null): void => {
    now = value;
    slide.disabled = box.disabled = value === null;
    exact.show();
    put();
  };
  slide.addEventListener("input", () => {
    const value = range.value(Number(slide.value));
    show(value);
    set(value);
  });
  show(value);
  const name = element("label", { for: id, class: "name" }, label);
  return { rows: [element("div", { class: "head" }, name, ...between, exact.place), slide], show };
}
