/**
 * Bearer tokens, kept hashed and compared in constant time.
 *
 * @module
 */
import { Problem } from "../wire/problem.ts";

/** Gives the tenant of a request, or throws a Problem. */
export type Gate = (headers: Headers) => Promise<string>;

const longest = 512;
const bearer = /^Bearer +([\w.~+/=-]+) *$/i;

/** A gate for tenants with the SHA-256 of their tokens in hex. */
export function createGate(tokens: Readonly<Record<string, string>>): Gate {
  const tenants = Object.entries(tokens).map(([tenant, hash]) => {
    if (!/^[0-9a-f]{64}$/i.test(hash)) throw new TypeError(`Cannot use the token of tenant "${tenant}": it must be a SHA-256 in hex`);
    return { tenant, hash: hash.toLowerCase() };
  });
  return async (headers) => {
    const [, token = ""] = bearer.exec(headers.get("authorization") ?? "") ?? [];
    if (token === "" || token.length > longest) unauthorized();
    const given = await sha256(token);
    let found: string | undefined;
    // All of them are looked at, so that the time tells nothing.
    for (const { tenant, hash } of tenants) if (isEqual(given, hash)) found = tenant;
    return found ?? unauthorized();
  };
}

/** A gate that lets everybody in, and tells the tenant where it is known. */
export function lenient(gate: Gate): Gate {
  return (headers) => gate(headers).catch(() => "");
}

/** A gate for one token: as it is, or its SHA-256 in hex. */
export function createMetricsGate(token: string): Gate {
  if (!/^[\w.~+/=-]+$/.test(token) || token.length > longest) {
    throw new TypeError(`Cannot use this metricsToken: a bearer token is up to ${longest} letters, digits and any of . _ ~ + / = -`);
  }
  const hash = /^[0-9a-f]{64}$/i.test(token) ? Promise.resolve(token) : undefined;
  let gate: Gate | undefined;
  return async (headers) => (gate ??= createGate({ metrics: await (hash ?? sha256(token)) }))(headers);
}

function unauthorized(): never {
  throw new Problem("unauthorized", "The request has no bearer token that is known here", [
    { in: "header", name: "Authorization", detail: "It must be Bearer and a token" },
  ], { "WWW-Authenticate": "Bearer" });
}

async function sha256(text: string): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function isEqual(a: string, b: string): boolean {
  let differ = a.length ^ b.length;
  for (let i = 0; i < a.length; i++) differ |= a.charCodeAt(i) ^ b.charCodeAt(i);
  return differ === 0;
}
