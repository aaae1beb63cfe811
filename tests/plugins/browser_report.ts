/// <reference lib="dom" />
/**
 * How a page tells the test what it has found.
 *
 * @module
 */

/** What is sent: what came out, or what failed; and errors that nobody has caught, of the document and of its policy. */
export interface Report<T> {
  readonly at: string;
  readonly found?: T;
  readonly failed?: string;
  readonly said: readonly string[];
}

const said: string[] = [];

const tell = (error: unknown): string => error instanceof Error ? `${error}\n${error.stack}` : String(error);

addEventListener("error", ({ message, error }) => said.push(`${message} ${tell(error)}`));
addEventListener("unhandledrejection", ({ reason }) => said.push(`rejected: ${tell(reason)}`));
addEventListener(
  "securitypolicyviolation",
  ({ effectiveDirective, blockedURI }) => said.push(`policy: ${effectiveDirective} ${blockedURI}`),
);
for (const level of ["error", "warn"] as const) {
  console[level] = (...words: unknown[]) => said.push(`${level}: ${words.map(tell).join(" ")}`);
}

/** Sends what comes out, and goes to the page that the server answers with, if any. */
export async function report<T>(find: () => Promise<T>): Promise<void> {
  const result = await find().then((found) => ({ found }), (error) => ({ failed: tell(error) }));
  const message: Report<T> = { at: location.pathname, ...result, said };
  const next = await (await fetch("/report", { method: "POST", body: JSON.stringify(message) })).text();
  if (next !== "") location.href = next;
}
