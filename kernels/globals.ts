/**
 * Types of globals that not every TypeScript library declares.
 *
 * A name that a library lacks becomes `any` in a user's program, without a word where `skipLibCheck` is on, and then `{ w: "hello" }` passes for a
 * tensor. So the public types ask whether a global is there, and take what is there: never `any`. Tried with TypeScript 5.2 to 7, with and without
 * `@types/node` and the DOM, by `deno task pack`. (TypeScript 5.4 has no `Float16Array`, ES2022 alone no `Disposable`, no `WebAssembly` and no
 * `AbortSignal`; before 5.7 `Uint8Array` takes no argument.)
 *
 * @module
 */

/** The global `Float16Array` where TypeScript knows it; else no value has this type. */
export type Float16Array = typeof globalThis extends { readonly Float16Array: { readonly prototype: infer T } } ? T : never;

/** The global `Disposable`, what `using` takes, where TypeScript knows `Symbol.dispose`; else an object of which nothing is known. */
export type Disposable = { [K in SymbolConstructor extends { readonly dispose: infer S extends symbol } ? S : never]: () => void };

/** A `Uint8Array` over memory of its own, which a `Response` or a file takes: `Uint8Array<ArrayBuffer>` from TypeScript 5.7 on. */
export type Bytes = ReturnType<Uint8ArrayConstructor["of"]>;

/** A `Uint32Array` over memory of its own, which a GPU's queue takes. */
export type Words = ReturnType<Uint32ArrayConstructor["of"]>;

/** The global `WebAssembly.Module` where TypeScript knows it; else any object. */
export type WasmModule = typeof globalThis extends { readonly WebAssembly: { readonly Module: { readonly prototype: infer T } } } ? T
  : object;

/** The global `GPUBuffer` where TypeScript knows it; else any object. */
export type GpuBuffer = typeof globalThis extends { readonly GPUBuffer: { readonly prototype: infer T } } ? T : object;

/** The global `GPUDevice` where TypeScript knows it; else any object. */
export type GpuDevice = typeof globalThis extends { readonly GPUDevice: { readonly prototype: infer T } } ? T : object;
