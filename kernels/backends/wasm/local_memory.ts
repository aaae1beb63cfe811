/**
 * Memory of each thread's own, such as the panels of a product. Stages run one after the other, so that all of a backend's use the same: each its own
 * would be, with an eigenbasis in every wave of a step, as much as the model.
 *
 * @module
 */
import type { Arena } from "./arena.ts";
import { type Memory, releaseScratch, type Scratch, takeScratch } from "./memory.ts";

/** A piece that several stages use, and how many do. */
export interface Lent {
  readonly arena: Arena;
  readonly scratch: Scratch;
  users: number;
}

/** What is lent in a backend's memory. */
export interface LocalMemory {
  readonly memory: Memory;
  readonly lent: Set<Lent>;
}

/** Memory of so many bytes: what is there, or a new piece. Who borrowed a smaller one keeps it. */
export function borrow({ memory, lent }: LocalMemory, arena: Arena, bytes: number): Lent {
  for (const one of lent) {
    if (one.arena !== arena || one.scratch.byteLength < bytes) continue;
    one.users++;
    return one;
  }
  const made = { arena, scratch: takeScratch(memory, arena, bytes), users: 1 };
  lent.add(made);
  return made;
}

/** Ends a stage's use; the last one gives the memory back. */
export function giveBack({ memory, lent }: LocalMemory, one: Lent): void {
  if (--one.users > 0) return;
  lent.delete(one);
  releaseScratch(memory, one.scratch);
}
