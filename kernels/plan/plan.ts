/**
 * A plan: items laid out as jobs and units, and the numbers between dispatches.
 *
 * What is common to all backends lives here, so that it is the same bits by construction: how a tensor is cut into units (by its shape alone,
 * never by the number of threads), the order in which partial sums are added, and the float64 arithmetic of options, groups and scalars.
 *
 * @module
 */
import { roundTo } from "../half.ts";
import { maths } from "../math.ts";
import type { Kernel } from "../language/kernel.ts";
import type { Passes, Value } from "../language/passes.ts";
import { type ReductionName, reductions } from "../tables/ops.ts";
import { type Executor, type Job, type Region, unitFields } from "./job.ts";
import type { Extent, Item, Plan, Scalars } from "../types.ts";

// One unit of a flat kernel that sums: a partial sum each, so its size may not depend on the number of threads. Each call of a kernel costs what
// the memory prefetchers need to start again; 65,536 elements measured within 3 % of one call for all.
const chunk = 65_536;
// A flat kernel without sums may be cut anywhere: large units first, then ever smaller ones, so that threads end at the same time and few calls are
// made. On one thread it is one call: at 16 Mi elements 10 % faster than units of 32,768.
const leastShare = 32_768;
// A band of a matrix; also how many elements of small matrices make a unit.
const band = 65_536;
// Bands beyond these numbers would cost more in partial column sums than they spread.
const mostBands = 16;
const leastBandRows = 64;

// Elements of a wave: few enough that a round finds in the cache what the one before it read, enough to be shared out among threads. A rule of four
// rounds over the 131 tensors of T5-small took 6 % more time without waves on two threads, 2 % more with waves twice as large, 20 % more with half.
const waveElements = 1 << 20;

function count(v: Value, { size, batch, rows, cols }: Extent): number {
  switch (v.cls) {
    case "param":
      return size;
    case "row":
      return batch * rows;
    case "col":
      return batch * cols;
    case "batch":
      return batch;
    default:
      return 1;
  }
}

/** A kernel's loop over a tensor: a row kernel's columns are the rows of each matrix. */
function loop({ domain }: Kernel, { size, batch, rows, cols }: Extent): { size: number; batch: number; rows: number; cols: number } {
  switch (domain) {
    case "param":
      return { size, batch, rows, cols };
    case "row":
      return { size: batch * rows, batch: 1, rows: batch, cols: rows };
    case "col":
      return { size: batch * cols, batch: 1, rows: batch, cols };
    case "batch":
      return { size: batch, batch: 1, rows: 1, cols: batch };
  }
}

function cut(kernel: Kernel, { size, batch, rows, cols }: ReturnType<typeof loop>, threads: number): { units: Int32Array; bands: number } {
  const units: number[] = [];
  if (kernel.shape === "flat") {
    for (let at = 0; at < size;) {
      const share = threads === 1 ? size : Math.max(leastShare, Math.ceil((size - at) / (2 * threads) / 64) * 64);
      const end = Math.min(size, at + (kernel.reductions.length > 0 ? chunk : share));
      units.push(at, end, 0, 0, -1);
      at = end;
    }
    return { units: Int32Array.from(units), bands: 1 };
  }
  const hasColumns = kernel.reductions.some(({ axis }) => axis === "col");
  const area = rows * cols;
  if (area <= band) {
    const step = Math.max(1, Math.floor(band / Math.max(1, area)));
    for (let b = 0; b < batch; b += step) units.push(b, Math.min(batch, b + step), 0, rows, -1);
    return { units: Int32Array.from(units), bands: 1 };
  }
  const wanted = Math.ceil(area / band);
  const bands = hasColumns ? Math.max(1, Math.min(wanted, mostBands, Math.floor(rows / leastBandRows))) : Math.min(wanted, rows);
  const step = Math.ceil(rows / bands);
  const cuts = Math.ceil(rows / step);
  for (let b = 0; b < batch; b++) {
    for (let k = 0; k < cuts; k++) {
      units.push(b, b + 1, k * step, Math.min(rows, (k + 1) * step), hasColumns && cuts > 1 ? b * cuts + k : -1);
    }
  }
  return { units: Int32Array.from(units), bands: cuts };
}

// ------------------------------------------------------------------------------------------------------------------------------- scalars

type Step = (env: Float64Array) => void;

function step({ id, op, args, dtype }: Value): Step {
  const [a, b, c] = args.map((arg) => arg.id);
  const { pow, exp, log, cos } = maths;
  switch (op) {
    case "+":
      return (env) => void (env[id] = env[a] + env[b]);
    case "-":
      return (env) => void (env[id] = env[a] - env[b]);
    case "*":
      return (env) => void (env[id] = env[a] * env[b]);
    case "/":
      return (env) => void (env[id] = env[a] / env[b]);
    case "neg":
      return (env) => void (env[id] = -env[a]);
    case "<":
      return (env) => void (env[id] = env[a] < env[b] ? 1 : 0);
    case "<=":
      return (env) => void (env[id] = env[a] <= env[b] ? 1 : 0);
    case ">":
      return (env) => void (env[id] = env[a] > env[b] ? 1 : 0);
    case ">=":
      return (env) => void (env[id] = env[a] >= env[b] ? 1 : 0);
    case "==":
      return (env) => void (env[id] = env[a] === env[b] ? 1 : 0);
    case "!=":
      return (env) => void (env[id] = env[a] < env[b] || env[a] > env[b] ? 1 : 0);
    case "abs":
      return (env) => void (env[id] = Math.abs(env[a]));
    case "sqrt":
      return (env) => void (env[id] = Math.sqrt(env[a]));
    case "sign":
      return (env) => void (env[id] = env[a] > 0 ? 1 : env[a] < 0 ? -1 : env[a]);
    case "min":
      return (env) => void (env[id] = Math.min(env[a], env[b]));
    case "max":
      return (env) => void (env[id] = Math.max(env[a], env[b]));
    case "clamp":
      return (env) => void (env[id] = Math.min(Math.max(env[a], env[b]), env[c]));
    case "fma":
      return (env) => void (env[id] = env[a] * env[b] + env[c]);
    case "where":
      return (env) => void (env[id] = env[a] < 0 || env[a] > 0 ? env[b] : env[c]);
    case "round":
      return (env) => void (env[id] = roundTo(dtype, Math.fround(env[a])));
    case "pow":
      return (env) => void (env[id] = pow(env[a], env[b]));
    case "exp":
      return (env) => void (env[id] = exp(env[a]));
    case "log":
      return (env) => void (env[id] = log(env[a]));
    case "cos":
      return (env) => void (env[id] = cos(env[a]));
    case "floor":
      return (env) => void (env[id] = Math.floor(env[a]));
    case "as":
      return (env) => void (env[id] = env[a]);
    default:
      throw new Error(`Cannot evaluate ${op} on numbers`);
  }
}

/** A program's scalar code. */
interface Code {
  readonly passes: Passes;
  readonly inputs: readonly { readonly id: number; readonly key: string }[];
  readonly constants: Float64Array;
  readonly groupReads: readonly { readonly id: number; readonly key: string }[];
  readonly tensorReads: readonly { readonly id: number; readonly key: string }[];
  readonly dims: readonly { readonly id: number; readonly key: keyof Extent }[];
  /** Ids that {@linkcode Code.groupSteps} computes before round k. */
  readonly groupIds: readonly (readonly number[])[];
  /** Steps before round k: those of options and groups, and those of a tensor. */
  readonly groupSteps: readonly (readonly Step[])[];
  readonly tensorSteps: readonly (readonly Step[])[];
  readonly groupStores: Passes["scalarStores"];
  readonly tensorStores: Passes["scalarStores"];
  /** Which sums over tensors must be there before round k. */
  readonly needs: readonly (readonly string[])[];
  /** Scalar values whose argument is a scalar too: an `all…` over a number per tensor. */
  readonly numberAlls: readonly { readonly id: number; readonly arg: number }[];
  /** False where every number is the group's: then tensors share one environment. */
  readonly perTensor: boolean;
}

const leaves = ["const", "input", "dim", "slot", "reduce"];

function code(passes: Passes): Code {
  const { values, scalars, scalarStores } = passes;
  const live = scalars.flat().map((id) => values[id]);
  const constants = new Float64Array(values.length);
  for (const v of live) if (v.op === "const") constants[v.id] = v.number;
  const of = (op: string, cls?: string) =>
    live.filter((v) => v.op === op && (cls === undefined || v.cls === cls)).map(({ id, key }) => ({ id, key }));
  const computed = (tensor: boolean) =>
    scalars.map((ids) => ids.map((id) => values[id]).filter((v) => !leaves.includes(v.op) && (v.cls === "scalar") === tensor));
  const reduces = values.filter((v) => v.op === "reduce");
  return {
    passes,
    inputs: of("input"),
    constants,
    groupReads: of("slot", "group"),
    tensorReads: of("slot", "scalar"),
    dims: of("dim") as Code["dims"],
    groupIds: computed(false).map((round) => round.map(({ id }) => id)),
    groupSteps: computed(false).map((round) => round.map(step)),
    tensorSteps: computed(true).map((round) => round.map(step)),
    groupStores: scalarStores.filter(({ cls }) => cls === "group"),
    tensorStores: scalarStores.filter(({ cls }) => cls === "scalar"),
    needs: passes.rounds.map((kernels, round) => {
      const read = [
        ...scalars[round].flatMap((id) => values[id].args),
        ...kernels.flatMap(({ scalars }) => scalars).map((id) => values[id]),
      ];
      return [...new Set(read.filter((v) => v.reduce?.axis === "all").map((v) => v.reduce!.all))];
    }),
    numberAlls: reduces.filter((v) => v.reduce!.axis === "all" && ["option", "group", "scalar"].includes(v.args[0].cls))
      .map((v) => ({ id: v.id, arg: v.args[0].id })),
    perTensor: live.some((v) => v.cls === "scalar") || reduces.some((v) => v.cls === "scalar" || v.reduce!.axis === "all"),
  };
}

const codes = new WeakMap<Passes, Code>();

function codeOf(passes: Passes): Code {
  let made = codes.get(passes);
  if (made === undefined) codes.set(passes, made = code(passes));
  return made;
}

/** The numbers of one group in one program at one t. */
interface Context {
  readonly env: Float64Array;
  values: Scalars;
}

/** The contexts of one (program, group); the first is the one whose group slots are kept. */
interface Family {
  readonly code: Code;
  readonly groupSlots: Map<string, number>;
  readonly contexts: Context[];
  used: number;
}

/** One item at work. */
interface Work {
  readonly item: Item;
  readonly code: Code;
  readonly family: Family;
  /** Its own numbers, or null where it shares its context's. */
  readonly own: Float64Array | null;
  env: Float64Array;
  context: Context;
  readonly jobs: readonly (readonly Job[])[];
  /** Raw sums of `all…` reductions, by id. */
  readonly raw: Float64Array;
  readonly results: ReadonlyMap<number, Region>;
}

/** Programs that advance together: stage by stage, each at its own round. */
interface Stage {
  readonly parts: readonly { readonly families: readonly Family[]; readonly works: readonly Work[]; readonly round: number }[];
  /** Keys of the `all…` sums that are complete afterwards, with the works that contributed. */
  readonly complete: readonly { readonly key: string; readonly works: readonly Work[] }[];
}

// ----------------------------------------------------------------------------------------------------------------------------------- plan

/** Lays items out for an executor. */
export function createPlan(items: readonly Item[], executor: Executor): Plan {
  const regions: Region[] = [];
  const runs: { run(): void; dispose(): void }[] = [];
  const dispose = (): void => {
    for (const run of runs.splice(0)) run.dispose();
    for (const region of regions.splice(0)) executor.release(region);
  };
  const scratch = (item: Item, bytes: number): Region => {
    const region = executor.scratch(item, Math.max(16, bytes));
    regions.push(region);
    return region;
  };

  const families: Family[] = [];
  const works: Work[] = [];
  let stages: readonly Stage[];
  try {
    for (const item of items) {
      const made = codeOf(item.program as Passes);
      let family = families.find((f) => f.code === made && f.groupSlots === item.groupSlots);
      if (family === undefined) families.push(family = { code: made, groupSlots: item.groupSlots, contexts: [], used: 0 });
      works.push(layOut(item, made, family, { threads: executor.threads, scratch }));
    }
    stages = inWaves(order(works, families));
    for (const { parts } of stages) {
      runs.push(executor.stage(parts.flatMap(({ works, round }) => works.flatMap((work) => work.jobs[round]))));
    }
  } catch (error) {
    dispose();
    throw error;
  }

  return {
    dispose,
    run(values: readonly Scalars[]): void {
      enter(works, families, values);
      stages.forEach(({ parts, complete }, index) => {
        for (const { families, works, round } of parts) {
          evaluate(families, works, round);
          for (const work of works) {
            for (const { kernel, scalars } of work.jobs[round]) {
              for (let i = 0; i < scalars.length; i++) scalars[i] = work.env[kernel.scalars[i]];
            }
          }
        }
        runs[index].run();
        for (const { works, round } of parts) for (const work of works) collect(work, round);
        for (const { key, works } of complete) spread(key, works);
      });
      leave(works, families);
    },
  };
}

function layOut(item: Item, code: Code, family: Family, memory: Pick<Executor, "threads" | "scratch">): Work {
  const { passes } = code;
  const results = new Map(passes.results.map((id) => [id, memory.scratch(item, 4 * count(passes.values[id], item.extent))]));
  const jobs = passes.rounds.map((kernels) => kernels.map((kernel) => job(item, kernel, results, memory)));
  const own = code.perTensor ? new Float64Array(passes.values.length) : null;
  const none: Context = { env: own ?? new Float64Array(0), values: {} };
  return { item, code, family, own, env: none.env, context: none, jobs, raw: new Float64Array(passes.values.length), results };
}

function job(
  item: Item,
  kernel: Kernel,
  results: ReadonlyMap<number, Region>,
  { threads, scratch }: Pick<Executor, "threads" | "scratch">,
): Job {
  const dims = loop(kernel, item.extent);
  const { units, bands } = cut(kernel, dims, threads);
  const floats = (n: number): Float64Array => {
    const { buffer, byteOffset } = scratch(item, 8 * n);
    return new Float64Array(buffer, byteOffset, n);
  };
  const { byteOffset, buffer } = scratch(item, 4 * kernel.scalars.length);
  const totals = kernel.reductions.filter(({ axis }) => axis === "total").length;
  const columns = kernel.reductions.filter(({ axis }) => axis === "col").length;
  return {
    kernel,
    item,
    memory: kernel.pointers.map(({ key }) => key.startsWith("#") ? results.get(Number(key.slice(1)))! : item.tensors[key].data),
    ...dims,
    scalars: new Float32Array(buffer, byteOffset, kernel.scalars.length),
    units,
    totals: floats(totals * units.length / unitFields),
    columns: columns > 0 && bands > 1 ? floats(columns * dims.batch * bands * dims.cols) : null,
  };
}

/** In which stages programs run: a program waits where it needs a sum over tensors of others that are not there yet. */
function order(works: readonly Work[], families: readonly Family[]): Stage[] {
  const codes = [...new Set(works.map(({ code }) => code))];
  const next = new Map(codes.map((code) => [code, 0]));
  const alls = new Map<string, { code: Code; round: number }[]>();
  for (const code of codes) {
    for (const { id, round } of code.passes.alls) {
      const { all } = code.passes.values[id].reduce!;
      alls.set(all, [...alls.get(all) ?? [], { code, round }]);
    }
  }
  const complete = new Set<string>();
  const stages: Stage[] = [];
  for (;;) {
    const left = codes.filter((code) => next.get(code)! < code.passes.rounds.length);
    if (left.length === 0) return stages;
    const ready = left.filter((code) => code.needs[next.get(code)!].every((key) => complete.has(key)));
    if (ready.length === 0) {
      throw new TypeError("Cannot order the passes: the texts of two groups sum over all tensors in different orders");
    }
    const parts = ready.map((code) => ({
      families: families.filter((family) => family.code === code),
      works: works.filter((work) => work.code === code),
      round: next.get(code)!,
    }));
    for (const code of ready) next.set(code, next.get(code)! + 1);
    const fresh = [...alls].filter(([key, list]) => !complete.has(key) && list.every(({ code, round }) => next.get(code)! > round));
    for (const [key] of fresh) complete.add(key);
    stages.push({
      parts,
      complete: fresh.map(([key, list]) => ({ key, works: works.filter(({ code }) => list.some((one) => one.code === code)) })),
    });
  }
}

/**
 * Rounds that wait for no sum over all tensors follow each other over a few tensors at a time: the second round then finds in the cache what the
 * first one read.
 */
function inWaves(stages: readonly Stage[]): Stage[] {
  const result: Stage[] = [];
  let sweep: Stage[] = [];
  for (const stage of stages) {
    sweep.push(stage);
    if (stage.complete.length === 0 && stage !== stages.at(-1)) continue;
    // Without a sum that completes, the next stage has no work that this one lacks: a first stage has them all.
    const waves = wavesOf(sweep[0].parts.flatMap(({ works }) => works), sweep.length);
    for (const wave of waves) {
      for (const { parts, complete } of sweep) {
        result.push({
          parts: parts.map(({ works, round }) => {
            const own = works.filter((work) => wave.has(work));
            return { families: [...new Set(own.map(({ family }) => family))], works: own, round };
          }),
          complete: wave === waves.at(-1) ? complete : [],
        });
      }
    }
    sweep = [];
  }
  return result;
}

function wavesOf(works: readonly Work[], rounds: number): Set<Work>[] {
  if (rounds === 1) return [new Set(works)];
  const waves: Set<Work>[] = [];
  let room = 0;
  for (const work of works) {
    if (room <= 0) waves.push(new Set()), room = waveElements;
    waves.at(-1)!.add(work);
    room -= work.item.extent.size;
  }
  return waves;
}

// ------------------------------------------------------------------------------------------------------------------------------- one run

/** Finds each item's context and loads what the text reads. */
function enter(works: readonly Work[], families: readonly Family[], values: readonly Scalars[]): void {
  for (const family of families) family.used = 0;
  works.forEach((work, index) => {
    const { family, code, own, item } = work;
    const given = values[index];
    let context: Context | undefined;
    for (let i = 0; i < family.used && context === undefined; i++) if (family.contexts[i].values === given) context = family.contexts[i];
    if (context === undefined) {
      context = family.contexts[family.used] ??= { env: Float64Array.from(code.constants), values: given };
      family.used++;
      context.values = given;
      const { env } = context;
      for (const { id, key } of code.inputs) env[id] = given[key];
      for (const { id, key } of code.groupReads) env[id] = family.groupSlots.get(key)!;
    }
    work.context = context;
    if (own === null) {
      work.env = context.env;
    } else {
      own.set(context.env);
      for (const { id, key } of code.dims) own[id] = item.extent[key];
      for (const { id, key } of code.tensorReads) own[id] = item.scalarSlots.get(key)!;
    }
  });
}

function evaluate(families: readonly Family[], works: readonly Work[], round: number): void {
  for (const { code, contexts, used } of families) {
    const ids = code.groupIds[round];
    const steps = code.groupSteps[round];
    for (let i = 0; i < used; i++) {
      const { env } = contexts[i];
      for (let k = 0; k < steps.length; k++) {
        // A group has one value of each of its slots, also where its tensors' step counts differ: the first tensor's.
        if (i > 0 && code.passes.values[ids[k]].op === "as") env[ids[k]] = contexts[0].env[ids[k]];
        else steps[k](env);
      }
    }
  }
  for (const { code, own, context, raw } of works) {
    if (own !== null) {
      for (const id of code.groupIds[round]) own[id] = context.env[id];
      for (const step of code.tensorSteps[round]) step(own);
    }
    for (const { id, arg } of code.numberAlls) raw[id] = (own ?? context.env)[arg];
  }
}

/** After a dispatch: unit sums to tensor sums, column bands to columns. */
function collect(work: Work, round: number): void {
  const { code: { passes: { values } }, env, raw, item } = work;
  for (const { kernel, units, totals, columns, batch, rows, cols, memory } of work.jobs[round]) {
    if (kernel.reductions.length === 0) continue;
    const unitCount = units.length / unitFields;
    const perUnit = totals.length / Math.max(1, unitCount);
    let total = 0;
    let column = 0;
    for (const { f, axis, value, pointer } of kernel.reductions) {
      if (axis === "total") {
        let sum = reductions[f].identity;
        for (let unit = 0; unit < unitCount; unit++) sum = reductions[f].join(sum, totals[unit * perUnit + total]);
        total++;
        const v = values[value];
        if (v.reduce!.axis === "all") raw[value] = sum;
        else env[value] = reductions[f].finish(sum, count(v.args[0], item.extent));
      } else if (axis === "col") {
        const nth = column++;
        if (columns === null) continue;
        const { buffer, byteOffset } = memory[pointer];
        const into = new Float32Array(buffer, byteOffset, batch * cols);
        const bands = unitCount / batch;
        const sums = new Float64Array(cols);
        for (let b = 0; b < batch; b++) {
          sums.fill(reductions[f].identity);
          // Band by band, as they lie in memory: column by column took three times as long.
          for (let k = 0; k < bands; k++) {
            const at = ((nth * batch + b) * bands + k) * cols;
            if (f === "max") { for (let c = 0; c < cols; c++) sums[c] = Math.max(sums[c], columns[at + c]); }
            else for (let c = 0; c < cols; c++) sums[c] += columns[at + c];
          }
          for (let c = 0; c < cols; c++) into[b * cols + c] = reductions[f].finish(sums[c], rows);
        }
      }
    }
  }
}

/** A complete sum over tensors: into every environment that may read it. */
function spread(key: string, works: readonly Work[]): void {
  let sum = NaN;
  let n = 0;
  let f: ReductionName = "sum";
  works.forEach(({ code: { passes: { values, alls } }, raw, item }, index) => {
    const { id } = alls.find(({ id }) => values[id].reduce!.all === key)!;
    f = values[id].reduce!.f;
    sum = reductions[f].join(index === 0 ? reductions[f].identity : sum, raw[id]);
    n += count(values[id].args[0], item.extent);
  });
  const value = reductions[f].finish(sum, n);
  for (const { code: { passes: { values, alls } }, own, context } of works) {
    const { id } = alls.find(({ id }) => values[id].reduce!.all === key)!;
    context.env[id] = value;
    if (own !== null) own[id] = value;
  }
}

/** What follows the last dispatch, and the slots that are numbers. */
function leave(works: readonly Work[], families: readonly Family[]): void {
  for (const family of families) {
    const { code, groupSlots, contexts } = family;
    evaluate([family], works.filter((work) => work.family === family), code.passes.rounds.length);
    if (family.used > 0) { for (const { key, id } of code.groupStores) groupSlots.set(key, contexts[0].env[id]); }
  }
  for (const { code, item, env } of works) for (const { key, id } of code.tensorStores) item.scalarSlots.set(key, env[id]);
}
