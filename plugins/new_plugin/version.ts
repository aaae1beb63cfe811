/**
 * The version that a new package asks for.
 *
 * @module
 */

/** This library's version; a test holds it against deno.json. */
export const version = "0.1.0";
