import { test } from "node:test";
import { assertEquals } from "@std/assert";
import { createBackend } from "../../kernels/backends/create.ts";
import { available } from "../../kernels/detect.ts";
import { extentOf } from "../../kernels/extent.ts";
import { narrowArray } from "../../kernels/half.ts";
import { parse } from "../../kernels/language/parse.ts";
import { compile } from "../../kernels/language/compile.ts";
import type { KernelBackend } from "../../kernels/backend.ts";
import type { BackendName, BackendOptions, DType, Scalars, SlotClass, Tensor } from "../../kernels/types.ts";

/** Numbers that look random and are the same everywhere, with zeros, subnormals and large ones among them. */
function numbers(n: number, seed: number): Float32Array {
  const out = new Float32Array(n);
  let s = seed * 2654435761 >>> 0 || 1;
  for (let i = 0; i < n; i++) {
    s ^= s << 13;
    s ^= s >>> 17;
    s ^= s << 5;
    const u = (s >>> 0) / 2 ** 32 - 0.5;
    out[i] = i % 97 === 13 ? 0 : i % 101 === 7 ? u * 1e-38 : i % 103 === 5 ? u * 1e4 : u * 2;
  }
  return out;
}

interface Sample {
  readonly text: string;
  readonly slots: Readonly<Record<string, SlotClass>>;
  readonly scalars: Scalars;
}

const adamw = { beta1: 0.9, beta2: 0.999, eps: 1e-6, stepSize: 1e-2, lr: 1e-2, weightDecay: 0.1 };

const samples: Readonly<Record<string, Sample>> = {
  "a flat rule": {
    text: "m = beta1*m + (1 - beta1)*g\nv = beta2*v + (1 - beta2)*g*g\nu = m/(sqrt(v) + eps)\np -= stepSize*u\np -= lr*weightDecay*p",
    slots: { m: "param", v: "param" },
    scalars: adamw,
  },
  "every element function": {
    text: [
      "a = where(g > 0, abs(p), -g) + min(p, g)*max(p, 0.25) - clamp(p, -0.5, g)",
      "b = sign(g) + (p <= g) + (p >= 0)*2 + (p == g) + (g != 0) + (g < p)",
      "m = round(a/3) + round(b*0.1) + where(b, p, g) + where(p > 100, 1/0, 0)",
      "p = m - sqrt(abs(g))",
    ].join("\n"),
    slots: { m: "param" },
    scalars: {},
  },
  "rows and columns": {
    text: [
      "a = rel*where(rms(p) > eps2, rms(p), eps2)",
      "s = g*g + eps1",
      "r = beta*r + (1 - beta)*rowmean(s)",
      "c = beta*c + (1 - beta)*colmean(s)",
      "u = 1/sqrt(r/colmean(r))*(1/sqrt(c))*g",
      "u /= max(1, rms(u)/d)",
      "p = (p - 0.1*a*p) - a*u",
    ].join("\n"),
    slots: { r: "row", c: "col" },
    scalars: { rel: 0.01, eps1: 1e-30, eps2: 1e-3, beta: 0.7, d: 1 },
  },
  "every reduction": {
    text: [
      "n = allnorm(g)",
      "o = allmax(abs(p))",
      "k = allmean(g)",
      "w = rownorm(g) + rowsum(p)*rowrms(g) + rowmax(p) + colmax(g)*colrms(p) + colnorm(g) + colsum(p)",
      "e = rowmean(colmean(g)) + colmax(rowmax(p))",
      "b = b + e",
      "r = max(r, rowmax(abs(g))) + b",
      "c = c - colmean(p) + b*0.5",
      "x = x + sum(g)/size + norm(p) + rms(w) + mean(r) + max(c) + sum(b)",
      "p -= 0.01*w/(1 + abs(w))*min(1, 3/(n + 1e-6)) + 0.001*x/(1 + abs(x)) + k + o*1e-6 + r*1e-3 - c*1e-3",
    ].join("\n"),
    slots: { r: "row", c: "col", b: "batch", x: "scalar" },
    scalars: {},
  },
  "a pass over overwritten slots": {
    text: "u = sign(beta1*m + (1 - beta1)*g)\nm = beta2*m + (1 - beta2)*g\nk = u*g > 0\nu *= k/max(mean(k), 0.001)\np -= lr*u",
    slots: { m: "param" },
    scalars: adamw,
  },
  "a slot whose old number is used last": {
    text: "u = m\nm = g*g\np -= lr*(sqrt(m + 1) + u)",
    slots: { m: "param" },
    scalars: adamw,
  },
};

/** Runs three steps over tensors of several shapes and returns all bits, NaN made equal. */
function bits(
  name: BackendName,
  options: BackendOptions,
  { text, slots, scalars }: Sample,
  shapes: readonly (readonly number[])[],
  dtype: DType,
  gType: DType,
): string {
  const backend = createBackend(name, options) as KernelBackend;
  const program = compile(parse(text, "r"), {
    scopes: {
      r: {
        slots: Object.fromEntries(
          Object.entries(slots).map(([key, shape]) => [key, { shape, dtype: shape === "param" ? dtype : "float32" }]),
        ),
        scalars: Object.keys(scalars),
      },
    },
    p: dtype,
    g: gType,
  });
  const fill = ({ data, dtype = "float32" }: Tensor, seed: number): void => {
    const values = numbers(data.length, seed);
    if (dtype === "float32") data.set(values);
    else narrowArray(dtype, values, data as Uint16Array);
  };
  const items = shapes.map((shape) => {
    const extent = extentOf(shape);
    const of: Record<string, readonly number[]> = {
      param: shape,
      row: [extent.batch * extent.rows],
      col: [extent.batch * extent.cols],
      batch: [extent.batch],
    };
    const own = Object.entries(slots).filter(([, cls]) => cls !== "scalar" && cls !== "group");
    const [p, g, ...rest] = backend.reserve([], [
      { shape, dtype },
      { shape, dtype: gType },
      ...own.map(([, cls]) => ({ shape: of[cls], dtype: cls === "param" ? dtype : "float32" as const })),
    ]);
    fill(p, 1 + extent.size);
    return {
      program,
      extent,
      tensors: { p, g, ...Object.fromEntries(own.map(([key], i) => [`r/${key}`, rest[i]])) },
      scalarSlots: new Map(Object.keys(slots).map((key) => [`r/${key}`, 0])),
      groupSlots: new Map<string, number>(),
    };
  });
  const plan = backend.plan(items);
  const values = Object.fromEntries(Object.entries(scalars).map(([key, value]) => [`r/${key}`, value]));
  for (let t = 1; t <= 3; t++) {
    items.forEach(({ tensors: { g } }, i) => fill(g, 100 * t + i));
    plan.run(items.map(() => ({ ...values, t })));
  }
  let hash = 0;
  const out: string[] = [];
  for (const { tensors, scalarSlots } of items) {
    for (const [key, { data, dtype }] of Object.entries(tensors)) {
      const words = data instanceof Float32Array ? new Uint32Array(data.buffer, data.byteOffset, data.length) : data as Uint16Array;
      const [magnitude, infinity] = dtype === "float32"
        ? [0x7fffffff, 0x7f800000]
        : dtype === "bfloat16"
        ? [0x7fff, 0x7f80]
        : [0x7fff, 0x7c00];
      hash = 0;
      for (let i = 0; i < words.length; i++) {
        const isNaN = (words[i] & magnitude) > infinity;
        hash = Math.imul(hash ^ (isNaN ? magnitude : words[i]), 0x01000193) + i | 0;
      }
      out.push(`${key}:${hash}:${Array.from(data.subarray(0, 3))}`);
    }
    out.push([...scalarSlots.values()].join());
  }
  backend[Symbol.dispose]();
  return out.join("\n");
}

const shapes = [[7], [3, 5], [40, 24], [2, 3, 33, 17], [260, 300], [1, 9], [9, 1], [5, 3, 3, 3], [0], []];
const others: readonly (readonly [BackendName, BackendOptions])[] = [["wasm", {}], ["threads", { threads: 1 }], ["threads", {
  threads: 3,
}]];

for (const [what, sample] of Object.entries(samples)) {
  for (
    const [dtype, gType] of [["float32", "float32"], ["bfloat16", "bfloat16"], ["float16", "float16"], ["bfloat16", "float32"]] as const
  ) {
    test(`${what} in ${dtype} with gradients in ${gType} agrees on all backends`, () => {
      const want = bits("js", {}, sample, shapes, dtype, gType);
      for (const [name, options] of others) {
        if (available().includes(name)) {
          assertEquals(bits(name, options, sample, shapes, dtype, gType), want, `${name} ${JSON.stringify(options)}`);
        }
      }
    });
  }
}

test("a dispatch large enough for workers agrees with one thread", () => {
  for (const what of ["a flat rule", "every reduction"]) {
    const large = [[1100, 1024], [300], [700, 64]];
    const want = bits("wasm", {}, samples[what], large, "float32", "float32");
    for (const threads of [2, 5]) {
      assertEquals(bits("threads", { threads }, samples[what], large, "float32", "float32"), want, `${what}, ${threads} threads`);
    }
  }
});

test("tensors that are taken in waves, few at a time, get what each gets alone", () => {
  const sample = samples["rows and columns"];
  const large = [[900, 1024], [3, 5], [1100, 1024], [2, 700, 64], [300], [1200, 512]];
  for (const [name, options] of [["wasm", {}], ["threads", { threads: 2 }]] as const) {
    const together = bits(name, options, sample, large, "float32", "float32").split("\n");
    large.forEach((shape, i) => {
      // Gradients follow the place in the list.
      const places = large.map((_, k) => k === i ? shape : [0]);
      const alone = bits(name, options, sample, places, "float32", "float32").split("\n");
      const lines = together.length / large.length;
      assertEquals(together.slice(i * lines, (i + 1) * lines), alone.slice(i * lines, (i + 1) * lines), `${name}, [${shape}]`);
    });
  }
});
