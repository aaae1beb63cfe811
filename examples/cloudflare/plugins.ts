/**
 * What the worker serves, and what its kernels are compiled for: plugins that are loaded when they are first asked for.
 *
 * @module
 */
import * as builtins from "../../plugins/lazy_builtins.ts";
import type { LazyPlugins } from "../../plugins/http/mod.ts";

/** All built-ins; a third party's go behind them, into both. */
export const plugins: LazyPlugins = {
  schedules: { ...builtins.schedules },
  plugins: async () => [...await builtins.plugins()],
};
