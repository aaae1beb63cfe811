/**
 * Routines as WASM modules with one function each, SIMD128 without relaxed operations.
 *
 * @module
 */
import type { RoutineJob } from "../../plan/job.ts";
import type { RoutineName } from "../../routines/table.ts";
import { eighBytes, eighModule } from "./eigh.ts";
import { matmulBytes, matmulModule } from "./matmul.ts";
import { argsortModule, gatherModule } from "./orders.ts";
import { qrBytes, qrModule } from "./qr.ts";
import { transposeModule } from "./transpose.ts";

/** A routine's module, and what it needs of a thread's memory. */
export interface RoutineLowering {
  /** Equal for equal modules, and like no kernel's. */
  readonly signature: string;
  /** null: it runs in JavaScript, on the calling thread. */
  readonly module: (() => Uint8Array<ArrayBuffer>) | null;
  /** Bytes of a thread's own memory for a call. */
  localBytes(job: RoutineJob): number;
}

const none = (): number => 0;

/** Routines by name. Nothing here is called before a routine is compiled. */
export const routineLowerings: Readonly<Record<RoutineName, RoutineLowering>> = {
  matmul: { signature: "routine matmul", module: matmulModule, localBytes: matmulBytes },
  transpose: { signature: "routine transpose", module: transposeModule, localBytes: none },
  qr: { signature: "routine qr", module: qrModule, localBytes: qrBytes },
  eigh: { signature: "routine eigh", module: eighModule, localBytes: eighBytes },
  argsort: { signature: "routine argsort", module: argsortModule, localBytes: none },
  gather: { signature: "routine gather", module: gatherModule, localBytes: none },
};
