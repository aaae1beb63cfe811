/**
 * A program's passes as text, for people.
 *
 * @module
 */
import type { Kernel } from "./kernel.ts";
import type { Value } from "./values.ts";

/** `1:transform/s` is read as `transform.s`, the rule's own `rule/m` as `m`. */
const shown = (key: string): string => key.replace(/^\d+:([^/]*)\//, "$1.").replace(/^[^/]*\//, "");

/** A line a pass: "pass 1: read p g m v, write p m v, reduce allnorm". */
export function explain(rounds: readonly (readonly Kernel[])[], values: readonly Value[]): string {
  const order = (key: string): number => key === "p" ? 0 : key === "g" ? 1 : 2;
  return rounds.filter((kernels) => kernels.length > 0).map((kernels, index) => {
    const list = (keys: Iterable<string>): string =>
      [...new Set(keys)].filter((key) => !key.startsWith("#")).sort((a, b) => order(a) - order(b)).map(shown).join(" ");
    const read = list(kernels.flatMap(({ nodes, pointers }) => nodes.filter((n) => n.op === "load").map((n) => pointers[n.pointer].key)));
    const write = list(kernels.flatMap(({ stores, pointers }) => stores.map((s) => pointers[s.pointer].key)));
    const reduce = kernels.flatMap(({ reductions }) => reductions.map(({ value }) => values[value].reduce!))
      .map(({ f, axis }) => axis === "full" ? f : axis + f).join(" ");
    const parts = [read && `read ${read}`, write && `write ${write}`, reduce && `reduce ${reduce}`].filter((part) => part !== "");
    return `pass ${index + 1}: ${parts.join(", ")}`;
  }).join("\n");
}
