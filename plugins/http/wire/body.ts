/**
 * Bodies of requests, read within bounds of size and time.
 *
 * @module
 */
import type { Hold, Room } from "../guard/budget.ts";
import { type Limits, slowest } from "../guard/limits.ts";
import { noMemory, Problem } from "./problem.ts";

/** A body that was read. */
export interface Body {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Gives the memory back at once: a collector that waits would hold what others may not have. */
  free(): void;
}

/** Refuses a body by its first bytes, as many as there are so far; true: no more of them are needed to say that it will do. */
export type Begins = (bytes: Uint8Array<ArrayBuffer>) => boolean;

/** Bytes of a body that a runtime may gather by itself, and a collector hold for a while. */
const small = 64 * 1024;

/** The whole body. `hold` holds what came of it, never what was claimed: those who claim much and send nothing hold nothing. */
export async function readBody(
  request: Request,
  most: number,
  { bodySeconds }: Required<Limits>,
  { bodies, answers }: Room,
  tenant: string,
  hold: Hold,
  begins: Begins = () => true,
): Promise<Body> {
  const claimed = claimedLength(request.headers);
  if (claimed !== undefined && claimed > most) tooLarge(most);
  if (request.body === null || claimed === 0) return { bytes: new Uint8Array(0), free: () => {} };
  // What cannot end well is not begun: reading it would take memory from those that are under way, and its answer takes about as much again.
  bodies.expect(tenant, claimed ?? 0, answers);
  const clock = createClock(bodySeconds * 1000);
  if (claimed !== undefined && claimed <= small) return await readSmall(request, claimed, clock, hold, begins);
  const reader = request.body.getReader();
  // One buffer that grows in place: copies would stay as garbage for a while, and many of them fill the memory.
  let buffer: ArrayBuffer | undefined;
  let bytes = new Uint8Array(0);
  let length = 0;
  let isSeen = false;
  const grow = (size: number): void => {
    hold.take(size - bytes.length, claimed);
    buffer ??= new ArrayBuffer(0, { maxByteLength: claimed ?? most });
    buffer.resize(size);
    bytes = new Uint8Array(buffer);
  };
  try {
    for (;;) {
      const { done, value } = await clock.race(reader.read());
      if (done) return { bytes: bytes.subarray(0, length), free: () => buffer?.resize(0) };
      const needed = length + value.length;
      if (needed > (claimed ?? most)) tooLarge(most);
      // Never at once to what is claimed: who claims much and then stalls holds twice what it has sent.
      if (needed > bytes.length) grow(Math.min(claimed ?? most, Math.max(2 * length, needed)));
      bytes.set(value, length);
      length = needed;
      isSeen ||= begins(bytes.subarray(0, length));
      clock.allow(value.length / slowest * 1000);
    }
  } catch (error) {
    buffer?.resize(0);
    reader.cancel().catch(() => {});
    if (error instanceof Problem) throw error;
    if (error instanceof RangeError) throw noMemory(); // of the buffer; who sends has no say in that
    throw new Problem("malformed-body", "The body ended early");
  } finally {
    clock.stop();
  }
}

/** A body that is small even where it is as long as it claims, as the protocol sees to: to read it by pieces takes a third of a small step. */
async function readSmall(request: Request, claimed: number, clock: Clock, hold: Hold, begins: Begins): Promise<Body> {
  try {
    clock.allow(claimed / slowest * 1000);
    const bytes = new Uint8Array(await clock.race(request.arrayBuffer()));
    if (bytes.length > claimed) tooLarge(claimed);
    hold.take(bytes.length);
    begins(bytes);
    return { bytes, free: () => {} };
  } catch (error) {
    if (error instanceof Problem) throw error;
    if (error instanceof RangeError) throw noMemory();
    throw new Problem("malformed-body", "The body ended early");
  } finally {
    clock.stop();
  }
}

function claimedLength(headers: Headers): number | undefined {
  const text = headers.get("content-length");
  if (text === null) return undefined;
  if (/^\d+$/.test(text)) return Number(text);
  throw new Problem("malformed-header", `Content-Length is ${text}`, [{
    in: "header",
    name: "Content-Length",
    detail: "It must be an integer",
  }]);
}

function tooLarge(most: number): never {
  throw new Problem("body-too-large", `A body may have ${most} bytes here`, [], { "Connection": "close" });
}

/** A deadline that moves as bytes come in. */
interface Clock {
  race<T>(promise: Promise<T>): Promise<T>;
  allow(more: number): void;
  stop(): void;
}

function createClock(start: number): Clock {
  let end = performance.now() + start;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let late: (reason: Problem) => void = () => {};
  const check = (): void => {
    const left = end - performance.now();
    if (left > 0) timer = setTimeout(check, left);
    else late(new Problem("slow-body", "The body came too slowly and was not waited for", [], { "Connection": "close" }));
  };
  timer = setTimeout(check, start);
  return {
    race: (promise) =>
      new Promise((resolve, reject) => {
        late = reject;
        promise.then(resolve, reject);
      }),
    allow(more) {
      end += more;
    },
    stop: () => clearTimeout(timer),
  };
}
