/**
 * Who takes part: ours and the rivals, with the command that starts each.
 *
 * @module
 */
import process from "node:process";
import { fileURLToPath } from "node:url";
import { type Place, setUpC, setUpNpm, setUpPython } from "./setup.ts";

/** One contestant. */
export interface Contestant {
  /** Unique, as `torch fused 2`. */
  readonly id: string;
  readonly name: string;
  readonly threads: 1 | 2;
  /** What is asked of its process at `prepare`. */
  readonly variant: string;
  /** Which of our algorithms it is compared with; `null`: it is ours. */
  readonly against: "adamw" | "adamw_torch" | null;
  /** How to start it; run when it is needed. */
  command(): Command | { readonly reason: string };
}

/** A command with what its environment has besides ours. */
export interface Command {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

const file = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

/** A script under the JavaScript runtime asked for. */
function script(runtime: "deno" | "bun", name: string, ...args: readonly string[]): Command {
  const current = process.versions.bun ? "bun" : "deno";
  const options = runtime === "deno" ? ["run", "-A", "--no-check", "--v8-flags=--expose-gc"] : [];
  return { command: runtime === current ? process.execPath : runtime, args: [...options, file(name), ...args], env: {} };
}

/** With what was set up, or why it was not. */
function from(place: Place, command: (path: string) => Command): Command | { readonly reason: string } {
  return "reason" in place ? place : command(place.path);
}

/** All of them; JavaScript ones, ours included, run in `runtime`. */
export function contestants(runtime: "deno" | "bun"): readonly Contestant[] {
  const list: Contestant[] = [];
  const add = (name: string, threads: 1 | 2, rest: Omit<Contestant, "id" | "name" | "threads">) =>
    list.push({ id: `${name} ${threads}`, name, threads, ...rest });
  for (const threads of [1, 2] as const) {
    for (const variant of ["adamw", "adamw_torch"]) {
      add(`glissade ${variant}`, threads, {
        variant,
        against: null,
        command: () => script(runtime, "glissade.ts", threads === 1 ? "wasm" : "threads", String(threads)),
      });
    }
    const env = { PYTHONDONTWRITEBYTECODE: "1", OMP_NUM_THREADS: String(threads), MKL_NUM_THREADS: String(threads) };
    for (const variant of ["fused", "foreach", "single"]) {
      add(`torch ${variant}`, threads, {
        variant,
        against: "adamw_torch",
        command: () => from(setUpPython("torch"), (python) => ({ command: python, args: [file("torch_adamw.py"), String(threads)], env })),
      });
    }
    add("transformers", threads, {
      variant: "transformers",
      against: "adamw",
      command: () =>
        from(
          setUpPython("transformers"),
          (python) => ({ command: python, args: [file("torch_adamw.py"), String(threads), "transformers"], env }),
        ),
    });
    add("optax jit", threads, {
      variant: "adamw",
      against: "adamw_torch",
      command: () =>
        from(setUpPython("optax"), (python) => ({
          command: python,
          args: [file("optax_adamw.py")],
          // XLA takes the size of its pool from NPROC.
          env: {
            ...env,
            JAX_PLATFORMS: "cpu",
            NPROC: String(threads),
            PJRT_NPROC: String(threads),
            ...(threads === 1 ? { XLA_FLAGS: "--xla_cpu_multi_thread_eigen=false" } : {}),
          },
        })),
    });
    add("jax-js wasm", threads, {
      variant: "adamw",
      against: "adamw_torch",
      command: () => from(setUpNpm("jax-js"), (folder) => script(runtime, "jaxjs_adamw.ts", folder, String(threads))),
    });
  }
  add("tfjs wasm Adam", 1, {
    variant: "adam",
    against: "adamw",
    command: () => from(setUpNpm("tfjs"), (folder) => script(runtime, "tfjs_adam.ts", folder)),
  });
  add("C loop", 1, {
    variant: "adamw",
    against: "adamw",
    command: () => from(setUpC(), (program) => ({ command: program, args: [], env: {} })),
  });
  return list;
}
