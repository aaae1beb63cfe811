/**
 * A folder of plugins in JSON, for a service that is started with one: in Deno, Bun and Node.
 *
 * @module
 */
import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { about, aboutOf } from "../../core/errors.ts";
import { readPlugin } from "../../core/json_plugin/read_plugin.ts";
import type { OptimizerPlugin, SchedulePlugin, TransformPlugin } from "../../core/plugin/contract.ts";

/** Bytes of the largest file that is read. */
const mostBytes = 1_000_000;
const mostFiles = 1000;

/**
 * Reads every file of a folder whose name ends with `.json`, in the order of their names, with `readPlugin`.
 *
 * What is wrong with a file is an error of `readPlugin`'s that names the file; a folder that cannot be read is the runtime's own error. RangeError for more
 * than 1,000 files, and for one of more than 1 MB; TypeError for two plugins of one kind with the same name.
 *
 * @example Usage
 * ```ts ignore
 * import { builtins } from "@glissade/optim";
 * import { createApp } from "@glissade/optim/http";
 * import { readPluginFolder } from "@glissade/optim/plugin-folder";
 *
 * const app = createApp(builtins.with(...await readPluginFolder("./plugins")));
 * ```
 */
export async function readPluginFolder(folder: string): Promise<(OptimizerPlugin | TransformPlugin | SchedulePlugin)[]> {
  const files = (await readdir(folder)).filter((name) => name.endsWith(".json")).sort();
  if (files.length > mostFiles) {
    throw new RangeError(`Cannot read plugins from ${folder}: it has ${files.length} files, at most ${mostFiles} are read`);
  }
  const plugins: (OptimizerPlugin | TransformPlugin | SchedulePlugin)[] = [];
  const from = new Map<string, string>();
  for (const name of files) {
    const path = join(folder, name);
    const { size } = await stat(path);
    if (size > mostBytes) throw new RangeError(`Cannot read plugins from ${path}: it has ${size} bytes, at most ${mostBytes} are read`);
    const plugin = readNamed(path, await readFile(path, "utf8"));
    const key = `${plugin.kind} ${JSON.stringify(plugin.name)}`;
    const other = from.get(key);
    if (other !== undefined) {
      throw about(new TypeError(`Cannot read plugins from ${path}: ${other} has ${key} already`), { plugin: plugin.name });
    }
    from.set(key, path);
    plugins.push(plugin);
  }
  return plugins;
}

/** A file's plugin; what is wrong with it says which file it is. */
function readNamed(path: string, text: string): ReturnType<typeof readPlugin> {
  try {
    return readPlugin(text);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const Wrong = error instanceof SyntaxError ? SyntaxError : error instanceof RangeError ? RangeError : TypeError;
    throw about(new Wrong(`${path}: ${error.message}`, { cause: error }), aboutOf(error));
  }
}
