/**
 * What is written anew for each kind of plugin.
 *
 * @module
 */

/** The texts of a kind. */
export interface Texts {
  /** The plugin's file. */
  readonly plugin: string;
  /** Its test. */
  readonly test: string;
  /** The code in README that uses it. */
  readonly use: string;
}
