/**
 * A backend over kernels that were compiled ahead. What was not runs in JavaScript over the same memory, with the same bits.
 *
 * @module
 */
import { createBackend } from "../../kernels/backends/create.ts";
import type { Backend } from "../../kernels/types.ts";
import { modules } from "./modules.ts";

/** Makes the backend. */
export function createKernels(): Backend {
  return createBackend("wasm", { modules });
}
