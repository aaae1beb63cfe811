/**
 * The service on Deno Deploy: make this file the entry point. Deploy listens for it; `deno serve examples/deno-deploy/main.ts` does the same here.
 * In a project of your own, import from `jsr:@glissade/optim` and `jsr:@glissade/optim/http` instead.
 *
 * @module
 */
import { builtins } from "../../mod.ts";
import { createApp } from "../../plugins/http/mod.ts";
import { page } from "../../plugins/http/page.ts";

const app: ReturnType<typeof createApp> = createApp(builtins, { cors: "*", page });

export default app;
