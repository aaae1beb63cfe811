/**
 * Errors as RFC 9457 has them: `application/problem+json`.
 *
 * @module
 */
import { aboutOf, isMemoryError } from "../../../core/errors.ts";

/** One thing that is wrong, and where. */
export interface Fault {
  /** Which part of the request. */
  readonly in: "query" | "header" | "body";
  /** Name of the parameter or header. */
  readonly name?: string;
  /** JSON pointer into the body. */
  readonly pointer?: string;
  /** What is wrong. */
  readonly detail: string;
  /** What would have been right, where it can be listed. */
  readonly allowed?: readonly unknown[];
}

/** Kinds of problem: the end of the type's URN, with status and title. */
const kinds = {
  "invalid-query": [400, "The query is refused"],
  "metric-schedule": [400, "The schedule follows a metric, not the step"],
  "malformed-body": [400, "The body cannot be read"],
  "malformed-header": [400, "A header cannot be read"],
  "unauthorized": [401, "A bearer token is needed"],
  "not-found": [404, "There is nothing here"],
  "method-not-allowed": [405, "The method is not allowed here"],
  "not-acceptable": [406, "The answer cannot have this form"],
  "slow-body": [408, "The body came too slowly"],
  "body-too-large": [413, "The body is too large"],
  "unsupported-media-type": [415, "The body has a form that is not read here"],
  "refused-value": [422, "The body is well-formed, and refused"],
  "tenant-busy": [429, "This tenant has too much in flight"],
  "internal-error": [500, "This is our mistake"],
  "client-gone": [499, "Nobody waits for the answer any more"],
  "busy": [503, "The service has too much in flight"],
  "no-memory": [503, "There is no memory for this now"],
} as const;

const longestText = 1000;
/** Faults that one answer tells. */
export const mostFaults = 32;

/** A kind of problem. */
export type ProblemKind = keyof typeof kinds;

/** An error that is the answer. */
export class Problem extends Error {
  /** Its kind. */
  readonly kind: ProblemKind;
  /** What is wrong in detail. */
  readonly errors: readonly Fault[];
  /** Headers beside the usual ones, as `Allow`. */
  readonly headers: Readonly<Record<string, string>>;

  /** A problem of a kind. */
  constructor(kind: ProblemKind, detail: string, errors: readonly Fault[] = [], headers: Readonly<Record<string, string>> = {}) {
    super(detail);
    this.name = "Problem";
    this.kind = kind;
    this.errors = errors;
    this.headers = headers;
  }

  /** The status code. */
  get status(): number {
    return kinds[this.kind][0];
  }

  /** The body of the answer to request `instance`. */
  body(instance: string): string {
    const [status, title] = kinds[this.kind];
    const { kind, message, errors } = this;
    const told = { type: `urn:glissade:problem:${kind}`, title, status, detail: message, instance };
    // What a client sent comes back in its errors: cut, so that an answer stays small whatever was sent.
    return JSON.stringify(
      errors.length > 0 ? { ...told, errors: errors.slice(0, mostFaults) } : told,
      (_, value) => typeof value === "string" && value.length > longestText ? `${value.slice(0, longestText)}…` : value,
    );
  }
}

/** A JSON pointer to a key. */
export function pointerTo(key: string): string {
  return `/${key.slice(0, 80).replaceAll("~", "~0").replaceAll("/", "~1")}`;
}

/** A refused query, from its faults. */
export function refuseQuery(faults: readonly Fault[]): never {
  throw new Problem("invalid-query", faults.map(({ detail }) => detail).join("; "), faults);
}

/** A refused value in a body. */
export function refuseBody(pointer: string, detail: string, allowed?: readonly unknown[]): never {
  throw new Problem("refused-value", detail, [{ in: "body", pointer, detail, ...(allowed && { allowed }) }]);
}

/** What failed for want of memory, and may go well later. */
export function noMemory(): Problem {
  return new Problem("no-memory", "The memory that this takes is not to be had now: try again in a second", [], { "Retry-After": "1" });
}

/**
 * True for the errors by which the library refuses what it is given; any other one is a mistake of ours, but for what a plugin says of its own accord, as
 * a transform of too many steps that it held back. That memory was not to be had is neither: it is
 * nobody's fault, and later it may be there.
 */
export function isRefusal(error: unknown): error is Error {
  if (isMemoryError(error)) return false;
  if (error instanceof TypeError || error instanceof RangeError || error instanceof SyntaxError) return true;
  return error instanceof Error && error.constructor === Error && aboutOf(error).plugin !== undefined;
}
