/**
 * Names of backends. They stand apart from what makes backends, so that code that only checks a name loads none.
 *
 * @module
 */
import type { BackendName } from "../types.ts";

// A record, so that a missing name does not compile.
const names: Readonly<Record<BackendName, true>> = { js: true, wasm: true, threads: true };

/** The names, in the order in which errors list them. */
export const backendNames: readonly BackendName[] = /* @__PURE__ */ Object.keys(names) as BackendName[];
