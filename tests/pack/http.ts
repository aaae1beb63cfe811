/**
 * What compiles where there are `Request` and `Response`: the service.
 *
 * @module
 */
import { builtins } from "@glissade/optim";
import { type AppOptions, createApp } from "@glissade/optim/http";

const options: AppOptions = { cors: "*" };
const app = createApp(builtins, options);
export const answer: Response | Promise<Response> = app.fetch(new Request("http://127.0.0.1/v1/plugins"));
// @ts-expect-error: a registry comes first
createApp(options);
