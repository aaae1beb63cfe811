/**
 * Small plugins for the tests of the core, each with what the core must serve: a direction, slots of every kind, entries, points, counts.
 *
 * @module
 */
import type { OptimizerPlugin, Schedule, SchedulePlugin, TransformPlugin } from "../../core/plugin/contract.ts";

/** Gradient descent. */
export const descent: OptimizerPlugin<"descent", { lr?: number }> = {
  kind: "optimizer",
  name: "descent",
  description: "Gradient descent",
  options: { lr: { default: 0.5, minimum: 0, description: "Learning rate" } },
  rule: () => ({ slots: {}, update: "u = g\np -= lr*u" }),
  scalars: ({ lr }) => ({ lr }),
};

/** Adds t to the parameter. */
export const counting = (counts: "tensor" | "group" | "optimizer"): OptimizerPlugin<"counting", object> => ({
  kind: "optimizer",
  name: "counting",
  description: "Adds t to the parameter",
  counts,
  options: {},
  rule: () => ({ slots: {}, update: "p += t + 0*g" }),
  scalars: () => ({}),
});

/** Every kind of slot, an entry, two points, an input, a reading. */
export const everything: OptimizerPlugin<"everything", { lr?: number; start?: number; more?: boolean }> = {
  kind: "optimizer",
  name: "everything",
  description: "Every kind of slot",
  options: {
    lr: { default: 1, description: "Learning rate" },
    start: { default: 2, description: "What the slots start from" },
    more: { default: false, description: "One slot more" },
  },
  rule: ({ start, more }) => ({
    slots: {
      o: { shape: "param", key: "start", init: "p" },
      m: { shape: "param", key: "momentum", init: start },
      r: { shape: "row", key: "row" },
      c: { shape: "col", key: "col" },
      b: { shape: "batch", key: "batch" },
      n: { shape: "scalar", key: "norm", init: start },
      k: { shape: "group", key: "count", init: start },
      h: { shape: "param", key: "hessian", input: true },
      ...(more ? { extra: { shape: "param", key: "extra" } as const } : {}),
    },
    update: `
      n  = norm(g)
      k += 1
      r  = rowmean(g)
      c  = colmean(g)
      b  = rowmean(c)
      m += g
      u  = m + h
      p -= lr*u
    `,
    also: { back: "p = o" },
    points: { start: "o", half: "0.5*p" },
  }),
  scalars: ({ lr }) => ({ lr }),
  reading: ({ lr }, t, { n, k }) => lr * 1000 + t * 100 + n * 10 + k,
};

/** Halves the direction. */
export const half: TransformPlugin<"half", object> = {
  kind: "transform",
  name: "half",
  description: "Halves the direction",
  options: {},
  rule: () => ({ after: "u *= 0.5" }),
};

/** A schedule that is told its steps. */
export const listed: SchedulePlugin<"listed", { values: readonly number[]; returns?: "factor" | "value" }, Schedule> = {
  kind: "schedule",
  name: "listed",
  description: "Values from a list",
  options: {
    values: { type: "array", description: "One for each step" },
    returns: { default: "factor", enum: ["factor", "value"], description: "What the values are" },
  },
  create: ({ values, returns }) => Object.assign((step: number) => values[step], { returns }),
};
