/**
 * WebGPU in Node and Bun, which have none of their own: Dawn, Chromium's implementation, from the npm package `webgpu`.
 *
 * The package has binaries for all platforms, 130 MB, so that CI puts it into a folder of its own. The adapter is the machine's, or else SwiftShader, which
 * Debian's Chromium comes with: `tests/all.ts` adds it to the drivers that Vulkan knows. Mesa's software adapter, on which Deno computes, Dawn refuses up to
 * Mesa 22 at the least: it lacks a feature ("shaderUniform*ArrayDynamicIndexing").
 *
 * @module
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath, pathToFileURL } from "node:url";

/** The package's folder. */
export const dawn: string = join(fileURLToPath(new URL("..", import.meta.url)), ".cache/webgpu/node_modules/webgpu");

/** What the package exports. */
interface Dawn {
  create(options: string[]): object;
  readonly globals: Readonly<Record<string, unknown>>;
}

/** Makes `navigator.gpu` and WebGPU's classes of the package, where there is the package and the runtime has none of its own. */
async function install(): Promise<boolean> {
  const scope = globalThis as { navigator?: { gpu?: object } };
  if (scope.navigator?.gpu !== undefined || !existsSync(dawn)) return false;
  const { create, globals }: Dawn = await import(pathToFileURL(join(dawn, "index.js")).href);
  Object.assign(globalThis, globals);
  if (scope.navigator === undefined) Object.defineProperty(globalThis, "navigator", { configurable: true, value: {} });
  Object.defineProperty(scope.navigator!, "gpu", { configurable: true, value: create([]) });
  return true;
}

/** Whether WebGPU is the package's here. */
export const isDawn: boolean = await install();

/** Whether this is Bun with the package: what takes minutes on SwiftShader runs in Node alone, with the same code. */
export const isDawnInBun: boolean = isDawn && "Bun" in globalThis;

/** What to do where no adapter is found; empty in Deno. */
export const advice: string = "Deno" in globalThis
  ? ""
  : existsSync(dawn)
  ? `; VK_ADD_DRIVER_FILES may name SwiftShader's, as ${process.env.VK_ADD_DRIVER_FILES ?? "tests/all.ts does"}`
  : " (npm install --no-save --ignore-scripts --prefix .cache/webgpu webgpu)";
