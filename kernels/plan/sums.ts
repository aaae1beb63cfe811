/**
 * What follows a stage: partial sums of units to sums of tensors, and those to sums over all tensors.
 *
 * Partial sums are added in the order of units, and tensors in the order of items, so that the bits do not depend on the number of threads. These
 * are the only places where a run reads what kernels have written.
 *
 * @module
 */
import { classes } from "../tables/classes.ts";
import { overTensors, type Reduction, reductions } from "../tables/ops.ts";
import { type Job, unitFields } from "./job.ts";
import type { ItemNumbers } from "./numbers.ts";

/** Adds up the partial sums of a job. */
export function collect({ code: { program: { values } }, numbers, shares, item }: ItemNumbers, job: Job): void {
  const { kernel, units, totals } = job;
  const unitCount = units.length / unitFields;
  const perUnit = totals.length / Math.max(1, unitCount);
  let total = 0;
  let column = 0;
  for (const { f, axis, value, pointer } of kernel.reductions) {
    const reduction = reductions[f];
    if (axis === "total") {
      let sum = reduction.identity;
      for (let unit = 0; unit < unitCount; unit++) sum = reduction.join(sum, totals[unit * perUnit + total]);
      total++;
      const { reduce, args: [arg] } = values[value];
      if (overTensors(reduce!.axis)) shares[value] = sum;
      else numbers[value] = reduction.finish(sum, classes[arg.cls].count(item.extent));
    } else if (axis === "col") {
      joinBands(job, reduction, column++, pointer);
    }
  }
}

/** Adds up the bands' partial sums of the job's nth column reduction, where its matrices are cut into bands. */
function joinBands(
  { memory, units, columns, batch, rows, cols }: Job,
  { identity, join, finish }: Reduction,
  nth: number,
  pointer: number,
): void {
  if (columns === null) return;
  const { buffer, byteOffset } = memory[pointer];
  const into = new Float32Array(buffer, byteOffset, batch * cols);
  const bands = units.length / unitFields / batch;
  const sums = new Float64Array(cols);
  for (let b = 0; b < batch; b++) {
    sums.fill(identity);
    // Band by band, as they lie in memory: column by column took three times as long.
    for (let k = 0; k < bands; k++) {
      const at = ((nth * batch + b) * bands + k) * cols;
      for (let c = 0; c < cols; c++) sums[c] = join(sums[c], columns[at + c]);
    }
    for (let c = 0; c < cols; c++) into[b * cols + c] = finish(sums[c], rows);
  }
}

/** A complete sum over tensors: its value goes to all that may read it, or each group's to that group. */
export function spread(key: string, items: readonly ItemNumbers[]): void {
  const { alls, values } = items[0].code.program;
  if (alls.some(({ id }) => values[id].reduce!.all === key && values[id].reduce!.axis === "group")) {
    for (const slots of new Set(items.map(({ group }) => group.slots))) join(key, items.filter(({ group }) => group.slots === slots));
  } else join(key, items);
}

function join(key: string, items: readonly ItemNumbers[]): void {
  const ids = items.map(({ code: { program: { alls, values } } }) => alls.find(({ id }) => values[id].reduce!.all === key)!.id);
  const { identity, join, finish } = reductions[items[0].code.program.values[ids[0]].reduce!.f];
  let sum = identity;
  let n = 0;
  items.forEach(({ code: { program: { values } }, shares, item }, i) => {
    sum = join(sum, shares[ids[i]]);
    n += classes[values[ids[i]].args[0].cls].count(item.extent);
  });
  const value = finish(sum, n);
  items.forEach(({ own, shared }, i) => {
    shared.numbers[ids[i]] = value;
    if (own !== null) own[ids[i]] = value;
  });
}
