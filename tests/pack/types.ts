/**
 * The installed package's types under many TypeScripts and settings: right.ts compiles, and of wrong.ts each call fails.
 *
 * All settings together are 512. The gate takes sixteen of them, an orthogonal array: for any two columns each pair of their values is there, and every
 * TypeScript with every value of each column. `deno task pack --all` takes all.
 *
 * @module
 */
import { execFile } from "node:child_process";
import { cpSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { root } from "../generated.ts";

const compilers = ["5.2", "5.4", "5.9", "7"] as const;

/** One way to compile. */
export interface Setting {
  /** Version of TypeScript; package.json pins the releases. */
  readonly compiler: typeof compilers[number];
  /** Language and library, ESNext or ES2022. */
  readonly esnext: boolean;
  /** With `@types/node`. */
  readonly node: boolean;
  /** With the DOM's types. */
  readonly dom: boolean;
  /** Modules as bundlers resolve them, or as Node does. */
  readonly bundler: boolean;
  /** `skipLibCheck`, under which a name that is missing in a d.ts is `any` without a word. */
  readonly skipLibCheck: boolean;
  /** `noUncheckedIndexedAccess`. */
  readonly unchecked: boolean;
  /** `exactOptionalPropertyTypes`. */
  readonly exact: boolean;
}

/** All settings, or the sixteen of the gate. */
export function settings(all: boolean): readonly Setting[] {
  const bits = (i: number) => Array.from({ length: 7 }, (_, bit) => (i >> bit & 1) === 1);
  if (all) {
    return compilers.flatMap((compiler) =>
      Array.from({ length: 128 }, (_, i) => {
        const [esnext, node, dom, bundler, skipLibCheck, unchecked, exact] = bits(i);
        return { compiler, esnext, node, dom, bundler, skipLibCheck, unchecked, exact };
      })
    );
  }
  // a and b choose the compiler; every other column is a sum of a, b, c, d that is not one of a and b alone.
  return Array.from({ length: 16 }, (_, i) => {
    const [a, b, c, d] = bits(i);
    return {
      compiler: compilers[i % 4],
      esnext: c,
      node: d,
      bundler: c !== d,
      skipLibCheck: a === c,
      unchecked: b !== d,
      exact: a !== d,
      dom: (a !== b) !== (c !== d),
    };
  });
}

const libraries = ["node_modules/@types/", "node_modules/hono/"];

/** Compiles in `folder`, where the package is installed; throws what went wrong, else says what was done. */
export async function checkTypes(folder: string, all: boolean): Promise<string> {
  for (const name of ["right", "wrong", "using", "http"]) cpSync(join(root, `tests/pack/${name}.ts`), join(folder, `${name}.ts`));
  mkdirSync(join(folder, "node_modules/@types"));
  for (const name of ["@types/node", "hono"]) symlinkSync(join(root, "node_modules", name), join(folder, "node_modules", name));
  const wanted = settings(all);
  const faults: string[] = [];
  const queue = wanted.entries();
  await Promise.all(Array.from({ length: availableParallelism() }, async () => {
    for (const [i, setting] of queue) {
      const found = await compile(folder, `tsconfig.${i}.json`, setting);
      if (found !== "") faults.push(`${JSON.stringify(setting)}\n${found}`);
    }
  }));
  if (faults.length > 0) throw new Error(`${faults.length} of ${wanted.length} settings have faults:\n${faults.join("\n")}`);
  return `types hold in ${wanted.length} settings of TypeScript ${compilers.join(", ")}`;
}

/** Errors in the package and in the programs; those that other libraries have with an older TypeScript are theirs. */
async function compile(folder: string, config: string, setting: Setting): Promise<string> {
  const { compiler, esnext, node, dom, bundler, skipLibCheck, unchecked, exact } = setting;
  const target = esnext ? "ESNext" : "ES2022";
  writeFileSync(
    join(folder, config),
    JSON.stringify({
      compilerOptions: {
        strict: true,
        noEmit: true,
        target,
        lib: [target, ...dom ? ["DOM"] : []],
        module: bundler ? "ESNext" : "NodeNext",
        moduleResolution: bundler ? "bundler" : "NodeNext",
        types: node ? ["node"] : [],
        skipLibCheck,
        noUncheckedIndexedAccess: unchecked,
        exactOptionalPropertyTypes: exact,
      },
      files: ["right.ts", "wrong.ts", ...esnext || node ? ["using.ts"] : [], ...dom ? ["http.ts"] : []],
    }),
  );
  const tsc = join(root, "node_modules", `typescript-${compiler}`, "bin/tsc");
  const output = await new Promise<string>((done, fail) =>
    execFile("node", [tsc, "-p", config, "--pretty", "false"], { cwd: folder, maxBuffer: 2 ** 26 }, (error, out, err) => {
      if (error !== null && out === "") fail(new Error(`TypeScript ${compiler} did not run: ${err || error}`));
      else done(out);
    })
  );
  // An error's further lines are indented.
  return output.split(/\n(?=\S)/).filter((error) => error !== "" && !libraries.some((library) => error.split("(")[0].includes(library)))
    .join("\n").trim();
}

/** Called by itself: `deno run -A tests/pack/types.ts FOLDER`, over a folder in which the package is installed. */
if (import.meta.main) console.log(await checkTypes(process.argv[2], process.argv.includes("--all")));
