/**
 * The test plugins: algorithms that show what the rule language holds, written as a stranger would write them.
 *
 * @module
 */
import type { Plugin } from "../../../core/plugin/contract.ts";
import { adanPytorchOptimizer } from "./adan_pytorch_optimizer.ts";
import { adoptPytorchOptimizer } from "./adopt_pytorch_optimizer.ts";
import { lambPytorchOptimizer } from "./lamb_pytorch_optimizer.ts";
import { larsPytorchOptimizer } from "./lars_pytorch_optimizer.ts";
import { ftrlPytorchOptimizer } from "./ftrl_pytorch_optimizer.ts";
import { lapropPytorchOptimizer } from "./laprop_pytorch_optimizer.ts";
import { marsPytorchOptimizer } from "./mars_pytorch_optimizer.ts";
import { novogradPytorchOptimizer } from "./novograd_pytorch_optimizer.ts";
import { muonPytorchOptimizer } from "./muon_pytorch_optimizer.ts";

/** Those that the library has by now are left out by whoever registers them. */
export const testPlugins: readonly Plugin[] = [
  adanPytorchOptimizer,
  adoptPytorchOptimizer,
  lambPytorchOptimizer,
  larsPytorchOptimizer,
  ftrlPytorchOptimizer,
  lapropPytorchOptimizer,
  marsPytorchOptimizer,
  novogradPytorchOptimizer,
  muonPytorchOptimizer,
];
