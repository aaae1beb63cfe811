/**
 * PyTorch's `lerp`: from one number towards another.
 *
 * @module
 */

/**
 * The line that moves `name` towards `to` by a share of the way, both names of a text or expressions of it. It has two forms, so that neither end of it
 * is lost: which one depends on the share, whose value the rule must say.
 */
export function lerp(name: string, to: string, share: string, value: number): string {
  return value < 0.5 ? `${name} += ${share}*(${to} - ${name})` : `${name} = ${to} - (${to} - ${name})*(1 - ${share})`;
}
