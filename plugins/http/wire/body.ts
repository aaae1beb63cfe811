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
  /** Its bytes in the pieces in which they are held: one alone where it is small. */
  readonly parts: readonly Uint8Array<ArrayBuffer>[];
  /** How many bytes there are. */
  readonly length: number;
  /** The whole in one piece, made when it is first asked for; the pieces are gone then. */
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
  if (request.body === null || claimed === 0) return inOnePiece(new Uint8Array(0));
  // What cannot end well is not begun: reading it would take memory from those that are under way, and its answer takes about as much again.
  bodies.expect(tenant, claimed ?? 0, answers);
  const clock = createClock(bodySeconds * 1000);
  if (claimed !== undefined && claimed <= small) return await readSmall(request, claimed, clock, hold, begins);
  const reader = request.body.getReader();
  const gathered = createPieces(claimed ?? most, (bytes) => hold.take(bytes, claimed));
  let isSeen = false;
  try {
    for (;;) {
      const { done, value } = await clock.race(reader.read());
      if (done) return gathered.body();
      if (gathered.length + value.length > (claimed ?? most)) tooLarge(most);
      gathered.add(value);
      isSeen ||= begins(gathered.first());
      clock.allow(value.length / slowest * 1000);
    }
  } catch (error) {
    gathered.free();
    reader.cancel().catch(() => {});
    if (error instanceof Problem) throw error;
    if (error instanceof RangeError) throw noMemory(); // of a piece; who sends has no say in that
    throw new Problem("malformed-body", "The body ended early");
  } finally {
    clock.stop();
  }
}

function inOnePiece(bytes: Uint8Array<ArrayBuffer>): Body {
  return { parts: [bytes], length: bytes.length, bytes, free: () => {} };
}

/** Bytes of a piece at most, unless the runtime gives more at once, and of the first one at least: what looks at a body's beginning finds it there. */
const largestPiece = 256 * 1024;
const smallestPiece = 64;

/** A body on its way, at most `most` bytes of it. `take` is told of memory before it is made. */
interface Pieces {
  readonly length: number;
  /** Takes a copy: a runtime may hold 64 KiB for each piece that it gives, however little is in it. */
  add(bytes: Uint8Array): void;
  /** What there is of the first piece. */
  first(): Uint8Array<ArrayBuffer>;
  body(): Body;
  free(): void;
}

/**
 * Pieces, and no buffer that grows in place: in Bun one of 16 MiB that does takes 9 ms more than these, as long as an echo of its bytes takes in all. What
 * the runtime gave is not kept either: copied while it is warm, it is free for what comes next.
 */
function createPieces(most: number, take: (bytes: number) => void): Pieces {
  const pieces: Uint8Array<ArrayBuffer>[] = [];
  let room = 0;
  let length = 0;
  /** Bytes that are free in the last piece. */
  let left = 0;
  const last = (): Uint8Array<ArrayBuffer> => pieces[pieces.length - 1];
  const grow = (needed: number): void => {
    // Never at once what is claimed: who claims much and then stalls holds twice what it has sent.
    left = Math.min(most - room, Math.max(needed, Math.min(length, largestPiece), smallestPiece));
    take(left);
    pieces.push(new Uint8Array(left));
    room += left;
  };
  const parts = (): Uint8Array<ArrayBuffer>[] => {
    if (length === 0) return [new Uint8Array(0)];
    return left === 0 ? pieces : [...pieces.slice(0, -1), last().subarray(0, last().length - left)];
  };
  const free = (): void => {
    pieces.splice(0).forEach(empty);
  };
  return {
    get length() {
      return length;
    },
    add(bytes) {
      for (let from = 0; from < bytes.length;) {
        if (left === 0) grow(bytes.length - from);
        const some = bytes.subarray(from, from + left);
        last().set(some, last().length - left);
        from += some.length;
        left -= some.length;
        length += some.length;
      }
    },
    first: () => pieces.length === 0 ? new Uint8Array(0) : pieces[0].subarray(0, length),
    body: () => ({
      get parts() {
        return parts();
      },
      length,
      get bytes() {
        if (pieces.length !== 1) join();
        return parts()[0];
      },
      free,
    }),
    free,
  };

  /** Makes one piece of all. Each is gone when it is copied, and a runtime gives the new memory as it is written: no more is there than before. */
  function join(): void {
    const whole = new Uint8Array(length);
    let at = 0;
    for (const part of parts()) {
      whole.set(part, at);
      at += part.length;
      empty(part);
    }
    left = 0;
    pieces.splice(0, pieces.length, whole);
  }
}

/** Gives a piece's memory back now, where the runtime can. */
function empty({ buffer }: Uint8Array<ArrayBuffer>): void {
  (buffer as { transfer?: (bytes: number) => ArrayBuffer }).transfer?.(0);
}

/** A body that is small even where it is as long as it claims, as the protocol sees to: to read it by pieces takes a third of a small step. */
async function readSmall(request: Request, claimed: number, clock: Clock, hold: Hold, begins: Begins): Promise<Body> {
  try {
    clock.allow(claimed / slowest * 1000);
    const bytes = new Uint8Array(await clock.race(request.arrayBuffer()));
    if (bytes.length > claimed) tooLarge(claimed);
    hold.take(bytes.length);
    begins(bytes);
    return inOnePiece(bytes);
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
