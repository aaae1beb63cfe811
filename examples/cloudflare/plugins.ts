/**
 * What the worker serves, and what its kernels are compiled for.
 *
 * @module
 */
import type { Plugin } from "../../core/plugin/contract.ts";
import { plugins as builtins } from "../../plugins/builtins.ts";

/** All built-ins; a third party's go behind them. */
export const plugins: readonly Plugin[] = [...builtins];
