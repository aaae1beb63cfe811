/**
 * Ending a backend: by `using`, by name, and where the engine knows no Symbol.dispose.
 *
 * @module
 */
import { assertEquals, assertThrows } from "@std/assert";
import { test } from "node:test";
import { createBackend } from "../../kernels/backends/create.ts";
import { available } from "../../kernels/detect.ts";
import { disposeSymbol } from "../../kernels/dispose.ts";
import { runScript } from "./script.ts";

for (const name of available()) {
  test(`${name}: dispose() ends the backend, as often as it is called`, () => {
    const backend = createBackend(name);
    backend.dispose();
    backend.dispose();
    backend[disposeSymbol]();
    assertThrows(() => backend.allocate(1), TypeError, "disposed");
  });

  test(`${name} says that it gives the bits of "js"`, () => {
    using backend = createBackend(name);
    assertEquals(backend.agrees, "bits");
  });
}

test("using, as bundlers lower it, ends a backend in a realm without Symbol.dispose", () => {
  const { code, output, last } = runScript(`
    // WebKit's Symbol: all but the two.
    const whole = Symbol;
    const bare: any = (description?: string) => whole(description);
    for (const key of Reflect.ownKeys(whole)) {
      if (!["dispose", "asyncDispose", "length", "name"].includes(key as string)) {
        Object.defineProperty(bare, key, Object.getOwnPropertyDescriptor(whole, key)!);
      }
    }
    globalThis.Symbol = bare;
    const { available, createBackend } = await import("../../kernels/mod.ts");
    const ended: boolean[] = [];
    for (const name of available()) {
      let kept: any;
      {
        using backend = createBackend(name);
        kept = backend;
        kept.allocate(1);
      }
      ended.push(kept.disposed);
    }
    console.log(JSON.stringify({ bare: Symbol.dispose === undefined, ended, at: Date.now() }));
  `);
  assertEquals([code, last?.bare, last?.ended.length > 0, last?.ended.every(Boolean)], [0, true, true, true], output);
});
