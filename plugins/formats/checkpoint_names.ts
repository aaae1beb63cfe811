/**
 * Names of checkpoints, and which of two is the newer.
 *
 * A name is the number of the save in its folder, the steps of the run, and random letters, by which no two files ever have one name. The number is one
 * more than the largest that is there when the file is whole, so that no clock decides. Two processes may find the same number at the same moment; then the one
 * with more steps is the newer, and of those the one whose letters come later.
 *
 * @module
 */

interface Named {
  readonly name: string;
  readonly number: number;
  readonly steps: number;
}

const form = /^checkpoint-(\d{1,15})-(\d{1,16})-[0-9a-z]+\.safetensors$/;

function parse(name: string): Named | undefined {
  const [, number, steps] = form.exec(name) ?? [];
  return number === undefined ? undefined : { name, number: Number(number), steps: Number(steps) };
}

/** Letters that nothing else was given. */
export function uniqueLetters(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(10)), (byte) => (byte % 36).toString(36)).join("");
}

/** Those of a folder's files that are checkpoints, the newest first. */
export function newestFirst(names: readonly string[]): string[] {
  return names.flatMap((name) => parse(name) ?? [])
    .sort((a, b) => b.number - a.number || b.steps - a.steps || (a.name < b.name ? 1 : -1))
    .map(({ name }) => name);
}

/** A name for the next, beside the files that are there. */
export function nextName(names: readonly string[], steps: number): string {
  const number = 1 + names.reduce((most, name) => Math.max(most, parse(name)?.number ?? 0), 0);
  return `checkpoint-${String(number).padStart(6, "0")}-${steps}-${uniqueLetters()}.safetensors`;
}
