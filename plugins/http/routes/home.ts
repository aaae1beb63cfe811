/**
 * `/`: the page that was given, or a few links.
 *
 * @module
 */
import { links } from "./links.ts";
import type { Answer, Incoming, Service } from "./route.ts";

/** Headers of a page that brings everything along: scripts, WebAssembly, workers; isolated, so that workers may share memory. */
const headers: Readonly<Record<string, string>> = {
  "Content-Security-Policy":
    "default-src 'none'; script-src 'unsafe-inline' 'wasm-unsafe-eval'; style-src 'unsafe-inline'; img-src 'self' data: blob:; " +
    "font-src data:; connect-src 'self' data: blob:; worker-src blob: data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
  "Referrer-Policy": "no-referrer",
};

/** Answers `/`. */
export function answerPage(_: Incoming, { page = links, guarded }: Service): Answer {
  // Our page asks for no schedules that need a token: what is refused would stand in the reader's console.
  const body = guarded.schedules ? page.replace('<meta name="schedules" content="open">', '<meta name="schedules" content="token">') : page;
  return { body, headers };
}
