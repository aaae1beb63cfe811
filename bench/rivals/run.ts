/**
 * Our AdamW and the rivals' side by side: `npm run rivals`, or `deno run -A bench/rivals/run.ts`.
 *
 *     [--json] [--quick] [--layout 64Ki,1Mi,4Mi,16Mi,200x4096,10000x64,bert] [--only REGEX] [--rounds N] [--ms N] [--runtime deno|bun]
 *
 * With lr 1e-3, betas 0.9 and 0.999, eps 1e-8, weight decay 0.01; race.ts says what is timed, and how.
 *
 * @module
 */
import { layouts } from "../layouts.ts";
import { type Command, glissade, python, type Runtime, script } from "./commands.ts";
import { type Contestant, run } from "./race.ts";
import { setUpC, setUpNpm } from "./setup.ts";

/** JavaScript ones, ours included, run in `runtime`. */
function contestants(runtime: Runtime): Contestant[] {
  const all = ([1, 2] as const).flatMap((threads): Contestant[] => {
    const torch = (group: "torch" | "transformers") => () => python(group, threads, ["torch_step.py", String(threads), "AdamW", group]);
    const optax = (): Command =>
      python("optax", threads, ["optax_adamw.py"], {
        // XLA takes the size of its pool from NPROC.
        JAX_PLATFORMS: "cpu",
        NPROC: String(threads),
        PJRT_NPROC: String(threads),
        ...(threads === 1 ? { XLA_FLAGS: "--xla_cpu_multi_thread_eigen=false" } : {}),
      });
    const jax = () => script(runtime, "jaxjs_adamw.ts", setUpNpm("jax-js"), String(threads));
    const [first, second] = ["glissade adamw", "glissade adamw_torch"];
    return [
      { name: first, threads, variant: "adamw", against: null, command: () => glissade(runtime, threads) },
      { name: second, threads, variant: "adamw_torch", against: null, command: () => glissade(runtime, threads) },
      { name: "torch fused", threads, variant: "fused", against: second, command: torch("torch") },
      { name: "torch foreach", threads, variant: "foreach", against: second, command: torch("torch") },
      { name: "torch single", threads, variant: "single", against: second, command: torch("torch") },
      { name: "transformers", threads, variant: "transformers", against: first, command: torch("transformers") },
      { name: "optax jit", threads, variant: "adamw", against: second, command: optax },
      { name: "jax-js wasm", threads, variant: "adamw", against: second, command: jax },
    ];
  });
  const tfjs = () => script(runtime, "tfjs_adam.ts", setUpNpm("tfjs"));
  const c = () => ({ command: setUpC(), args: [], env: {} });
  return [
    ...all,
    { name: "tfjs wasm Adam", threads: 1, variant: "adam", against: "glissade adamw", command: tfjs },
    { name: "C loop", threads: 1, variant: "adamw", against: "glissade adamw", command: c },
  ];
}

await run({
  bench: "rivals",
  algorithm: "AdamW",
  layouts: {
    // Written as COUNT*SIZE, which is all that adamw.c reads: it leaves at the last one.
    ...{ "64Ki": "1*65536", "1Mi": "1*1048576", "4Mi": "1*4194304", "16Mi": "1*16777216", "200x4096": "200*4096", "10000x64": "10000*64" },
    bert: Object.values(layouts.bert()).map((shape) => shape.join("x")).join(","),
  },
  processesFor: "all layouts",
  contestants,
  turn: { ms: 150, quickMs: 60, least: 5, cold: 2 },
  unit: { name: "ns/parameter", of: (ns, parameters) => ns / parameters },
  ratio: { words: "ours over theirs, below 1 ours is faster", of: (ours, theirs) => ours / theirs },
  targets: [
    { rival: "C loop 1", layouts: ["64Ki", "1Mi", "4Mi", "16Mi"], atMost: 1.15 },
    { rival: "torch fused 1", layouts: ["1Mi", "4Mi", "16Mi", "bert"], atMost: 1.05 },
    { rival: "torch fused 2", layouts: ["1Mi", "4Mi", "16Mi", "bert"], atMost: 1.05 },
    { rival: "torch fused 1", layouts: ["200x4096", "10000x64"], atMost: 0.5 },
    { rival: "torch fused 2", layouts: ["200x4096", "10000x64"], atMost: 0.5 },
  ],
});
