/**
 * Runs that move between PyTorch and here, with the real packages: `npm run pytorch`, for a Python with torch (2.9 or newer), transformers and safetensors, which
 * `GLISSADE_PYTHON` names.
 *
 * Of each run of pytorch_runs.py: three steps there and three here, and the other way, beside the run that never moved. `optimizer.pt` is loaded with
 * `weights_only=True`. Last, examples/python/load_state.py loads a state of ours without such a file. Ends with 1 where something differs.
 *
 * @module
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { loadOptimizerStateDict, readTorch, writeTorch } from "../../plugins/formats/pytorch.ts";
import { writeSafetensors } from "../../plugins/formats/safetensors.ts";
import { root } from "../generated.ts";
import { pythonWith } from "../python.ts";
import {
  bound,
  differences,
  errorOf,
  modelOf,
  namesOf,
  optimizerOf,
  paramsOf,
  type Run,
  type Saved,
  savedOf,
  step,
  valueOf,
} from "./pytorch_runs.ts";

const python = pythonWith("torch", "transformers", "safetensors");
if (python === undefined) {
  console.error("Cannot run: no Python here has torch, transformers and safetensors; name one by GLISSADE_PYTHON");
  process.exit(2);
}
const script = join(root, "tests/reference/pytorch_runs.py");
const folder = mkdtempSync(join(tmpdir(), "glissade-pytorch-"));
let failed = 0;

/** A model and an optimizer that begin anew, and take a state of ours. */
const loadState = `
import sys
sys.path[:0] = sys.argv[1:3]
import json, pathlib, torch
import pytorch_runs as runs
from load_state import load
params = {k: torch.nn.Parameter(torch.zeros_like(p)) for k, p in runs.parameters("rprop").items()}
optimizer, scheduler = runs.make("rprop", params)
load(torch.nn.ParameterDict(params), optimizer, pathlib.Path(sys.argv[3]) / "state.safetensors")
for t in range(4, 7):
    runs.step(params, optimizer, scheduler, t)
print(json.dumps(runs.listed(params)))
`;

function tell(what: string, values: Parameters<typeof errorOf>[0], want: Run["before"]): string {
  const faults = differences(values, want, bound);
  if (faults.length > 0) failed++;
  return `${what} ${errorOf(values, want).toExponential(1)}${faults.length > 0 ? " FAILED" : ""}`;
}

const listed = (of: Run["before"]): Record<string, { data: ArrayLike<number> }> =>
  Object.fromEntries(Object.entries(of).map(([name, data]) => [name, { data }]));

try {
  execFileSync(python, [script, folder], { stdio: ["ignore", "inherit", "inherit"] });
  const { torch, runs }: { readonly torch: string; readonly runs: Readonly<Record<string, Run>> } = JSON.parse(
    readFileSync(join(folder, "runs.json"), "utf8"),
  );
  const lines = new Map<string, string>();
  for (const [name, run] of Object.entries(runs)) {
    const saved = readTorch(Uint8Array.from(readFileSync(join(folder, `${name}.pt`)))) as unknown as Saved;
    const moved = paramsOf(run, run.at3);
    const here = optimizerOf(name, run, moved);
    loadOptimizerStateDict(here, saved.optimizer, {
      names: namesOf(name).flat(),
      scheduler: saved.scheduler,
      ...(name === "muon" && { steps: 3 }),
    });
    for (let t = 4; t <= 6; t++) step(here, run, t);
    here.dispose();
    lines.set(name, `${name}: ${tell("from PyTorch off by", moved, run.at6)}`);
    const begun = paramsOf(run, run.before);
    const first = optimizerOf(name, run, begun);
    for (let t = 1; t <= 3; t++) step(first, run, t);
    writeFileSync(join(folder, `${name}.pt`), writeTorch(valueOf(savedOf(name, first, saved))));
    writeFileSync(join(folder, `${name}.safetensors`), writeSafetensors(modelOf(begun)));
    if (name === "rprop") writeFileSync(join(folder, "state.safetensors"), writeSafetensors(first.saveState()));
    first.dispose();
  }
  const printed = execFileSync(python, [script, folder, ...Object.keys(runs)], { encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] });
  const back: Readonly<Record<string, { readonly at6: Run["before"]; readonly lr: readonly number[] }>> = JSON.parse(printed);
  console.log(`PyTorch ${torch}; of a tensor's largest value, after six steps:`);
  for (const [name, run] of Object.entries(runs)) {
    const { at6, lr } = back[name];
    const sameRates = lr.every((rate, i) => Math.abs(rate - run.lr[i]) <= 1e-12);
    if (!sameRates) failed++;
    console.log(
      `${lines.get(name)}, ${tell("to PyTorch", listed(at6), run.at6)}${sameRates ? "" : `, with rates ${lr} and not ${run.lr}`}`,
    );
  }
  const loaded = execFileSync(python, ["-c", loadState, join(root, "examples/python"), join(root, "tests/reference"), folder], {
    encoding: "utf8",
  });
  console.log(tell("load_state.py: off by", listed(JSON.parse(loaded)), runs.rprop.at6));
} finally {
  rmSync(folder, { recursive: true });
}
process.exit(failed > 0 ? 1 : 0);
