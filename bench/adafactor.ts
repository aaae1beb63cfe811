/**
 * Our Adafactor beside transformers' and PyTorch's: `deno run -A bench/adafactor.ts`.
 *
 *     [--json] [--quick] [--layout 1024x1024,4096x4096,200*64x64,t5-small] [--only REGEX] [--rounds N] [--ms N] [--runtime deno|bun]
 *
 * With default options; rivals/race.ts says what is timed, and how. PyTorch's Adafactor is another algorithm of the same cost (its own
 * clipping, no relative step). "kept" tells the C library to keep freed memory: by default it hands a rival's temporary tensors back to the
 * system and takes them anew in every step, as it does in its users' programs, and most of a step is page faults. What it has freed before
 * changes what it keeps, so every layout has new processes.
 *
 * @module
 */
import { t5Small } from "./layouts.ts";
import { type Command, glissade, python, type Runtime } from "./rivals/commands.ts";
import { type Contestant, run } from "./rivals/race.ts";

const LAYOUTS = { "1024x1024": "1024x1024", "4096x4096": "4096x4096", "200*64x64": "200*64x64", "t5-small": t5Small };
const KEPT = { MALLOC_MMAP_THRESHOLD_: String(2 ** 25), MALLOC_TRIM_THRESHOLD_: String(2 ** 30) };

function contestants(runtime: Runtime): Contestant[] {
  return ([1, 2] as const).flatMap((threads): Contestant[] => {
    const torch = (env: Command["env"]) => () =>
      python("transformers", threads, ["torch_step.py", String(threads), "Adafactor", "transformers"], env);
    return [
      { name: "glissade", threads, variant: "adafactor", against: null, command: () => glissade(runtime, threads) },
      { name: "transformers", threads, variant: "transformers", against: "glissade", command: torch({}) },
      { name: "transformers, kept", threads, variant: "transformers", against: "glissade", command: torch(KEPT) },
      { name: "torch foreach", threads, variant: "foreach", against: "glissade", command: torch({}) },
      { name: "torch single", threads, variant: "single", against: "glissade", command: torch({}) },
    ];
  });
}

await run({
  bench: "adafactor",
  algorithm: "Adafactor",
  layouts: LAYOUTS,
  processesFor: "one layout",
  contestants,
  turn: { ms: 400, quickMs: 150, least: 3, cold: 1 },
  unit: { name: "ms/step", of: (ns) => ns / 1e6 },
  ratio: { words: "theirs over ours, how many times as fast ours is", of: (ours, theirs) => theirs / ours },
  targets: [{ rival: "transformers 2", layouts: Object.keys(LAYOUTS), atLeast: 5 }],
});
