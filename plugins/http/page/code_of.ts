/**
 * What code of a curve is made from.
 *
 * @module
 */
import type { Choice } from "./state.ts";

/** Where code is to run. */
export type Language = "deno" | "bun" | "python" | "readme";

/** What code needs to know of a curve. */
export interface CodeOf {
  /** The schedule and its options. */
  readonly choice: Choice;
  /** Whether it gives a factor of the base lr or the value itself. */
  readonly returns: "factor" | "value";
  /** The base lr. */
  readonly lr: number;
  /** Last step shown. */
  readonly to: number;
  /** The vertical axis of its picture; default `"linear"`. */
  readonly scale?: "linear" | "log";
  /** Whether even distances between a picture's points would show waves that it does not have. */
  readonly isWavy?: boolean;
  /** The service's address, with a slash at the end. */
  readonly service: string;
  /** Whether the service answers only to a token. */
  readonly needsToken: boolean;
  /** Whether the page's registry has the schedule; code cannot import what only a service has. */
  readonly isBuiltin: boolean;
}

/** The environment variable with the service's token. */
export const tokenName = "GLISSADE_TOKEN";
