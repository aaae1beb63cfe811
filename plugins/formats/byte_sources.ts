/**
 * Where the bytes of a file come from, a range at a time: an open file, a `Blob`, a server.
 *
 * @module
 */

/** Bytes of a known number, read by ranges. Whoever has a store of their own makes one. */
export interface ByteSource {
  /** How many there are. */
  readonly size: number;
  /** Those from `from` up to `to`, all of them. */
  read(from: number, to: number): Promise<Uint8Array>;
}

/** An open file of Node and Bun: `FileHandle` of `node:fs/promises`. Deno has it, too. */
export interface FileHandleLike {
  /** Its size. */
  stat(): Promise<{ readonly size: number }>;
  /** Reads at a place. */
  read(into: Uint8Array, offset: number, length: number, position: number): Promise<{ readonly bytesRead: number }>;
}

/** An open file of Deno: `Deno.FsFile`. */
export interface FsFileLike {
  /** Its size. */
  stat(): Promise<{ readonly size: number }>;
  /** Goes to a place: `whence` 0 counts from the start. */
  seek(offset: number, whence: 0): Promise<number>;
  /** Reads on from there; null at the end. */
  read(into: Uint8Array): Promise<number | null>;
}

/** A `Blob`, or a `File` from a page. */
export interface BlobLike {
  /** Its size. */
  readonly size: number;
  /** A part of it. */
  slice(from: number, to: number): { arrayBuffer(): Promise<ArrayBuffer> };
}

/** An answer of {@linkcode HttpFile.fetch}, as far as it is looked at. */
export interface AnswerLike {
  /** 206 for a range. */
  readonly status: number;
  /** `Content-Range`, `ETag` and others. */
  readonly headers: { get(name: string): string | null };
  /** The bytes, as they come. */
  readonly body: { getReader(): { read(): Promise<{ done: boolean; value?: Uint8Array }>; cancel(): Promise<void> } } | null;
}

/** A file on a server that answers ranges. */
export interface HttpFile {
  /** Where it is. */
  readonly url: string | { readonly href: string };
  /** Headers of each request: `Authorization`. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Instead of the global `fetch`. */
  fetch?(url: string, init: { readonly headers: Record<string, string> }): Promise<AnswerLike>;
}

/** What {@linkcode openSafetensors} opens: bytes, an open file, a `Blob`, an `http:` or `https:` URL, or a source of your own. */
export type FileSource =
  | Uint8Array
  | ArrayBuffer
  | ByteSource
  | FileHandleLike
  | FsFileLike
  | BlobLike
  | HttpFile
  | { readonly href: string };

/** Node reads at most this much at once. */
const mostAtOnce = 2 ** 30;

/** The source behind what was given. */
export async function sourceOf(given: FileSource): Promise<ByteSource> {
  const has = (...names: readonly string[]): boolean =>
    typeof given === "object" && given !== null && names.every((name) => (given as unknown as Record<string, unknown>)[name] !== undefined);
  if (given instanceof ArrayBuffer) return await sourceOf(new Uint8Array(given));
  if (given instanceof Uint8Array) return { size: given.length, read: (from, to) => Promise.resolve(given.subarray(from, to)) };
  if (has("href")) return await httpSource({ url: (given as { readonly href: string }).href });
  if (has("url")) return await httpSource(given as HttpFile);
  if (has("seek", "read", "stat")) return await fsFileSource(given as FsFileLike);
  if (has("read", "stat")) return await fileHandleSource(given as FileHandleLike);
  if (has("size", "slice")) return blobSource(given as BlobLike);
  if (has("size", "read")) return given as ByteSource;
  throw new TypeError(
    `Cannot read from ${
      typeof given === "string" ? "a string" : String(given)
    }: it must be bytes, an open file, a Blob, a URL or { size, read }`,
  );
}

function blobSource(blob: BlobLike): ByteSource {
  return { size: blob.size, read: async (from, to) => new Uint8Array(await blob.slice(from, to).arrayBuffer()) };
}

async function fileHandleSource(file: FileHandleLike): Promise<ByteSource> {
  return {
    size: (await file.stat()).size,
    read: (from, to) =>
      filled(to - from, async (into, at) => (await file.read(into, at, Math.min(into.length - at, mostAtOnce), from + at)).bytesRead),
  };
}

async function fsFileSource(file: FsFileLike): Promise<ByteSource> {
  // The file has one place for all: a read goes there and reads on before the next may.
  let last: Promise<unknown> = Promise.resolve();
  const inTurn = <T>(run: () => Promise<T>): Promise<T> => {
    const mine = last.then(run, run);
    last = mine.catch(() => undefined);
    return mine;
  };
  return {
    size: (await file.stat()).size,
    read: (from, to) =>
      inTurn(async () => {
        await file.seek(from, 0);
        return await filled(to - from, async (into, at) => await file.read(into.subarray(at, at + mostAtOnce)) ?? 0);
      }),
  };
}

/** Bytes from as many reads as it takes: each says how many it brought. */
async function filled(length: number, read: (into: Uint8Array, at: number) => Promise<number>): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length;) {
    const count = await read(bytes, at);
    if (count <= 0) throw new RangeError(`Cannot read ${length} bytes of the file: it ends after ${at} of them, and was longer before`);
    at += count;
  }
  return bytes;
}

async function httpSource({ url, headers = {}, fetch: given }: HttpFile): Promise<ByteSource> {
  const href = typeof url === "string" ? url : url.href;
  if (!/^https?:/i.test(href)) throw new TypeError(`Cannot read ${JSON.stringify(href)} by ranges: it must be an http: or https: URL`);
  const ask: NonNullable<HttpFile["fetch"]> = given ?? ((url, init) => fetch(url, init) as Promise<AnswerLike>);
  const stop = (why: string): Error => new Error(`Cannot read ${href} by ranges: ${why}`);
  let size: number | undefined;
  let version: string | null = null;
  const range = async (from: number, to: number): Promise<Uint8Array> => {
    // Of an encoded body ranges would be ranges of the encoded bytes.
    const answer = await ask(href, { headers: { ...headers, "Range": `bytes=${from}-${to - 1}`, "Accept-Encoding": "identity" } });
    const reader = answer.body?.getReader();
    const refuse = async (why: string): Promise<never> => {
      await reader?.cancel().catch(() => undefined);
      throw stop(why);
    };
    const { status } = answer;
    if (status === 200) {
      return await refuse("the server ignores ranges and sends the whole file; fetch it whole and give its bytes");
    }
    const encoding = answer.headers.get("content-encoding");
    const [, first, last, total] = /^bytes (?:(\d+)-(\d+)|\*)\/(\d+)$/i.exec(answer.headers.get("content-range") ?? "") ?? [];
    if (status === 416 && size === undefined && total === "0") {
      await reader?.cancel().catch(() => undefined);
      size = 0;
      return new Uint8Array(0);
    }
    if (status !== 206) return await refuse(`the server answers ${status}`);
    if (encoding !== null && encoding !== "identity") return await refuse(`the server encodes its answer as ${encoding}`);
    if (total === undefined) {
      return await refuse(
        "the answer has no Content-Range with the file's length (from another origin, the server must expose that header)",
      );
    }
    // Of a file that is shorter than what was asked for, the first answer is all there is.
    const end = size === undefined ? Math.min(to, Number(total)) : to;
    if (Number(first) !== from || Number(last) !== end - 1) {
      return await refuse(`the answer is bytes ${first} to ${last}, not ${from} to ${end - 1}`);
    }
    const now = answer.headers.get("etag") ?? answer.headers.get("last-modified");
    if (size !== undefined && (Number(total) !== size || now !== version)) return await refuse("the file has changed since it was opened");
    size = Number(total);
    version = now;
    const bytes = new Uint8Array(end - from);
    let at = 0;
    while (reader !== undefined) {
      const { done, value } = await reader.read();
      if (done) break;
      if (value === undefined) continue;
      if (at + value.length > bytes.length) return await refuse(`the answer has more than the ${bytes.length} bytes that were asked for`);
      bytes.set(value, at);
      at += value.length;
    }
    if (at < bytes.length) throw stop(`the answer ends after ${at} of ${bytes.length} bytes`);
    return bytes;
  };
  const start = await range(0, 8);
  return { size: size!, read: (from, to) => to <= start.length ? Promise.resolve(start.subarray(from, to)) : range(from, to) };
}
