/**
 * A backend's compiled kernels: one module for each kernel, one function for each arena that it runs in.
 *
 * @module
 */
import type { BackendOptions } from "../../types.ts";
import type { Arena } from "./arena.ts";

/** A kernel's function: see codegen.ts. Of a routine, routines.ts, the sixth argument is the number of the matrix. */
export type KernelFunction = (
  job: number,
  begin: number,
  end: number,
  rowBegin: number,
  rowEnd: number,
  totals: number,
  columns: number,
  local: number,
) => void;

/** A kernel that has been compiled. */
export interface CompiledKernel {
  /** Its number among the backend's kernels. */
  readonly id: number;
  /** null where the host forbids compiling and nobody has compiled it ahead, and of routines that are in JavaScript. */
  readonly module: WebAssembly.Module | null;
  /** By the arena's number. */
  readonly functions: KernelFunction[];
}

/** The kernels of one backend. */
export interface CompiledKernels {
  /** Compiled ahead, by {@linkcode kernelName}. */
  readonly ahead: BackendOptions["modules"];
  readonly bySignature: Map<string, CompiledKernel>;
  /** Told of every kernel that is compiled, for workers that compile it too. */
  readonly compiled: (id: number, bytes: Uint8Array<ArrayBuffer>) => void;
}

/** What becomes a module: a kernel, or a routine. */
export interface Source {
  /** Equal where the code is. */
  readonly signature: string;
  /** null: it runs in JavaScript, over the same memory. */
  readonly module: (() => Uint8Array<ArrayBuffer>) | null;
}

/** A short name of a kernel's text, for modules that are compiled ahead of time. */
export function kernelName({ signature }: Pick<Source, "signature">): string {
  // Two FNV-1a hashes with different seeds; a name is looked up, never trusted with memory.
  const hash = (seed: number): string => {
    let h = seed;
    for (let i = 0; i < signature.length; i++) h = Math.imul(h ^ signature.charCodeAt(i), 0x01000193);
    return (h >>> 0).toString(16).padStart(8, "0");
  };
  return `k${hash(0x811c9dc5)}${hash(0x2f0b4c47)}`;
}

/** A kernel, compiled when it is first asked for. */
export function compiledKernel({ ahead, bySignature, compiled }: CompiledKernels, source: Source): CompiledKernel {
  const known = bySignature.get(source.signature);
  if (known !== undefined) return known;
  const bytes = source.module?.() ?? null;
  const module = bytes && (ahead?.[kernelName(source)] ?? compile(bytes, ahead !== undefined));
  const made = { id: bySignature.size, module, functions: [] };
  if (bytes !== null && module !== null) compiled(made.id, bytes);
  bySignature.set(source.signature, made);
  return made;
}

function compile(bytes: Uint8Array<ArrayBuffer>, mayFail: boolean): WebAssembly.Module | null {
  try {
    return new WebAssembly.Module(bytes);
  } catch (error) {
    // A host that forbids compiling runs this kernel in JavaScript over the same memory, with the same bits. Elsewhere it is our mistake.
    if (mayFail) return null;
    throw error;
  }
}

/** A kernel's function over an arena, which has this number among the backend's; null where JavaScript must do. */
export function functionIn({ functions, module }: CompiledKernel, { memory }: Arena, arena: number): KernelFunction | null {
  if (module === null || memory === null) return null;
  return functions[arena] ??= new WebAssembly.Instance(module, { env: { memory } }).exports.k as KernelFunction;
}
