/**
 * What the tests of the service ask with.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import type { StateDict } from "../../../core/types.ts";
import { readSafetensors, writeSafetensors } from "../../../plugins/formats/safetensors.ts";

/** Something that answers requests. */
export interface App {
  request(path: string, init?: RequestInit): Response | Promise<Response>;
}

/** A problem's body. */
export interface ProblemBody {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly instance: string;
  readonly errors?: readonly {
    readonly in: string;
    readonly name?: string;
    readonly pointer?: string;
    readonly allowed?: readonly unknown[];
  }[];
}

/** An object as a query. */
export function query(values: Readonly<Record<string, unknown>>): string {
  return new URLSearchParams(Object.entries(values).map(([name, value]) => [name, String(value)])).toString();
}

/** JSON from a path that must answer 200. */
// deno-lint-ignore no-explicit-any
export async function get(app: App, path: string): Promise<any> {
  const answer = await app.request(path);
  const text = await answer.text();
  assertEquals(answer.status, 200, `${path}: ${text.slice(0, 300)}`);
  return JSON.parse(text);
}

/** The problem that a request ends in, its form checked. */
export async function problem(app: App, path: string, init?: RequestInit): Promise<ProblemBody & { readonly headers: Headers }> {
  const answer = await app.request(path, init);
  const text = await answer.text();
  assertEquals(answer.headers.get("content-type"), "application/problem+json", `${answer.status} ${text.slice(0, 300)}`);
  assertEquals(answer.headers.get("cache-control"), "private, no-store");
  const body: ProblemBody = JSON.parse(text);
  assertEquals(body.status, answer.status);
  assertEquals(body.instance, answer.headers.get("x-request-id"));
  assertEquals(body.type.startsWith("urn:glissade:problem:"), true);
  return { ...body, headers: answer.headers };
}

/** A POST with a JSON body. */
export function json(body: unknown, headers: Readonly<Record<string, string>> = {}): RequestInit {
  return { method: "POST", headers: { "Content-Type": "application/json", ...headers }, body: JSON.stringify(body) };
}

/** A POST with a safetensors body. */
export function file(
  tensors: StateDict["tensors"],
  metadata: StateDict["metadata"],
  headers: Readonly<Record<string, string>> = {},
): RequestInit {
  return {
    method: "POST",
    headers: { "Content-Type": "application/vnd.safetensors", ...headers },
    body: writeSafetensors({ tensors, metadata }),
  };
}

/** A safetensors answer that must be 200. */
export async function stateOf(answer: Response | Promise<Response>): Promise<StateDict> {
  const response = await answer;
  const bytes = new Uint8Array(await response.arrayBuffer());
  assertEquals(response.status, 200, response.status === 200 ? "" : new TextDecoder().decode(bytes));
  assertEquals(response.headers.get("content-type"), "application/vnd.safetensors");
  return readSafetensors(bytes);
}

/** A float32 tensor. */
export function f32(numbers: readonly number[], shape: readonly number[] = [numbers.length]): StateDict["tensors"][string] {
  return { data: Float32Array.from(numbers), shape, dtype: "float32" };
}
