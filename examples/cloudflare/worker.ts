/**
 * The service as a Cloudflare Worker. Built by build.ts, since a worker may not compile: its kernels are `.wasm` files made ahead.
 *
 * @module
 */
import { createApp } from "../../plugins/http/mod.ts";
import { page } from "../../plugins/http/page.ts";
import { plugins } from "./plugins.ts";

/** What the first step needs, and schedules do not. */
async function backend(): Promise<import("../../core/types.ts").Backend> {
  const { createKernels } = await import("./kernels.ts");
  return createKernels();
}

const app: ReturnType<typeof createApp> = createApp(plugins, { backend, page });

export default app;
