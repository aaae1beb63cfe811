/**
 * Which kernels carry a tensor's elements from and to an array of the caller's.
 *
 * A unit reads and writes elements of its own only. So where one kernel is the first to touch a tensor, and alone in its round, each unit's elements may
 * come just before it; and where one is the last to write it, and alone, they may go just after it. Sums, and whatever else comes between, are as they are.
 *
 * @module
 */
import type { Kernel } from "../language/kernel.ts";
import type { Item } from "./item.ts";
import type { Carried } from "./job.ts";

/** What each kernel of an item carries. Tensors that cannot be carried so are in none. */
export function carriedBy({ program: { rounds, routines }, foreign = {} }: Item): Map<Kernel, Carried[]> {
  const by = new Map<Kernel, Carried[]>();
  const add = (kernel: Kernel, one: Carried): void => void by.set(kernel, [...by.get(kernel) ?? [], one]);
  for (const [key, of] of Object.entries(foreign)) {
    if (routines.flat().some(({ args, into }) => [...args, into].some((one) => one.key === key))) continue;
    const touching = rounds.map((kernels) => kernels.filter(({ pointers }) => pointers.some((pointer) => pointer.key === key)));
    const first = touching.find((kernels) => kernels.length > 0);
    const last = touching.findLast((kernels) => kernels.some((kernel) => writes(kernel, key)));
    if (first === undefined || ![first, last ?? first].every((kernels) => kernels.length === 1 && isByElement(kernels[0], key))) continue;
    if (last === first) add(first[0], { key, foreign: of, comes: true, goes: true });
    else {
      add(first[0], { key, foreign: of, comes: true, goes: false });
      if (last !== undefined) add(last[0], { key, foreign: of, comes: false, goes: true });
    }
  }
  return by;
}

const writes = ({ pointers, stores }: Kernel, key: string): boolean => stores.some(({ pointer }) => pointers[pointer].key === key);

/** True where the kernel goes through the tensor's elements in their order. */
const isByElement = ({ domain, pointers }: Kernel, key: string): boolean =>
  domain === "param" && pointers.every((pointer) => pointer.key !== key || pointer.role === "param");
