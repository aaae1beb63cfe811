/**
 * Kernels compiled ahead, by name. There are none in the source: build.ts puts a list of `.wasm` files in this file's place.
 *
 * @module
 */

/** The modules. */
export const modules: Readonly<Record<string, WebAssembly.Module>> = {};
