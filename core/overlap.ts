/**
 * Whether tensors from outside share memory.
 *
 * @module
 */
import type { Tensor } from "../kernels/types.ts";
import { about } from "./errors.ts";

/** Refuses two names over the same memory. */
export function refuseOverlap(what: string, tensors: Iterable<readonly [name: string, data: Tensor["data"]]>): void {
  // Plain buffers are told apart by identity. Views of one growing WebAssembly memory may hold different buffer objects, so shared ones go together.
  const shared: Span[] = [];
  const plain = new Map<ArrayBufferLike, Span[]>();
  for (const [name, { buffer, byteOffset, byteLength }] of tensors) {
    if (byteLength === 0) continue;
    const span = { name, buffer, from: byteOffset, to: byteOffset + byteLength };
    if (!(buffer instanceof ArrayBuffer)) shared.push(span);
    else if (plain.has(buffer)) plain.get(buffer)!.push(span);
    else plain.set(buffer, [span]);
  }
  for (const spans of [shared, ...plain.values()]) {
    let open: Span[] = [];
    for (const span of spans.sort((a, b) => a.from - b.from)) {
      open = open.filter((other) => other.to > span.from);
      const other = open.find((other) => sameMemory(other.buffer, span.buffer, span.from));
      if (other !== undefined) {
        const message = `Cannot use ${what} "${other.name}" and "${span.name}": they lie in the same memory`;
        throw about(new RangeError(message), { tensor: other.name });
      }
      open.push(span);
    }
  }
}

interface Span {
  readonly name: string;
  readonly buffer: ArrayBufferLike;
  readonly from: number;
  readonly to: number;
}

function sameMemory(a: ArrayBufferLike, b: ArrayBufferLike, at: number): boolean {
  if (a === b) return true;
  // A memory's buffer is a new object only after it grew. Then nothing but a trial tells.
  if (a.byteLength === b.byteLength || a instanceof ArrayBuffer || b instanceof ArrayBuffer) return false;
  const [x, y] = [new Uint8Array(a, at, 1), new Uint8Array(b, at, 1)];
  const [was, saw] = [x[0], y[0]];
  x[0] = was ^ 255;
  const same = y[0] !== saw;
  x[0] = was;
  return same;
}
