/**
 * The library without a single plugin: registries, optimizers, trainers, and the types that plugins are made of.
 *
 * @module
 */
export { createBackend } from "../kernels/backends/create.ts";
export { explain } from "./explain.ts";
export { createOptimizer } from "./optimizer/optimizer.ts";
export { type PlotOptions, plotSchedule } from "./plot.ts";
export type * from "./plugin/contract.ts";
export { createRegistry, type Registry } from "./registry.ts";
export type * from "./plugin/typed.ts";
export type * from "./types.ts";
