/**
 * Ending optimizers and trainers where the engine knows no Symbol.dispose, as WebKit.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { test } from "node:test";
import { runScript } from "../kernels/script.ts";

test("using, as bundlers lower it, ends optimizers and trainers in a realm without Symbol.dispose, and dispose() does", () => {
  const { code, output, last } = runScript(`
    const whole = Symbol;
    const bare: any = (description?: string) => whole(description);
    for (const key of Reflect.ownKeys(whole)) {
      if (!["dispose", "asyncDispose", "length", "name"].includes(key as string)) {
        Object.defineProperty(bare, key, Object.getOwnPropertyDescriptor(whole, key)!);
      }
    }
    globalThis.Symbol = bare;
    const { builtins, createBackend } = await import("../../mod.ts");
    const kept: any[] = [];
    const recipe = { optimizer: { name: "adamw" }, accumulate: { name: "mean", options: { every: 2 } } } as const;
    {
      using optimizer = builtins.createOptimizer("adamw", { w: new Float32Array(2) });
      using trainer = builtins.createTrainer({ w: new Float32Array(2) }, recipe);
      trainer.add({ w: new Float32Array(2) });
      kept.push(optimizer, trainer, trainer.optimizer);
    }
    const named = [builtins.createOptimizer("adamw", { w: new Float32Array(2) }), builtins.createTrainer({ w: new Float32Array(2) }, recipe)];
    for (const one of named) one.dispose();
    kept.push(...named);
    const ended = kept.map((one) => {
      try {
        (one.step ?? one.add)({ w: new Float32Array(2) });
        return "alive";
      } catch (error) {
        return error.message.endsWith("it is disposed");
      }
    });
    console.log(JSON.stringify({ bare: Symbol.dispose === undefined, ended, at: Date.now() }));
  `);
  assertEquals([code, last?.bare, last?.ended], [0, true, [true, true, true, true, true]], output);
});
