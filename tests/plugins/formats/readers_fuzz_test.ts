/**
 * Readers of files under random and damaged input: each reads or refuses with one of its own errors, at once, in little memory, and reads no wrong value where
 * the format can tell.
 *
 * `GLISSADE_FUZZ=60` runs each property for a minute with random numbers of its own; a failure prints its seed, which `GLISSADE_FUZZ_SEED` takes.
 *
 * @module
 */
import fc from "fast-check";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import {
  loadOptimizerStateDict,
  optimizerStateDict,
  readScheduler,
  readTorch,
  type TorchValue,
  writeTorch,
} from "../../../plugins/formats/pytorch.ts";
import {
  type FileDType,
  type FileTensor,
  openSafetensors,
  openShards,
  parseSafetensors,
  readTensors,
  streamSafetensors,
  type TensorFile,
  writeSafetensors,
} from "../../../plugins/formats/safetensors.ts";
import { fileDTypes } from "../../../plugins/formats/file_tensors.ts";
import { parseJson } from "../../../plugins/formats/strict_json.ts";
import { readZip, writeZip } from "../../../plugins/formats/zip_records.ts";
import { builtins } from "../../../mod.ts";
import { root } from "../../generated.ts";

const seconds = Number(process.env.GLISSADE_FUZZ ?? 0);
const seed = Number(process.env.GLISSADE_FUZZ_SEED ?? (seconds > 0 ? Date.now() % 2 ** 31 : 1));
const settings = (numRuns: number): fc.Parameters<unknown> =>
  seconds > 0 ? { seed, numRuns: 1e9, interruptAfterTimeLimit: 1000 * seconds, markInterruptAsFailure: false } : { seed, numRuns };
const sync = <T extends [unknown, ...unknown[]]>(property: fc.IProperty<T>, numRuns: number): void =>
  fc.assert(property, settings(numRuns) as fc.Parameters<T>);

/** What a reader said: its value, or undefined where it refused with an error of the library's. */
function attempt<T>(run: () => T): T | undefined {
  const began = performance.now();
  try {
    return run();
  } catch (error) {
    // A stack that overflows is a RangeError, too.
    assert(error instanceof RangeError || error instanceof TypeError, `threw ${error}`);
    assert(/^Cannot |^Tensor |^No tensor /.test(error.message), `threw ${error}`);
  } finally {
    // What is far from a machine that has a bad moment.
    assert(performance.now() - began < 10_000, "took longer than 10 seconds");
  }
}

const golden = (path: string): Uint8Array => Uint8Array.from(readFileSync(join(root, "tests/reference", path)));

const names = Object.keys(fileDTypes) as FileDType[];
const tensors = fc.constantFrom(...names).chain((dtype) =>
  fc.array(fc.nat(4), { maxLength: 3 }).chain((shape) => {
    const { bits, array } = fileDTypes[dtype];
    // Elements of 4 and 6 bits fill whole bytes.
    const whole = bits < 8 ? [...shape, 4] : shape;
    const bytes = whole.reduce((n, length) => n * length, 1) * bits / 8;
    return fc.uint8Array({ minLength: bytes, maxLength: bytes }).map((content): FileTensor => ({
      data: new array(Uint8Array.from(content).buffer, 0, bytes / array.BYTES_PER_ELEMENT),
      shape: whole,
      dtype,
    }));
  })
);
const words = fc.string({ unit: "grapheme", maxLength: 8 });
const files: fc.Arbitrary<TensorFile> = fc.record({
  tensors: fc.dictionary(words.filter((name) => name !== "__metadata__"), tensors, { maxKeys: 5, noNullPrototype: true }),
  metadata: fc.dictionary(words, words, { maxKeys: 3, noNullPrototype: true }),
});
const bitsOf = ({ tensors, metadata }: TensorFile) => ({
  tensors: Object.entries(tensors).map((
    [name, { data, shape, dtype }],
  ) => [name, shape, dtype, [...new Uint8Array(data.buffer, data.byteOffset, data.byteLength)]])
    .sort(([a], [b]) => (a as string) < (b as string) ? -1 : 1),
  metadata: Object.entries(metadata).sort(([a], [b]) => a < b ? -1 : 1),
});

test("every safetensors file that is written is read, whole, lazily and from a stream, with the same bits", async () => {
  await fc.assert(
    fc.asyncProperty(files, async (file) => {
      const bytes = writeSafetensors(file);
      assertEquals(bitsOf(readTensors(bytes)), bitsOf(file));
      const lazy = await openSafetensors(new Blob([bytes]));
      const pieces: number[] = [];
      for await (const piece of streamSafetensors(lazy)) pieces.push(...piece);
      assertEquals(Uint8Array.from(pieces), new Uint8Array(bytes));
    }),
    settings(100) as fc.Parameters<[TensorFile]>,
  );
});

test("a safetensors file with any byte changed is refused, or has tensors that fill it", () => {
  for (const path of ["golden/safetensors/mixed_dtypes.safetensors", "golden/safetensors/unicode.safetensors"]) {
    const bytes = golden(path);
    const header = 8 + Number(new DataView(bytes.buffer).getBigUint64(0, true));
    for (let at = 0; at < header; at++) {
      for (const bit of [1, 2, 16, 128]) {
        const damaged = bytes.slice();
        damaged[at] ^= bit;
        const file = attempt(() => parseSafetensors(damaged));
        if (file === undefined) continue;
        const taken = Object.values(file.tensors).reduce((sum, { bytes }) => sum + bytes.length, 0);
        assertEquals(taken, bytes.length - header, `${path}, byte ${at}`);
      }
    }
    for (let length = 0; length < bytes.length; length++) assertEquals(attempt(() => parseSafetensors(bytes.slice(0, length))), undefined);
  }
});

test("a safetensors header of any text is read or refused", () => {
  const field = fc.oneof(
    fc.constantFrom<unknown>("F32", "U8", "F4", "x", null, [0, 4], [4], [], [0, 0], [1e300], [-1], {}),
    fc.jsonValue({ maxDepth: 2 }),
  );
  const headers = fc.dictionary(
    fc.oneof(fc.constantFrom("a", "b", "__metadata__"), words),
    fc.oneof(fc.record({ dtype: field, shape: field, data_offsets: field }), fc.jsonValue({ maxDepth: 3 })),
  ).map((header) => JSON.stringify(header));
  sync(
    fc.property(fc.oneof(headers, fc.string({ maxLength: 60 })), fc.uint8Array({ maxLength: 16 }), (text, data) => {
      const header = new TextEncoder().encode(text);
      const bytes = new Uint8Array([...new Uint8Array(BigUint64Array.of(BigInt(header.length)).buffer), ...header, ...data]);
      const file = attempt(() => parseSafetensors(bytes));
      if (file === undefined) return;
      assertEquals(Object.values(file.tensors).reduce((sum, { bytes }) => sum + bytes.length, 0), data.length);
    }),
    300,
  );
});

test("the format's JSON is JSON.parse's, but for what that passes over", () => {
  const mutated = fc.tuple(
    fc.jsonValue({ maxDepth: 4 }).map((value) => JSON.stringify(value)),
    fc.nat(),
    fc.constantFrom("", ",", "}", '"', "\\", "1", " ", "e", "-", "[", "\u0000"),
  ).map((
    [text, at, sign],
  ) => `${text.slice(0, at % (text.length + 1))}${sign}${text.slice(at % (text.length + 1))}`);
  const plain = (json: ReturnType<typeof parseJson>): unknown =>
    json.kind === "object"
      ? Object.fromEntries(json.entries.map(([key, value]) => [key, plain(value)]))
      : json.kind === "array"
      ? json.items.map(plain)
      : json.kind === "number"
      ? Number(json.text)
      : json.value;
  sync(
    fc.property(mutated, (text) => {
      let want: unknown;
      try {
        want = JSON.parse(text);
      } catch {
        want = undefined;
      }
      let got: unknown;
      try {
        got = plain(parseJson(text));
      } catch (error) {
        assert(error instanceof SyntaxError);
        // What is refused here alone: half a pair, and numbers that are infinite.
        assert(want === undefined || /surrogate|too large/.test(error.message), `${text}: ${error.message}`);
        return;
      }
      assertEquals(got, want);
    }),
    500,
  );
});

test("a file of PyTorch's with any byte changed, or cut anywhere, is refused or says the same", () => {
  for (const name of ["sgd", "muon"]) {
    const bytes = golden(`pytorch/${name}.pt`);
    const want = JSON.stringify(readTorch(bytes), plainTensor);
    for (let at = 0; at < bytes.length; at++) {
      for (const bit of [1, 8, 128]) {
        const damaged = bytes.slice();
        damaged[at] ^= bit;
        const value = attempt(() => readTorch(damaged));
        if (value !== undefined) assertEquals(JSON.stringify(value, plainTensor), want, `${name}, byte ${at}, bit ${bit}`);
      }
    }
    for (let length = 0; length < bytes.length; length += 3) assertEquals(attempt(() => readTorch(bytes.slice(0, length))), undefined);
  }
});

function plainTensor(_key: string, value: unknown): unknown {
  return ArrayBuffer.isView(value) ? [...new Uint8Array(value.buffer, value.byteOffset, value.byteLength)] : value;
}

const archive = (pickle: Uint8Array): Uint8Array => writeZip([["a/data.pkl", pickle], ["a/data/0", new Uint8Array(16)]]);

/** Instructions with what follows them, so that a random pickle gets somewhere. */
const instructions = fc.oneof(
  fc.constantFrom(..."NNN()]}tu.aesRQb".split("").map((op) => [op.charCodeAt(0)]), [0x85], [0x86], [0x87], [0x88], [0x89], [0x94], [0x93], [
    0x81,
  ]),
  fc.nat(255).map((n) => [0x4b, n]),
  fc.nat(4).map((n) => [0x71, n]),
  fc.nat(4).map((n) => [0x68, n]),
  fc.constantFrom("storage", "0", "cpu", "lr", "7").map((word) => [0x8c, word.length, ...new TextEncoder().encode(word)]),
  fc.constantFrom(
    "torch\nFloatStorage\n",
    "torch._utils\n_rebuild_tensor_v2\n",
    "collections\nOrderedDict\n",
    "collections\nCounter\n",
    "os\nsystem\n",
    "torch\nSize\n",
  )
    .map((name) => [0x63, ...new TextEncoder().encode(name)]),
  fc.uint8Array({ minLength: 9, maxLength: 9 }).map((bytes) => [0x47, ...bytes.subarray(1)]),
  fc.uint8Array({ maxLength: 4 }).map((bytes) => [...bytes]),
);

test("a pickle of any instructions builds a value that can be written again, or is refused", () => {
  sync(
    fc.property(fc.array(instructions, { maxLength: 40 }), (parts) => {
      const value = attempt(() => readTorch(archive(Uint8Array.from([0x80, 2, ...parts.flat(), 0x2e]))));
      if (value === undefined || typeof value === "number" && Number.isNaN(value)) return;
      // Shared parts are written each time; a few random instructions make few of them.
      assertEquals(JSON.stringify(readTorch(writeTorch(value)), writable), JSON.stringify(value, writable));
    }),
    2000,
  );
});

function writable(key: string, value: unknown): unknown {
  return typeof value === "bigint"
    ? `${value}n`
    : typeof value === "number" && !Number.isFinite(value)
    ? String(value)
    : plainTensor(key, value);
}

test("values that are written for PyTorch are read again", () => {
  const values: fc.Arbitrary<TorchValue> = fc.letrec<{ value: TorchValue }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 4 },
      fc.constantFrom<TorchValue>(null, true, false),
      fc.double(),
      fc.integer(),
      fc.bigInt({ min: 2n ** 60n, max: 2n ** 200n }),
      words,
      fc.array(tie("value"), { maxLength: 4 }),
      fc.dictionary(words.filter((word) => !/^-?\d+$/.test(word) && word !== "milestones"), tie("value"), {
        maxKeys: 4,
        noNullPrototype: true,
      }),
    ),
  })).value;
  sync(fc.property(values, (value) => assertEquals(readTorch(writeTorch(value)), value)), 300);
});

test("bytes at random, and archives that are damaged in several places, are refused", () => {
  const bytes = golden("pytorch/sgd.pt");
  sync(
    fc.property(fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.nat(255)), { minLength: 1, maxLength: 8 }), (changes) => {
      const damaged = bytes.slice();
      for (const [at, byte] of changes) damaged[at] = byte;
      attempt(() => readTorch(damaged, { checksums: false }));
    }),
    2000,
  );
  const refuse = (why: string): never => {
    throw new RangeError(`Cannot ${why}`);
  };
  sync(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => void attempt(() => readZip(bytes, refuse))), 500);
});

/** Pickles in which every byte asks for something. */
const greedy: Readonly<Record<string, readonly number[]>> = {
  "empty lists": [0x5d],
  "empty dictionaries": [0x7d],
  "marks": [0x28],
  "tuples of one": [0x4e, 0x85],
  "memories": [0x94],
  "numbers": [0x4b, 1],
  "floats": [0x47, 1, 2, 3, 4, 5, 6, 7, 8],
  "names": [0x63, 0x0a, 0x0a],
  "words": [0x8c, 1, 0x61],
};
for (const [what, part] of Object.entries(greedy)) {
  test(`a pickle of nothing but ${what} takes no more than a few times its bytes`, () => {
    const length = 2 ** 21;
    const pickle = new Uint8Array(length).map((_, i) => i < 3 ? [0x80, 2, 0x4e][i] : part[(i - 3) % part.length]);
    const file = archive(pickle);
    const used = (): number => {
      const { heapUsed, external, arrayBuffers } = process.memoryUsage();
      return heapUsed + external + (arrayBuffers ?? 0);
    };
    const before = used();
    attempt(() => readTorch(file));
    assert(used() - before < 64 * length, `${((used() - before) / length).toFixed(1)} bytes for each of the file's`);
  });
}

const params = () => ({ w: { data: new Float32Array(6), shape: [2, 3] }, b: { data: new Float32Array(3), shape: [3] } });
const paths = fc.constantFrom(
  ["state"],
  ["state", "0"],
  ["state", "1", "step"],
  ["state", "0", "exp_avg"],
  ["state", "1", "exp_avg_sq", "shape"],
  ["state", "1", "exp_avg", "dtype"],
  ["param_groups"],
  ["param_groups", "0"],
  ["param_groups", "0", "params"],
  ["param_groups", "0", "lr"],
  ["param_groups", "0", "betas"],
  ["param_groups", "0", "eps"],
  ["param_groups", "0", "weight_decay"],
);

test("a dictionary with anything anywhere is taken as a whole, or refused and nothing has changed", () => {
  using from = builtins.createOptimizer("adamw_torch", params(), {}, { backend: "js" });
  from.step({ w: { data: new Float32Array(6).fill(1), shape: [2, 3] }, b: { data: new Float32Array(3).fill(1), shape: [3] } });
  const good = optimizerStateDict(from);
  const values = fc.oneof(
    fc.jsonValue({ maxDepth: 2 }),
    fc.constantFrom<unknown>(undefined, NaN, -1, [2, 3], "float64", new Float32Array(3), {
      data: new Float32Array(3),
      shape: [3],
      dtype: "float32",
    }),
  );
  sync(
    fc.property(paths, values, (path, value) => {
      const dict = structuredClone(good) as unknown as Record<string, unknown>;
      let inside = dict;
      for (const key of path.slice(0, -1)) inside = inside[key] as Record<string, unknown>;
      inside[path[path.length - 1]] = value;
      using optimizer = builtins.createOptimizer("adamw_torch", params(), {}, { backend: "js" });
      const before = JSON.stringify([optimizer.saveState(), optimizer.groups[0].options], plainTensor);
      if (attempt(() => loadOptimizerStateDict(optimizer, dict as TorchValue)) !== undefined) return;
      assertEquals(JSON.stringify([optimizer.saveState(), optimizer.groups[0].options], plainTensor), before);
    }),
    300,
  );
});

test("a scheduler's dictionary of anything is read or refused", () => {
  const keys = fc.constantFrom(
    "last_epoch",
    "base_lrs",
    "_last_lr",
    "gamma",
    "step_size",
    "milestones",
    "_schedulers",
    "_milestones",
    "lr_lambdas",
    "T_max",
    "eta_min",
    "best",
    "factor",
    "total_iters",
  );
  const values = fc.oneof(fc.integer({ min: -2, max: 9 }), fc.jsonValue({ maxDepth: 3 }), fc.array(fc.integer(), { maxLength: 3 }));
  sync(
    fc.property(fc.dictionary(keys, values, { noNullPrototype: true }), (dict) => void attempt(() => readScheduler(dict as TorchValue))),
    1000,
  );
});

test("an index of several files that says anything is read or refused, and opens names alone", async () => {
  const one = writeSafetensors({ tensors: { a: { data: new Float32Array(1), shape: [1], dtype: "float32" } }, metadata: {} });
  const maps = fc.dictionary(
    fc.constantFrom("a", "b", "__proto__"),
    fc.oneof(fc.constantFrom("m.safetensors", "../m", "/m", "a\\b", ".."), fc.jsonValue({ maxDepth: 1 })),
  );
  await fc.assert(
    fc.asyncProperty(fc.oneof(maps.map((weight_map) => JSON.stringify({ weight_map })), fc.json(), fc.string()), async (index) => {
      try {
        await openShards(index, (name) => {
          assert(!/[/\\]|^\.\.?$/.test(name), name);
          return one;
        });
      } catch (error) {
        assert(error instanceof RangeError && error.message.startsWith("Cannot read safetensors"), String(error));
      }
    }),
    settings(300) as fc.Parameters<[string]>,
  );
});
