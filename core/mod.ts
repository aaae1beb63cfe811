/**
 * The library without a single plugin: registries, optimizers, trainers, and the types that plugins are made of.
 *
 * A program that imports from here and from the plugins' own entry points, such as `./optimizers/adamw`, holds nothing else.
 *
 * ## What there is
 *
 * - An **optimizer** ({@linkcode createOptimizer}, {@linkcode Optimizer}) updates named arrays in place, one algorithm for all of them, or one for each
 *   {@linkcode Group}. Its options can be read and assigned between steps; {@linkcode Schedule}s move them by the count of steps,
 *   {@linkcode MetricSchedule}s by a metric.
 * - A **transform** ({@linkcode TransformPlugin}) changes the gradient before the algorithm, or the update behind it: clipping, for one.
 * - An **accumulator** ({@linkcode Accumulator}) gathers gradients over micro-batches; a **trainer** ({@linkcode Trainer}) is an optimizer with one.
 * - A **recipe** ({@linkcode Recipe}) is all of it as JSON.
 * - A **registry** ({@linkcode createRegistry}, {@linkcode Registry}) knows plugins by name, with their options' types.
 * - A **plugin** is a plain object. What an algorithm does stands in its {@linkcode Rule}, as a text in the letters of the paper, which
 *   {@linkcode explain} shows as passes over memory.
 *
 * Errors are of the built-in classes. TypeError: an unknown name or option, the wrong kind of thing, a clash, something disposed. RangeError: a value, a
 * shape, a length, a dtype, memory. SyntaxError: a rule's text. They are thrown before anything changes.
 *
 * @example A bundle with one optimizer
 * ```ts
 * import { createOptimizer } from "@glissade/optim/core";
 * import { adamw } from "@glissade/optim/optimizers/adamw";
 *
 * const w = new Float32Array([1, 2]);
 * using optimizer = createOptimizer(adamw, { w }, { lr: 0.1 });
 * optimizer.step({ w: new Float32Array([0.5, -0.5]) });
 * console.log(w); // has moved
 * ```
 *
 * @module
 */
export { createBackend } from "../kernels/backends/create.ts";
export { explain } from "./explain.ts";
export { readPlugin } from "./json_plugin/read_plugin.ts";
export { pluginSchema, type Schema } from "./json_plugin/schema.ts";
export { createOptimizer } from "./optimizer/optimizer.ts";
export { type Facts, facts, type FactsRange } from "./facts.ts";
export { normalizeSchedule, type NormalUse } from "./plugin/normal_form.ts";
export { type Horizons, type Rebased, type RebaseNote, rebaseSchedule } from "./plugin/rebase.ts";
export { type PlotOptions, plotSchedule } from "./plot.ts";
export type * from "./plugin/contract.ts";
export { createRegistry, type Registry } from "./registry.ts";
export { differences } from "./training/differences.ts";
export type * from "./plugin/typed.ts";
export type * from "./types.ts";
