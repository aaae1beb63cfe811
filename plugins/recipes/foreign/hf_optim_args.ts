/**
 * What of `optim_args` reaches an optimizer of transformers 5.24's `Trainer`, by its name there: it passes over the rest without a word. A
 * `weight_decay` does not reach it either, since the Trainer's groups have their own.
 *
 * @module
 */
const taken: Readonly<Record<string, readonly string[]>> = {
  sgd: ["momentum", "dampening", "nesterov"],
  adagrad: ["lr_decay", "eps"],
  rmsprop: ["momentum", "alpha", "eps", "centered"],
};

/** The keys that an optimizer takes; most take none. */
export function optimArgsOf(optim: string): readonly string[] {
  return Object.hasOwn(taken, optim) ? taken[optim] : [];
}
