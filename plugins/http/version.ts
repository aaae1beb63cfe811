/**
 * The library's version, which is part of every ETag. A test compares it with deno.json.
 *
 * @module
 */

/** As in deno.json. */
export const version = "0.1.0";
