/**
 * The files of a new plugin's package: the plugin, its test, README, and what JSR and npm want to know.
 *
 * @module
 */
import type { Plugin } from "../../core/plugin/contract.ts";
import type { Names } from "./names.ts";
import { accumulatorText } from "./text_of_accumulator.ts";
import { optimizerText } from "./text_of_optimizer.ts";
import type { Texts } from "./texts.ts";
import { scheduleText } from "./text_of_schedule.ts";
import { transformText } from "./text_of_transform.ts";

/** Where a Glissade that is not published yet lies, as the new package's folder sees it. */
export interface Unpublished {
  /** Its folder, with deno.json: for Deno. */
  readonly folder: string;
  /** The tarball that `npm run pack` makes: for npm and Bun. */
  readonly tarball: string;
}

const textsOf: Readonly<Record<Plugin["kind"], (names: Names) => Texts>> = {
  optimizer: optimizerText,
  schedule: scheduleText,
  accumulator: accumulatorText,
  transform: transformText,
};

/** Text by path. `version` is Glissade's, which the package asks for. */
export function packageFiles(
  names: Names,
  kind: Plugin["kind"],
  version: string,
  unpublished?: Unpublished,
): Readonly<Record<string, string>> {
  const { plugin, test, use } = textsOf[kind](names);
  return {
    [`${names.file}.ts`]: plugin,
    [`${names.file}_test.ts`]: test,
    "README.md": readme(names, kind, use, unpublished),
    "deno.json": json(denoJson(names, version, unpublished)),
    "package.json": json(packageJson(names, kind, version, unpublished)),
    ".gitignore": "node_modules/\n*.tgz\n",
  };
}

const json = (value: object): string => `${JSON.stringify(value, null, 2)}\n`;

function denoJson({ packageName, file }: Names, version: string, unpublished?: Unpublished): object {
  return {
    name: packageName,
    version: "0.1.0",
    license: "MIT",
    exports: `./${file}.ts`,
    imports: { "@glissade/optim": `jsr:@glissade/optim@^${version}` },
    ...unpublished && { links: [unpublished.folder] },
    publish: { include: [`${file}.ts`, "README.md", "deno.json", "package.json"] },
  };
}

function packageJson({ packageName, file }: Names, kind: Plugin["kind"], version: string, unpublished?: Unpublished): object {
  return {
    name: packageName,
    version: "0.1.0",
    description: `A${/^[aeiou]/.test(kind) ? "n" : ""} ${kind} for Glissade`,
    keywords: ["glissade", kind],
    license: "MIT",
    type: "module",
    // `deno pack` writes these two files into the tarball.
    exports: { ".": { types: `./${file}.d.ts`, default: `./${file}.js` } },
    scripts: { test: `node --test ${file}_test.ts` },
    peerDependencies: { "@glissade/optim": `^${version}` },
    devDependencies: { "@glissade/optim": unpublished ? `file:${unpublished.tarball}` : `^${version}`, "@types/node": "^22.0.0" },
  };
}

function readme({ packageName, file, name }: Names, kind: Plugin["kind"], use: string, unpublished?: Unpublished): string {
  const testFile = `${file}_test.ts`;
  return `# ${packageName}

A${/^[aeiou]/.test(kind) ? "n" : ""} ${kind} for [Glissade](https://jsr.io/@glissade/optim), \`${name}\`.

\`\`\`ts
${use.trim()}
\`\`\`

## Test it

\`\`\`sh
npm install                   # or: bun install
npx deno test                 # one of these three, or all
bun test
node --test ${testFile}${" ".repeat(Math.max(1, 18 - testFile.length))}# Node 22.18 or newer
\`\`\`

\`${testFile}\` holds the plugin against all that Glissade asks of one: a plugin with faults fails with a list of all of them, in plain words.

## Publish it

Put your own scope in place of \`${
    packageName.split("/")[0]
  }\`, in \`deno.json\` and \`package.json\`, and your words in both and here. Then

\`\`\`sh
npx deno publish --dry-run    # JSR; without --dry-run it publishes
npx deno pack                 # npm: makes a tarball with JavaScript and types …
npm publish *.tgz             # … and publishes it
\`\`\`
${
    unpublished === undefined ? "" : `
## Before Glissade is published

\`links\` in \`deno.json\` and \`file:\` in \`package.json\` lead to a checkout of Glissade on this machine. Take \`links\` out, and write
\`"^0.1.0"\` in place of the path, when Glissade is on JSR and npm.
`
  }`;
}
