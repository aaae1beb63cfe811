/**
 * An optimizer from inside, and its step: options brought up to date, gradients looked at, a plan laid out, and run.
 *
 * @module
 */
import type { KernelBackend } from "../../kernels/backend.ts";
import type { Program } from "../../kernels/language/program.ts";
import type { Plan } from "../../kernels/plan/item.ts";
import type { Scalars, Tensor } from "../../kernels/types.ts";
import { type Cell, primeSlots } from "./param_state.ts";
import { copyGradient, type GradientSource, ownGradient, takeGradient } from "./gradients.ts";
import { baseOf, currentOf, type GroupAtWork, needsRules, rulePart, scalarNames, takeCurrent, valuesAt } from "./group.ts";
import { about, allAbout } from "../errors.ts";
import { isRecord, known, show } from "../names.ts";
import type { OptimizerPlugin } from "../plugin/contract.ts";
import { type Part, slotsText } from "./splice.ts";
import type { Raw } from "../tensors.ts";
import { hasEntry, programOf, type Text, textOf } from "./programs.ts";
import type { Grads } from "../types.ts";

/** An optimizer from inside. */
export interface Work extends GradientSource {
  readonly main: OptimizerPlugin;
  readonly groups: readonly GroupAtWork[];
  /** Base values of the options. */
  readonly base: Record<string, unknown>;
  /** In the order of the parameters. */
  readonly cells: Cell[];
  /** In name order, in which sums over tensors are added. */
  readonly ordered: Cell[];
  /** Grows with every assigned option. */
  version: number;
  steps: number;
  /** By entry: plans made before, the newest last. */
  readonly laid: Map<string, Laid[]>;
}

/** A plan for one set of tensors, gradients and programs. */
export interface Laid {
  readonly cells: readonly Cell[];
  /** Theirs, each once. */
  readonly groups: readonly GroupAtWork[];
  readonly gradients: readonly unknown[];
  readonly texts: readonly Text[];
  readonly writes: boolean;
  readonly plan: Plan;
  readonly values: Scalars[];
}

const mostLaid = 8;
/** Brings a group's options up to date and, where they change its texts, asks its rules again. */
export function refresh(work: Work, group: GroupAtWork): void {
  const isOld = group.version !== work.version;
  if (!isOld && group.scheduled.length === 0) return;
  let base = group.base;
  if (isOld) {
    base = baseOf(group, work.base);
    allAbout({ plugin: group.plugin.name, group: group.index }, () => group.plugin.check?.(base));
  }
  const current = currentOf(group, base, work.steps);
  if (needsRules(group, current)) {
    const scalars = scalarNames(group, current);
    const cells = work.cells.filter((cell) => cell.group === group.index);
    const texts = cells.map((cell) =>
      allAbout(
        { tensor: cell.info.name, group: group.index },
        () => newText(work.backend, cell, rulePart(group, current, scalars, cell.info)),
      )
    );
    cells.forEach((cell, i) => cell.text = texts[i]);
    group.scalars = scalars;
  }
  group.base = base;
  group.version = work.version;
  takeCurrent(group, current);
}

function newText(backend: KernelBackend, cell: Cell, part: Part): Text {
  const parts = [part, ...cell.transforms];
  if (slotsText(parts) !== cell.slotsText) {
    const message =
      `Cannot change the options of ${part.title} like this: parameter "${cell.info.name}" would need other slots; make a new optimizer`;
    throw about(new TypeError(message), { plugin: part.plugin });
  }
  return textOf(backend, parts, cell.param.dtype);
}

/** The cells that an entry runs over, with their gradients set; nothing is copied yet. */
function select(work: Work, entry: string, grads: Grads | undefined): Cell[] {
  const { ordered } = work;
  if (grads === undefined) {
    const cells = ordered.filter(({ text }) => hasEntry(text, entry));
    for (const cell of cells) {
      const reads = entry === "update" || programOf(cell.text, entry, cell.param.dtype).tensors.includes("g");
      cell.gradient = reads ? ownGradient(cell, cell.param.dtype, work) : null;
      cell.source = null;
    }
    return cells;
  }
  if (!isRecord(grads)) {
    throw new TypeError(`Cannot use ${show(grads)} as gradients: they are an object, name to tensor`);
  }
  const cells: Cell[] = [];
  let found = 0;
  for (const cell of ordered) {
    const { name } = cell.info;
    if (!Object.hasOwn(grads, name)) continue;
    found++;
    const gradient = grads[name];
    if (gradient === null || gradient === undefined) continue;
    try {
      takeGradient(cell, gradient, work);
    } catch (error) {
      throw about(error as Error, { tensor: name });
    }
    cells.push(cell);
  }
  const names = Object.keys(grads);
  if (names.length !== found) {
    const all = ordered.map(({ info }) => info.name);
    const wrong = names.find((name) => !all.includes(name))!;
    throw about(new TypeError(`Cannot use the gradient of ${show(wrong)}: there is no such parameter; ${known(all, wrong)}`), {
      tensor: wrong,
    });
  }
  return entry === "update" ? cells : cells.filter(({ text }) => hasEntry(text, entry));
}

/** Everything that can fail, before anything is written. */
export function prepare(work: Work, entry: string, grads: Grads | undefined): Laid | null {
  for (const group of work.groups) refresh(work, group);
  const cells = select(work, entry, grads);
  if (cells.length === 0) return null;
  checkArrays(cells);
  for (const { gradient, size, info } of cells) {
    if (gradient !== null && gradient.data.length !== size) {
      const message = `Cannot reach the gradient of "${info.name}": its array has ${gradient.data.length} elements now, not ${size}`;
      throw about(new RangeError(message), { tensor: info.name });
    }
  }
  const laid = lay(work, entry, cells);
  for (let i = 0; i < cells.length; i++) laid.values[i] = valuesAt(work.groups[cells[i].group], timeOf(work, cells[i]));
  return laid;
}

/** Refuses parameters whose arrays were transferred or resized since. */
export function checkArrays(cells: readonly Cell[]): void {
  for (const { raw, size, info } of cells) {
    if (raw.length !== size) {
      const message = `Cannot reach parameter "${info.name}": its array has ${raw.length} elements now, not ${size}`;
      throw about(new RangeError(message), { tensor: info.name });
    }
  }
}

/** t of a tensor's coming step. */
export function timeOf(work: Work, cell: Cell): number {
  return countOf(work, cell) + 1;
}

/** Steps so far, as the tensor's algorithm counts them. */
export function countOf({ groups, steps }: Work, cell: Cell): number {
  const group = groups[cell.group];
  switch (group.plugin.counts) {
    case "optimizer":
      return steps;
    case "group":
      return group.count;
    default:
      return cell.count;
  }
}

/** The plan for these cells, their gradients and their texts. */
function lay(work: Work, entry: string, cells: Cell[]): Laid {
  let made = work.laid.get(entry);
  if (made === undefined) work.laid.set(entry, made = []);
  for (let i = made.length - 1; i >= 0; i--) {
    if (!isLaidFor(made[i], cells)) continue;
    if (i < made.length - 1) made.push(...made.splice(i, 1));
    return made[made.length - 1];
  }
  const programs = cells.map(({ text, gradient }) => programOf(text, entry, gradient?.dtype ?? text.p));
  const plan = work.backend.plan(cells.map((cell, i) => itemOf(work, cell, programs[i], { g: cell.gradient! })));
  const laid = {
    cells,
    groups: [...new Set(cells.map(({ group }) => work.groups[group]))],
    gradients: cells.map(({ gradient }) => gradient),
    texts: cells.map(({ text }) => text),
    writes: programs.some(({ writes }) => writes.includes("p")),
    plan,
    values: [],
  };
  if (made.length >= mostLaid) made.shift()!.plan.dispose();
  made.push(laid);
  return laid;
}

function isLaidFor(laid: Laid, cells: readonly Cell[]): boolean {
  if (laid.cells.length !== cells.length) return false;
  for (let i = 0; i < cells.length; i++) {
    const cell = cells[i];
    if (laid.cells[i] !== cell || laid.gradients[i] !== cell.gradient || laid.texts[i] !== cell.text) return false;
  }
  return true;
}

export function itemOf(
  { groups }: Work,
  cell: Cell,
  program: Program,
  more: Readonly<Record<string, Tensor>>,
): Parameters<KernelBackend["plan"]>[0][number] {
  const tensors: Record<string, Tensor> = {};
  for (const key of program.tensors) tensors[key] = cell.tensors[key] ?? more[key];
  return { program, extent: cell.extent, tensors, scalarSlots: cell.scalarSlots, groupSlots: groups[cell.group].slots };
}

/** Copies in, runs, copies out. */
export function execute(backend: KernelBackend, { cells, plan, values, writes }: Laid): void {
  for (const cell of cells) copyGradient(cell);
  for (const cell of cells) {
    copyIn(cell);
    if (!cell.primed) primeSlots(backend, cell);
    cell.primed = true;
  }
  plan.run(values);
  if (writes) { for (const { copied, raw, p } of cells) if (copied) raw.set(p.data as Raw); }
}

export function copyIn({ copied, raw, p }: Cell): void {
  if (copied) (p.data as Raw).set(raw);
}
