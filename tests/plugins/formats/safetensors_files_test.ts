import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { open } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  type ByteSource,
  type FileSource,
  type FileTensor,
  type LazyFile,
  openSafetensors,
  openShards,
  readTensors,
  shardSafetensors,
  streamSafetensors,
  type TensorFile,
  writeSafetensors,
} from "../../../plugins/formats/safetensors.ts";
import { root } from "../../generated.ts";
import { pythonWith } from "../../python.ts";

const file: TensorFile = {
  tensors: {
    "layer.weight": { data: Float32Array.from({ length: 12 }, (_, i) => i / 3), shape: [4, 3], dtype: "float32" },
    "layer.bias": { data: Uint16Array.of(0x3f80, 0xbf80, 0x7fc0), shape: [3], dtype: "bfloat16" },
    "ids": { data: BigInt64Array.of(-1n, 2n ** 53n + 1n), shape: [2], dtype: "int64" },
    "mask": { data: Uint8Array.of(0, 1, 1), shape: [3], dtype: "bool" },
    "nothing": { data: new Float64Array(0), shape: [0, 2], dtype: "float64" },
  },
  metadata: { format: "pt" },
};
const bytes = writeSafetensors(file);

async function readAll({ tensors, metadata }: LazyFile): Promise<TensorFile> {
  const read: [string, FileTensor][] = [];
  for (const name of Object.keys(tensors)) read.push([name, await tensors[name].read()]);
  return { tensors: Object.fromEntries(read), metadata };
}

const folder = mkdtempSync(join(tmpdir(), "glissade-safetensors-"));
const path = join(folder, "model.safetensors");
writeFileSync(path, bytes);
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));

/** An open file that notes what was read of it. */
function watched(source: Uint8Array): ByteSource & { readonly ranges: (readonly [number, number])[] } {
  const ranges: (readonly [number, number])[] = [];
  return {
    ranges,
    size: source.length,
    read: (from, to) => {
      ranges.push([from, to]);
      return Promise.resolve(source.slice(from, to));
    },
  };
}

test("one tensor is read and nothing else of the file", async () => {
  const source = watched(bytes);
  const opened = await openSafetensors(source);
  const begin = 8 + Number(new DataView(bytes.buffer).getBigUint64(0, true));
  assertEquals(source.ranges, [[0, 8], [8, begin]]);
  assertEquals(Object.keys(opened.tensors).length, 5);
  const { dtype, shape, byteLength } = opened.tensors["layer.weight"];
  assertEquals([dtype, shape, byteLength], ["float32", [4, 3], 48]);
  assertEquals(await opened.tensors["layer.weight"].read(), file.tensors["layer.weight"]);
  assertEquals(source.ranges.length, 3);
  assertEquals(source.ranges[2][1] - source.ranges[2][0], 48);
  assertEquals(await readAll(opened), readTensors(bytes));
});

test("bytes, a Blob and an open file of Node are read alike", async () => {
  const handle = await open(path);
  try {
    for (const source of [bytes, bytes.buffer, new Blob([bytes]), handle]) {
      assertEquals(await readAll(await openSafetensors(source)), readTensors(bytes));
    }
  } finally {
    await handle.close();
  }
});

/** `Deno.FsFile` over bytes, with reads as short as they may be. */
function fsFile(source: Uint8Array): FileSource {
  let at = 0;
  const tick = () => new Promise((resolve) => setTimeout(resolve, 0));
  return {
    stat: () => Promise.resolve({ size: source.length }),
    seek: async (to: number) => {
      await tick();
      return at = to;
    },
    read: async (into: Uint8Array) => {
      await tick();
      const piece = source.subarray(at, at + Math.min(into.length, 5));
      into.set(piece);
      at += piece.length;
      return piece.length === 0 ? null : piece.length;
    },
  };
}

test("an open file with one place for all is read by many at once", async () => {
  const { tensors } = await openSafetensors(fsFile(bytes));
  const names = Object.keys(tensors);
  const read = await Promise.all(names.map((name) => tensors[name].read()));
  assertEquals(Object.fromEntries(names.map((name, i) => [name, read[i]])), { ...readTensors(bytes).tensors });
  if (typeof Deno === "undefined") return;
  using opened = await Deno.open(path);
  assertEquals(await readAll(await openSafetensors(opened)), readTensors(bytes));
});

test("a file that ends before its header says so is refused, and one that was cut since", async () => {
  for (const length of [0, 7, 8, 100, bytes.length - 1]) {
    await assertRejects(() => openSafetensors(bytes.slice(0, length)), RangeError, "Cannot read safetensors");
  }
  const short = fsFile(bytes.slice(0, -40)) as { stat: unknown };
  short.stat = () => Promise.resolve({ size: bytes.length });
  const { tensors } = await openSafetensors(short as FileSource);
  await assertRejects(() => tensors["layer.bias"].read(), RangeError, "it ends after");
  for (const wrong of ["model.safetensors", 7, {}, null]) {
    await assertRejects(() => openSafetensors(wrong as never), TypeError, "an open file, a Blob, a URL");
  }
});

/** A server of the file, with what each test wants of it. */
async function served<T>(
  answer: (range: readonly [number, number] | null) => { status: number; headers?: Record<string, string>; body?: Uint8Array },
  use: (url: URL) => Promise<T>,
): Promise<T> {
  const server = createServer((request, response) => {
    const [, from, last] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? "") ?? [];
    const { status, headers = {}, body = new Uint8Array(0) } = answer(from === undefined ? null : [Number(from), Number(last) + 1]);
    response.writeHead(status, headers);
    response.end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    return await use(new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/model.safetensors`));
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}

function part(of: Uint8Array, [from, to]: readonly [number, number], more: Record<string, string> = {}) {
  const end = Math.min(to, of.length);
  return {
    status: 206,
    headers: { "Content-Range": `bytes ${from}-${end - 1}/${of.length}`, "ETag": '"1"', ...more },
    body: of.slice(from, end),
  };
}

test("a file is read by ranges from a server", async () => {
  const asked: (readonly [number, number] | null)[] = [];
  await served((range) => {
    asked.push(range);
    return part(bytes, range!);
  }, async (url) => {
    const { tensors } = await openSafetensors(url);
    assertEquals(asked.length, 2);
    assertEquals(await tensors.ids.read(), file.tensors.ids);
    assertEquals(asked.length, 3);
    assertEquals(await readAll(await openSafetensors({ url: url.href })), readTensors(bytes));
  });
});

const servers: readonly (readonly [what: string, answer: Parameters<typeof served>[0], error: string])[] = [
  ["ignores ranges", () => ({ status: 200, body: bytes }), "ignores ranges and sends the whole file"],
  ["has no such file", () => ({ status: 404 }), "answers 404"],
  ["hides the length", (range) => ({ status: 206, body: bytes.slice(...range!) }), "no Content-Range"],
  ["tells no length", (range) => part(bytes, range!, { "Content-Range": `bytes ${range![0]}-${range![1] - 1}/*` }), "no Content-Range"],
  ["sends another range", (range) => part(bytes, [range![0] + 1, range![1] + 1]), "not 0 to 7"],
  [
    "begins too late",
    (range) => part(bytes, range!, { "Content-Range": `bytes 1-${range![1] - 1}/${bytes.length}` }),
    "bytes 1 to 7, not 0 to 7",
  ],
  ["sends less than it says", (range) => ({ ...part(bytes, range!), body: bytes.slice(0, 3) }), ""],
  ["sends more than it says", (range) => ({ ...part(bytes, range!), body: bytes }), "more than the 8 bytes"],
  ["encodes its answer", (range) => part(bytes, range!, { "Content-Encoding": "x-own" }), "encodes its answer as x-own"],
  ["has an empty file", () => ({ status: 416, headers: { "Content-Range": "bytes */0" } }), "it has 0 bytes"],
  ["has a file of five bytes", (range) => part(bytes.slice(0, 5), range!), "it has 5 bytes"],
];
for (const [what, answer, error] of servers) {
  test(`a server that ${what} is refused with a word`, async () => {
    await served(answer, (url) => assertRejects(() => openSafetensors(url), Error, error));
  });
}

test("a file that changes on its server between two ranges is refused", async () => {
  let tag = 0;
  await served((range) => part(bytes, range!, { "ETag": `"${tag}"` }), async (url) => {
    const { tensors } = await openSafetensors(url);
    tag++;
    await assertRejects(() => tensors.ids.read(), Error, "has changed since");
  });
});

test("headers and a fetch of the caller's are used, and other URLs refused", async () => {
  const seen: string[] = [];
  const fetch = (url: string, { headers }: { readonly headers: Record<string, string> }) => {
    seen.push(`${url} ${headers.Authorization}`);
    const [, from, last] = /^bytes=(\d+)-(\d+)$/.exec(headers.Range)!;
    const { status, headers: own, body } = part(bytes, [Number(from), Number(last) + 1]);
    return Promise.resolve(new Response(body, { status, headers: own }));
  };
  const { tensors } = await openSafetensors({ url: "https://example.test/m", headers: { Authorization: "Bearer x" }, fetch });
  assertEquals(Object.keys(tensors).length, 5);
  assertEquals(new Set(seen), new Set(["https://example.test/m Bearer x"]));
  await assertRejects(() => openSafetensors(new URL("file:///etc/passwd")), TypeError, "http: or https:");
});

async function joined(pieces: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const all: Uint8Array[] = [];
  for await (const piece of pieces) all.push(piece);
  return Uint8Array.from(all.flatMap((piece) => [...piece]));
}

test("a stream has the bytes of the file, and its length before", async () => {
  const stream = streamSafetensors(file);
  assertEquals(stream.byteLength, bytes.length);
  assertEquals(await joined(stream), new Uint8Array(bytes));
  assertEquals(await joined(stream), new Uint8Array(bytes)); // again
  assertEquals(new Uint8Array(await new Response(stream.stream() as ReadableStream).arrayBuffer()), new Uint8Array(bytes));
});

test("a stream of an open file reads one tensor after the other", async () => {
  const source = watched(bytes);
  const opened = await openSafetensors(source);
  const before = source.ranges.length;
  let most = 0;
  const pieces: number[] = [];
  for await (const piece of streamSafetensors(opened)) {
    pieces.push(piece.length);
    most = Math.max(most, source.ranges.length - before - (pieces.length - 1));
  }
  assertEquals(most <= 1, true, "a tensor was read before its turn");
  assertEquals(await joined(streamSafetensors(opened)), new Uint8Array(bytes));
});

test("a large tensor comes in pieces, also from shared memory", async () => {
  const data = new Float32Array(new SharedArrayBuffer(10 * 2 ** 20));
  data[0] = 1;
  data[data.length - 1] = 2;
  let pieces = 0, length = 0;
  for await (const piece of streamSafetensors({ tensors: { w: { data, shape: [data.length], dtype: "float32" } }, metadata: {} })) {
    assert(piece.buffer instanceof ArrayBuffer && piece.length <= 2 ** 22);
    pieces++;
    length += piece.length;
  }
  assertEquals([pieces, length], [4, 10 * 2 ** 20 + 80]);
});

test("a stream tells what is wrong before the first piece, and of a tensor that is another than it said", async () => {
  const w = { data: new Float32Array(2), shape: [3], dtype: "float32" as const };
  assertThrows(() => streamSafetensors({ tensors: { w }, metadata: {} }), RangeError, "does not take 8 bytes");
  const lazy = { dtype: "float32" as const, shape: [2], byteLength: 8, read: () => Promise.resolve({ ...w, data: new Float32Array(1) }) };
  await assertRejects(() => joined(streamSafetensors({ tensors: { w: lazy }, metadata: {} })), RangeError, "was read as 4 bytes");
});

const many: TensorFile = {
  tensors: Object.fromEntries(
    "abcde".split("").map((name, i) => [name, {
      data: Float32Array.from({ length: i + 1 }, () => i),
      shape: [i + 1],
      dtype: "float32" as const,
    }]),
  ),
  metadata: { format: "pt" },
};

test("a model is cut into files with their index, and read from them", async () => {
  const { files, index } = shardSafetensors(many, { shardBytes: 12 });
  const names = Object.keys(files);
  assertEquals(names, [1, 2, 3, 4].map((i) => `model-0000${i}-of-00004.safetensors`));
  assertEquals(Object.values(files).map(({ tensors }) => Object.keys(tensors)), [["a", "b"], ["c"], ["d"], ["e"]]);
  assertEquals(index!.name, "model.safetensors.index.json");
  const { metadata, weight_map } = JSON.parse(index!.text);
  assertEquals(metadata, { total_size: 60 });
  assertEquals(weight_map.b, names[0]);
  const opened: string[] = [];
  const model = await openShards(index!.text, (name) => {
    opened.push(name);
    return writeSafetensors(files[name]);
  });
  assertEquals(opened, names);
  assertEquals(await readAll(model), many);
  const whole = shardSafetensors(many);
  assertEquals([Object.keys(whole.files), whole.index], [["model.safetensors"], null]);
  assertThrows(() => shardSafetensors(many, { shardBytes: 0 }), RangeError, "above 0");
});

test("of the files' metadata those are given that all have alike", async () => {
  const { files, index } = shardSafetensors(many, { shardBytes: 12 });
  const [first] = Object.keys(files);
  const model = await openShards(index!.text, (name) => {
    const { tensors, metadata } = files[name];
    return writeSafetensors({ tensors, metadata: { ...metadata, format: "pt", file: name, ...name === first && { one: "1" } } });
  });
  assertEquals(model.metadata, { ...many.metadata, format: "pt" });
});

test("files that are not as their index says are refused", async () => {
  const { files, index } = shardSafetensors(many, { shardBytes: 12 });
  const [first] = Object.keys(files);
  const map = JSON.parse(index!.text);
  const opened = (text: unknown) => openShards(JSON.stringify(text), (name) => writeSafetensors(files[name]));
  const withMap = (weight_map: Record<string, string>) => opened({ ...map, weight_map });
  await assertRejects(() => withMap({ ...map.weight_map, f: first }), RangeError, 'has no tensor "f"');
  const { b: _, ...rest } = map.weight_map;
  await assertRejects(() => withMap(rest), RangeError, 'tensor "b", which the index does not say of it');
  for (const name of ["../x", "/etc/passwd", "a\\b", "..", ""]) {
    await assertRejects(
      () => openShards(JSON.stringify({ weight_map: { a: name } }), () => assert(false) as never),
      RangeError,
      "no file's name",
    );
  }
  await assertRejects(() => openShards("{", () => bytes), RangeError, "no JSON");
  await assertRejects(() => openShards("[]", () => bytes), RangeError, "no weight_map");
});

const python = pythonWith("safetensors", "numpy");
test("what is written here is read by Python's safetensors", { skip: python === undefined && "no Python with safetensors" }, () => {
  const target = join(folder, "ours.safetensors");
  const tensors: Record<string, FileTensor> = {
    "f32 😀": { data: Float32Array.of(1.5, -0, 3), shape: [3, 1], dtype: "float32" },
    "f64": { data: Float64Array.of(Math.PI), shape: [], dtype: "float64" },
    "i64": { data: BigInt64Array.of(-(2n ** 62n)), shape: [1], dtype: "int64" },
    "f16": { data: Uint16Array.of(0x3c00, 0xc000), shape: [2], dtype: "float16" },
    "u8": { data: Uint8Array.of(0, 255), shape: [2], dtype: "uint8" },
    "ok": { data: Uint8Array.of(0, 1), shape: [2], dtype: "bool" },
  };
  writeFileSync(target, writeSafetensors({ tensors, metadata: { title: "τ" } }));
  const code = `
import json, sys
from safetensors import safe_open
with safe_open(sys.argv[1], "np") as f:
    print(json.dumps({"metadata": f.metadata(), **{k: [str(f.get_tensor(k).dtype), list(f.get_tensor(k).shape), f.get_tensor(k).flatten().tolist()] for k in f.keys()}}))`;
  assertEquals(JSON.parse(execFileSync(python!, ["-c", code, target], { encoding: "utf8" }).replace("-4611686018427387904", '"-2^62"')), {
    "metadata": { title: "τ" },
    "f32 😀": ["float32", [3, 1], [1.5, -0, 3]],
    "f64": ["float64", [], [Math.PI]],
    "i64": ["int64", [1], ["-2^62"]],
    "f16": ["float16", [2], [1, -2]],
    "u8": ["uint8", [2], [0, 255]],
    "ok": ["bool", [2], [false, true]],
  });
});

test("a file of the reference's is the same read at once and one tensor at a time", async () => {
  const name = join(root, "tests/reference/golden/safetensors/mixed_dtypes.safetensors");
  const whole = Uint8Array.from(readFileSync(name));
  assertEquals(await readAll(await openSafetensors(new Blob([whole]))), readTensors(whole));
});
