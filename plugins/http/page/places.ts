/// <reference lib="dom" />
/**
 * Where the runs take their steps: on the browser's GPU, in WebAssembly, in plain JavaScript. The visitor chooses among what is there; what a GPU
 * refuses, or leaves when it is lost, goes on on this host from the last update, and the page says so.
 *
 * The GPU is taken where there is one, also where it is slower: whoever tries the page sees that training runs on the GPU of this browser, which is
 * what larger models are for, and the switch beside it says what is faster. With so small a network nothing is: 100 updates of both runs took 1.6 s
 * on WebAssembly and 1.7 s in plain JavaScript, most of it gradients, and 6.2 s where the processor feigned the GPU (bench/page_places.ts --feign; AMD
 * EPYC, 2 cores, SwiftShader). That is slow, and not out of hand.
 *
 * @module
 */
import type { WebGpuBackend } from "../../../core/types.ts";
import { available } from "../../../kernels/detect.ts";
import { byId, element, rewrite } from "./element.ts";
import { findGpu, type FoundGpu, openGpu, whyNot } from "./gpu.ts";
import type { Run, StepsOn } from "./run.ts";
import { names } from "./run_panel.ts";

/** What can be chosen. */
type Place = "webgpu" | "wasm" | "js";

const labels: Readonly<Record<Place, string>> = { webgpu: "GPU", wasm: "WebAssembly", js: "JavaScript" };

/** The places of both runs. */
export interface Places {
  /** True while a GPU is to take the steps. */
  readonly isOnGpu: boolean;
  /** What takes the steps of a run that is made now. A GPU is opened when training begins. */
  host(): StepsOn;
  /** Brings a run to where its steps are to be taken. */
  bring(run: Run): Promise<void>;
  /** After an update that failed: where a GPU is to blame, it is made on this host, and true comes back. Rejects where it fails there too. */
  rescue(run: Run, error: unknown): Promise<boolean>;
  /** Says where the runs are. */
  tell(): void;
}

/** The switch and its words. */
export function createPlaces(runs: () => readonly Run[]): Places {
  const hosts: readonly Place[] = available().includes("wasm") ? ["wasm", "js"] : ["js"];
  let chosen: Place = hosts[0];
  let hasChosen = false;
  let found: FoundGpu | undefined;
  let opening: Promise<WebGpuBackend> | undefined;
  /** Why a run is not on the GPU that was chosen. */
  let refused = new WeakMap<Run, string>();
  /** Why the GPU that was chosen is chosen no more. */
  let note = "";

  // Without a name it is the fastest that gets its memory.
  const hostOf = (place: Place): StepsOn => place === "js" ? "js" : undefined;
  const usualHost = (): StepsOn => hostOf(hosts[0]);

  function choose(place: Place): void {
    chosen = place;
    refused = new WeakMap();
    note = "";
    tell();
  }

  /** No GPU any more: the runs go on on this host. Those that somebody has brought elsewhere meanwhile stay there. */
  function leave(why: string): void {
    opening = undefined;
    if (chosen !== "webgpu") return;
    chosen = hosts[0];
    refused = new WeakMap();
    note = why;
    showSwitch();
    tell();
  }

  function refuse(run: Run, error: unknown): void {
    refused.set(run, `the GPU does not take steps of ${run.recipe.optimizer.name} (${whyNot(error)})`);
  }

  async function opened(): Promise<WebGpuBackend | undefined> {
    if (opening !== undefined) return await opening.catch(() => undefined);
    opening = openGpu();
    try {
      const backend = await opening;
      void (backend.device as GPUDevice).lost.then(({ message, reason }) => {
        leave(`The GPU was lost (${message.trim().replace(/\.$/, "") || reason}). The runs go on from where they were.`);
      });
      return backend;
    } catch (error) {
      leave(`The GPU cannot be used: ${whyNot(error)}.`);
      return undefined;
    }
  }

  async function bring(run: Run): Promise<void> {
    const gpu = chosen === "webgpu" && !refused.has(run) ? await opened() : undefined;
    const to = gpu ?? (chosen === "webgpu" ? usualHost() : hostOf(chosen));
    if (run.on === to) return;
    try {
      await run.moveTo(to);
    } catch (error) {
      if (gpu === undefined) throw error;
      refuse(run, error);
      tell();
    }
  }

  async function rescue(run: Run, error: unknown): Promise<boolean> {
    if (run.backend !== "webgpu") return false;
    await run.moveTo(usualHost());
    // What fails here as well is not the GPU's fault.
    await run.advance();
    refuse(run, error);
    tell();
    return true;
  }

  function words(): readonly string[] {
    const all = runs();
    if (chosen !== "webgpu") {
      const [run] = all;
      const backend = run !== undefined && run.on === hostOf(chosen) ? run.backend : chosen === "js" ? "js" : available()[0];
      const missing = found !== undefined && "missing" in found ? [`No GPU: ${found.missing}.`] : [];
      // An update under way ends where it began, on a GPU that compiles for it only after a while.
      const when = all.some((run) => run.backend === "webgpu") ? "The next update runs" : "Runs";
      return [`${when} ${onWhat(backend)}.`, ...note === "" ? missing : [note]];
    }
    const sides = all.map((run, i) => ({ name: names[i], run, why: refused.get(run) }));
    const there = sides.filter(({ why }) => why === undefined);
    if (there.length === 0 && new Set(sides.map(({ why }) => why)).size === 1) return [`Runs ${onWhat(all[0].backend)}: ${sides[0].why}.`];
    const alone = sides.map(({ name, run, why }) =>
      why === undefined ? `Run ${name} runs ${onWhat("webgpu")}.` : `Run ${name} runs ${onWhat(run.backend)}: ${why}.`
    );
    return [
      ...there.length === sides.length ? [`Runs ${onWhat("webgpu")}.`] : alone,
      ...there.length === 0 ? [] : [
        "The GPU takes the optimizers' steps; the page computes the gradients.",
        gpuNow().isFeigned
          ? "Your browser feigns it with the processor: WebAssembly is several times faster."
          : "So small a network gains no time by it; WebAssembly is as fast or faster.",
      ],
    ];
  }

  function gpuNow(): { readonly name: string; readonly isFeigned: boolean } {
    return found !== undefined && "name" in found ? found : { name: "", isFeigned: false };
  }

  function onWhat(backend: Run["backend"]): string {
    const { name, isFeigned } = gpuNow();
    if (backend === "webgpu") return `on ${isFeigned ? "a" : "your"} GPU (WebGPU${name === "" ? "" : `: ${name}`})`;
    if (backend === "js") return "in plain JavaScript";
    // What is computed of whole matrices is shared out; other lines of half a million elements and more, which no tensor here has.
    const threads = navigator.hardwareConcurrency;
    return `on WebAssembly, ${backend === "threads" && threads > 1 ? `up to ${threads} threads` : "1 thread"}`;
  }

  function tell(): void {
    rewrite(byId("place-words"), words().join(" "));
  }

  function showSwitch(): void {
    const places: readonly Place[] = found !== undefined && "name" in found ? ["webgpu", ...hosts] : hosts;
    const buttons = places.flatMap((place) => {
      const id = `place-${place}`;
      const button = element("input", { type: "radio", name: "place", id, change: () => (hasChosen = true, choose(place)) });
      button.checked = place === chosen;
      return [button, element("label", { for: id }, labels[place])];
    });
    byId("places").replaceChildren(element("legend", {}, "Runs on"), ...buttons);
  }

  showSwitch();
  void findGpu().then((gpu) => {
    found = gpu;
    if ("name" in gpu && !hasChosen) chosen = "webgpu";
    showSwitch();
    tell();
  });
  return {
    get isOnGpu() {
      return chosen === "webgpu";
    },
    host: () => chosen === "webgpu" ? usualHost() : hostOf(chosen),
    bring,
    rescue,
    tell,
  };
}
