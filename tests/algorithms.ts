/**
 * plugins/ALGORITHMS.md: a table of all algorithms, made from the plugins themselves and the heads of their files.
 *
 * Papers and references are a plugin's `source`. A head is a sentence, an empty line, then the papers, and from "Follows" on how the plugin differs from the
 * reference. State is what the rule's slots say with default options, passes are what `explain` says.
 *
 * @module
 */
import { explain } from "../core/explain.ts";
import type { DType, OptimizerPlugin, Plugin, Rule, SlotShape, TransformPlugin } from "../core/plugin/contract.ts";
import { adamwTorch } from "../plugins/optimizers/adamw_torch.ts";
import { plugins } from "../plugins/builtins.ts";

/** What the head of an algorithm's file says. */
export interface Head {
  /** Its first sentence. */
  readonly what: string;
  /** What comes after the papers: the reference, and how the plugin differs from it. */
  readonly differences: string;
}

const BYTES: Readonly<Record<DType, number>> = { float32: 4, bfloat16: 2, float16: 2 };

/** Matrices of the table. */
const SIDE = 1024;

/** Reads the comment at the beginning of a file. */
export function headOf(text: string): Head {
  const lines = text.slice(text.indexOf("/**") + 3, text.indexOf("*/")).split("\n").map((line) => line.replace(/^ \* ?/, "").trim());
  const paragraphs = lines.join("\n").split(/\n{2,}/).map((paragraph) => paragraph.trim().replace(/\s*\n/g, " "))
    .filter((paragraph) => paragraph !== "" && !/^(@module|!\[)/.test(paragraph));
  const [what = "", ...others] = paragraphs;
  const rest = others.join(" ");
  const begin = rest.search(/(?:^|(?<=[.)] ))(?:Follows|(?:Order of operations and defaults|Defaults and order of operations) follow) /);
  return { what, differences: begin < 0 ? "" : rest.slice(begin) };
}

/** The parts of a plugin's `source` that are addresses, as links, and those that are not. */
function sourcesOf({ source = "" }: Plugin): { readonly papers: string; readonly reference: string } {
  const parts = source.split("; ").filter((part) => part !== "");
  const label = (url: string): string =>
    url.replace(/^https:\/\/arxiv\.org\/abs\//, "arXiv ").replace(/^https:\/\/(?:www\.)?([^/]+).*/, "$1");
  const links = parts.filter((part) => part.startsWith("https://")).map((part) => {
    const [, url, place] = /^(\S+?)(,.*)?$/.exec(part)!;
    return `[${label(url)}](${url})${place ?? ""}`;
  });
  return { papers: links.join(", "), reference: parts.filter((part) => !part.startsWith("https://")).join("; ") };
}

/** The options that a plugin has where none are given; 1 where one must be. */
function defaultsOf({ options }: Plugin): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(options as Readonly<Record<string, { readonly default?: unknown }>>).map((
      [name, spec],
    ) => [name, spec.default === undefined ? 1 : spec.default]),
  );
}

/** How many values a slot of a tensor has; numbers beside the tensors are not counted. */
function lengthOf(slot: SlotShape, shape: readonly number[], matrix: Rule["matrix"]): number {
  const size = shape.reduce((product, side) => product * side, 1);
  const cols = shape.at(-1) ?? 1, rows = shape.at(-2) ?? 1;
  const [b, r, c] = matrix ?? [size / (rows * cols), rows, cols];
  if (typeof slot !== "string") return slot.reduce((product, side) => product * side, 1);
  return { param: size, row: b * r, col: b * c, batch: b, scalar: 0, group: 0 }[slot];
}

/** Bytes of state for each of a tensor's elements, with default options; scratch memory, which all tensors share, is not state. */
export function stateBytes(plugin: OptimizerPlugin, shape: readonly number[], dtype: DType): number {
  const { slots, matrix } = plugin.rule(defaultsOf(plugin), { name: "w", shape, dtype });
  const bytes = Object.values(slots).map((slot) => {
    if (slot === undefined || slot.key === null) return 0;
    const kept = slot.dtype === "param" ? dtype : slot.dtype ?? "float32";
    return lengthOf(slot.shape, shape, matrix) * BYTES[kept];
  });
  return bytes.reduce((sum, n) => sum + n, 0) / shape.reduce((product, side) => product * side, 1);
}

/** How often a step goes over a matrix. */
function passesOf(plugin: OptimizerPlugin, transform?: TransformPlugin): number {
  const transforms = transform === undefined ? [] : [{ name: transform, options: defaultsOf(transform) }];
  return explain(plugin, [SIDE, SIDE], { transforms }).split("\n").length;
}

/** Rows as Markdown, with columns as wide as their widest cell. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, i) => Math.max(title.length, ...rows.map((row) => row[i].length)));
  const line = (cells: readonly string[]): string => `| ${cells.map((cell, i) => cell.padEnd(widths[i])).join(" | ")} |`;
  return [line(head), `| ${widths.map((width) => "-".repeat(width)).join(" | ")} |`, ...rows.map(line)].join("\n");
}

/** Short, with no digits that say nothing. */
function number(x: number): string {
  return String(Number(x.toPrecision(2)));
}

/** The file's text, given what reads a file of the repository. */
export function algorithms(read: (path: string) => string): string {
  const of = <P extends Plugin>(kind: P["kind"]): readonly P[] =>
    (plugins as readonly Plugin[]).filter((plugin): plugin is P => plugin.kind === kind);
  const headOfPlugin = ({ kind, name }: Plugin): Head => headOf(read(`plugins/${kind}s/${name}.ts`));
  const optimizers = of<OptimizerPlugin>("optimizer").map((plugin) => ({ plugin, head: headOfPlugin(plugin) }));
  const square = [SIDE, SIDE];
  return [
    "# All algorithms",
    "",
    "Made from the plugins and the heads of their files by `deno task build`; a test compares them. Do not edit.",
    "",
    "## Optimizers",
    "",
    `Bytes of state for each parameter, with default options: of a ${SIDE} x ${SIDE} matrix in each dtype, and of a float32 vector. Passes: how often a step`,
    "goes over a matrix or what is made of it, reads and writes of one line of `explain` together. Steps: whose count `t` is. Every optimizer takes",
    "parameters in float32, bfloat16 and float16; `stateDtype`, where there is one, says in what the moments are kept.",
    "",
    table(
      ["name", "reference", "float32", "bfloat16", "float16", "vector", "passes", "steps", "stateDtype", "papers"],
      optimizers.map(({ plugin }) => [
        `\`${plugin.name}\``,
        sourcesOf(plugin).reference,
        ...(["float32", "bfloat16", "float16"] as const).map((dtype) => number(stateBytes(plugin, square, dtype))),
        number(stateBytes(plugin, [SIDE], "float32")),
        String(passesOf(plugin)),
        plugin.counts ?? "tensor",
        Object.hasOwn(plugin.options as object, "stateDtype") ? "yes" : "",
        sourcesOf(plugin).papers,
      ]),
    ),
    "",
    "### Where they differ",
    "",
    ...optimizers.map(({ plugin, head }) => `- \`${plugin.name}\`: ${head.what.replace(/^[^:.]{1,30}: /, "")} ${head.differences}`),
    "",
    "## Transforms",
    "",
    "More passes: what one adds to those of `adamw_torch`.",
    "",
    table(
      ["name", "what", "more passes", "reference", "papers"],
      of<TransformPlugin>("transform").map((plugin) => {
        const { papers, reference } = sourcesOf(plugin);
        return [
          `\`${plugin.name}\``,
          headOfPlugin(plugin).what,
          String(passesOf(adamwTorch as OptimizerPlugin, plugin) - passesOf(adamwTorch as OptimizerPlugin)),
          reference,
          papers,
        ];
      }),
    ),
    "",
    "## Schedules and accumulators",
    "",
    table(
      ["name", "kind", "what", "reference", "papers"],
      [...of("schedule"), ...of("accumulator")].map((plugin) => {
        const { papers, reference } = sourcesOf(plugin);
        return [`\`${plugin.name}\``, plugin.kind, headOfPlugin(plugin).what, reference, papers];
      }),
    ),
    "",
  ].join("\n");
}
