/**
 * An accumulator at work in a trainer: over all parameters of its optimizer, also those that come later.
 *
 * @module
 */
import { about } from "../errors.ts";
import type { AccumulatorPlugin } from "../plugin/contract.ts";
import type { Find } from "../plugin/use.ts";
import type { Accumulator, Optimizer } from "../types.ts";
import { lend, makeAccumulator } from "./accumulators.ts";

/** An accumulator at work in a trainer. */
export interface Gathering {
  /** Of its plugin. */
  readonly name: string;
  readonly accumulator: Accumulator;
  /** Names of all gradients that ever came: an accumulator may go on giving one, as a sum gives zeros. */
  readonly ever: Set<string>;
  /** Lets it gather for parameters that have come since. */
  fit(): void;
  /** Gives its memory back. */
  end(): void;
}

/** A gathering of nothing yet. */
export function createGathering(find: Find, plugin: AccumulatorPlugin, options: object | undefined, optimizer: Optimizer): Gathering {
  const { name } = plugin;
  const make = (): { readonly params: Optimizer["params"]; readonly accumulator: Accumulator; takeBack(): void } => {
    const { params } = optimizer;
    const { backend, takeBack } = lend(optimizer.backend);
    try {
      return { params, accumulator: makeAccumulator(plugin, options, params, backend, find), takeBack };
    } catch (error) {
      takeBack();
      throw error;
    }
  };
  let made = make();
  return {
    name,
    get accumulator() {
      return made.accumulator;
    },
    ever: new Set(),
    fit() {
      if (made.params === optimizer.params) return;
      const next = make();
      try {
        move(name, made.accumulator, next.accumulator);
      } catch (error) {
        next.takeBack();
        throw error;
      }
      made.takeBack();
      made = next;
    },
    end: () => made.takeBack(),
  };
}

/** True for an accumulator that can be saved and loaded. */
export const canBeSaved = (accumulator: Accumulator): accumulator is Required<Accumulator> =>
  typeof accumulator.saveState === "function" && typeof accumulator.loadState === "function";

/** Brings what one has gathered to the other, which is for more parameters. */
function move(name: string, from: Accumulator, into: Accumulator): void {
  if (canBeSaved(from) && canBeSaved(into)) return into.loadState(from.saveState());
  if (from.count === 0) return;
  const message =
    `Cannot gather for parameters that were added: accumulator "${name}" has gathered ${from.count} micro-batches and has no saveState and ` +
    "loadState; flush first";
  throw about(new TypeError(message), { plugin: name });
}
