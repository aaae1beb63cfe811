/// <reference lib="dom" />
/**
 * The sign of a curve or a run, in its colour.
 *
 * @module
 */
import { element } from "./element.ts";

/** The sign of the thing with a colour of the page, from 0; what stands in it is by default the colour's number, from 1. */
export function tagOf(colour: number, words: string = String(colour + 1)): HTMLElement {
  const tag = element("span", { class: "tag" }, words);
  tag.style.setProperty("--own", `var(--c${colour})`);
  return tag;
}
