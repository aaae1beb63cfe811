/// <reference lib="dom" />
/**
 * Elements in one expression.
 *
 * @module
 */

/** Attributes by name; `true` writes an empty one, `false` none; a function listens to the event of its name. */
export type Attributes = Readonly<Record<string, string | number | boolean | ((event: Event) => void)>>;

/** An element with attributes and children. */
export function element<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: readonly (Node | string)[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") made.addEventListener(name, value);
    else if (value === true) made.setAttribute(name, "");
    else if (value !== false) made.setAttribute(name, String(value));
  }
  made.append(...children);
  return made;
}

/** The element of page.html with this id. */
export function byId<K extends keyof HTMLElementTagNameMap = "div">(id: string): HTMLElementTagNameMap[K] {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`Cannot find #${id}: page.html and this script do not fit together`);
  return found as HTMLElementTagNameMap[K];
}

/** A colour or another value of style.css, as it is in the reader's colour scheme. */
export function styleOf(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

/** Writes a text that is read out when it changes, or which the visitor may be about to press, where it is another than before. */
export function rewrite(place: Element, text: string): void {
  if (place.textContent !== text) place.textContent = text;
}
