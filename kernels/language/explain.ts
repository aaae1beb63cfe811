/**
 * A program's passes as text, for people.
 *
 * @module
 */
import type { Kernel, RoutineCall } from "./kernel.ts";
import type { Value } from "./values.ts";

/** `1:transform/s` is read as `transform.s`, the rule's own `rule/m` as `m`. */
const shown = (key: string): string => key.replace(/^\d+:([^/]*)\//, "$1.").replace(/^[^/]*\//, "");

/** A line a pass: "pass 1: read p g m v, write p m v, reduce allnorm", or "pass 2: A = matmul(X, Y)". `labels`: what the text calls `#id`. */
export function explain(
  rounds: readonly (readonly Kernel[])[],
  routines: readonly (readonly RoutineCall[])[],
  values: readonly Value[],
  labels: ReadonlyMap<number, string>,
): string {
  const order = (key: string): number => key === "p" ? 0 : key === "g" ? 1 : 2;
  const name = (key: string): string => key.startsWith("#") ? labels.get(Number(key.slice(1))) ?? "" : shown(key);
  const list = (keys: Iterable<string>): string => {
    const names = [...new Set(keys)].sort((a, b) => order(a) - order(b)).map(name);
    return [...new Set(names)].filter((one) => one !== "").join(" ");
  };
  const lines = rounds.map((kernels, round) => {
    const read = list(kernels.flatMap(({ nodes, pointers }) => nodes.filter((n) => n.op === "load").map((n) => pointers[n.pointer].key)));
    const write = list(kernels.flatMap(({ stores, pointers }) => stores.map((s) => pointers[s.pointer].key)));
    const reduce = kernels.flatMap(({ reductions }) => reductions.map(({ value }) => values[value].reduce!))
      .map(({ f, axis }) => axis === "full" ? f : axis + f).join(" ");
    const calls = routines[round].map(({ routine, args, into }) =>
      `${name(into.key)} = ${routine}(${args.map(({ key }) => name(key)).join(", ")})`
    );
    return [read && `read ${read}`, write && `write ${write}`, reduce && `reduce ${reduce}`, ...calls].filter((part) => part !== "");
  });
  return lines.filter((parts) => parts.length > 0).map((parts, index) => `pass ${index + 1}: ${parts.join(", ")}`).join("\n");
}
