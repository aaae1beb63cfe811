/**
 * The test plugins: algorithms that show what the rule language holds, written as a stranger would write them.
 *
 * @module
 */
import type { Plugin } from "../../../core/plugin/contract.ts";
import { lion } from "../../../examples/plugin/lion.ts";
import { cautious } from "./cautious.ts";
import { lamb } from "./lamb.ts";
import { lambPytorchOptimizer } from "./lamb_pytorch_optimizer.ts";
import { prodigy } from "./prodigy.ts";
import { sam } from "./sam.ts";
import { scheduleFreeAdamw } from "./schedule_free_adamw.ts";

/** Those that the library has by now are left out by whoever registers them. */
export const testPlugins: readonly Plugin[] = [cautious, lamb, lambPytorchOptimizer, lion, prodigy, sam, scheduleFreeAdamw];
