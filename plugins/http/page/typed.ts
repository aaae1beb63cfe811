/// <reference lib="dom" />
/**
 * Boxes to type in. While one types, most texts are not yet what they will be: a box takes what it can read, marks all else with words for what
 * would do, and has its value again when it is left.
 *
 * @module
 */
import { element } from "./element.ts";

/** How a box is read and written. */
export interface Typing<T> {
  /** What a text means; undefined: nothing that is allowed. */
  read(text: string): T | undefined;
  /** What is allowed, for people who have typed something else. */
  words(text: string): string;
  /** Takes what was read. */
  set(value: T): void;
  /** The value that is there, as the box shows it. */
  show(): string;
}

/** A box that is read. */
export interface Typed {
  /** The box, with room for its message. */
  readonly place: HTMLElement;
  /** Shows the value that is there, whatever was typed. */
  show(): void;
}

/** Has a box with an id read; it moves into its place. */
export function typed<T>(box: HTMLInputElement, { read, words, set, show }: Typing<T>): Typed {
  const message = element("span", { class: "wanted", id: `${box.id}-problem`, role: "alert" });
  const place = element("span", { class: "typed" });
  const note = box.getAttribute("aria-describedby");
  box.setAttribute("aria-describedby", note === null ? message.id : `${note} ${message.id}`);
  box.replaceWith(place);
  place.append(box, message);
  const mark = (problem: string): void => {
    if (problem === "") box.removeAttribute("aria-invalid");
    else box.setAttribute("aria-invalid", "true");
    if (message.textContent !== problem) message.textContent = problem;
  };
  box.addEventListener("input", () => {
    const value = read(box.value);
    mark(value === undefined ? words(box.value) : "");
    if (value !== undefined) set(value);
  });
  const showNow = (): void => {
    mark("");
    box.value = show();
  };
  box.addEventListener("blur", () => box.hasAttribute("aria-invalid") && showNow());
  showNow();
  return { place, show: showNow };
}
