/**
 * Every optimizer of the reference cases on backend "webgpu", told what backend "js" was told: equal bits where its text sums nothing and the device's test
 * found plain rounding, and four times what the case allows from the truth elsewhere.
 *
 * @module
 */
import { test } from "node:test";
import { assertEquals } from "@std/assert";
import { fileURLToPath } from "node:url";
import { isDawn, isDawnInBun } from "../dawn.ts";
import { gpuTest, missing, onGpu } from "../webgpu.ts";
import { widen } from "./bits.ts";
import { runCase, unsupported } from "./cases.ts";
import { SINGLE_STEP, SPACING } from "./compare.ts";
import type { Case } from "./golden.ts";
import { contextOf } from "./registry.ts";
import { noting, type Played, replay } from "./replayed.ts";
import { grouped } from "./report.ts";

if (missing !== undefined) test.skip(`WebGPU is missing: ${missing}`, () => {});

const context = contextOf(fileURLToPath(new URL("golden", import.meta.url)));

const cases = context.golden.cases.filter((entry) => entry.expects.outputs.includes("params") && unsupported(context, entry) === undefined);

/** Four times the distance from the truth that the case allows, or of 16 bits four spacings. */
function boundOf({ args, expects }: Case): number {
  const spacing = SPACING[args.dtype as string];
  if (spacing !== undefined) return 4 * spacing;
  const own = Object.values(expects.precision?.params ?? {}).map((measure) => measure[3]);
  return 4 * (2 * Math.max(0, ...own) + SINGLE_STEP);
}

// SwiftShader takes half a minute to compile these cases' products of matrices: Deno alone runs them, and builtins_test.ts runs the same texts in Node too.
const isSlow = (group: string): boolean => isDawnInBun || isDawn && /^(Muon|SOAP) /.test(group);

for (const [group, entries] of grouped(cases, ({ system, item }) => `${item} of ${system}`)) {
  (isSlow(group) ? test.skip : gpuTest)(
    `${group} on the device is as on backend js in ${entries.length} cases`,
    onGpu(async (backend) => {
      const { roundsDivision, roundsSqrt, contracts, keepsNonFinite, flushesSubnormals } = backend.arithmetic;
      // Where numbers below the smallest normal one count as 0, the tensor of such numbers is another matter, and all others keep their bits.
      const isPlain = roundsDivision && roundsSqrt && keepsNonFinite && !contracts;
      const faults: string[] = [];
      for (const entry of entries) {
        const played: Played[] = [];
        runCase({ ...context, registry: noting(context.registry, played) }, entry);
        for (const note of played) {
          const { differences, sums } = await replay(context.registry, backend, note, widen);
          const bound = isPlain && !sums ? 0 : boundOf(entry);
          const fault = differences.find(({ where, error }) => error > bound && !(flushesSubnormals && where.includes("denormal")));
          if (fault !== undefined) {
            faults.push(`${entry.id}: ${fault.where} is off by ${fault.error.toExponential(2)}, at most ${bound.toExponential(2)}`);
          }
        }
      }
      assertEquals(faults, []);
    }),
  );
}
