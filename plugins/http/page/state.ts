/**
 * What the page shows, and the same as a URL's fragment. The fragment speaks the service's own words: `schedule`, `to` and `lr` mean what they
 * mean in `GET /v1/curves`. A fragment is never sent to a server.
 *
 * @module
 */

/** A plugin in use, as recipes write it. */
export interface Choice {
  /** The plugin's name. */
  readonly name: string;
  /** Its options, all that are set. */
  readonly options: Readonly<Record<string, unknown>>;
}

/** One of the two runs. */
export interface RunChoice {
  /** The algorithm. */
  readonly optimizer: Choice;
  /** The schedule of its lr; null: none. */
  readonly schedule: Choice | null;
}

/** Everything that a link carries. */
export interface PageState {
  /** The curves, 8 at most. */
  readonly curves: readonly Choice[];
  /** Last step shown. */
  readonly to: number;
  /** Base value of the curves that are factors. */
  readonly lr: number;
  /** The vertical axis. */
  readonly scale: "linear" | "log";
  /** The step whose values are read. */
  readonly at: number;
  /** The two runs. */
  readonly runs: readonly [RunChoice, RunChoice];
  /** Updates of a run. */
  readonly updates: number;
  /** Seed of the runs: initial weights and the order of the images. */
  readonly seed: number;
}

/** More curves than that nobody can tell apart; the service draws as many. */
export const mostCurves = 8;

/** The state as a fragment, without `#`. What stands as in `start` is left out, but for the curves. */
export function writeState(state: PageState, start: PageState): string {
  const query = new URLSearchParams();
  for (const curve of state.curves) query.append("schedule", JSON.stringify(curve));
  // Without the word a link is silent about curves, which means those of the start.
  if (state.curves.length === 0) query.append("schedule", "");
  query.append("to", String(state.to));
  query.append("lr", String(state.lr));
  if (state.scale !== start.scale) query.append("scale", state.scale);
  if (state.at !== start.at) query.append("at", String(state.at));
  if (JSON.stringify(state.runs) !== JSON.stringify(start.runs)) {
    for (const run of state.runs) query.append("run", JSON.stringify(run));
  }
  if (state.updates !== start.updates) query.append("updates", String(state.updates));
  if (state.seed !== start.seed) query.append("seed", String(state.seed));
  // How many parts there are stands early, and a word at the end, so that a link that was cut on its way can be told.
  const [first, ...rest] = query.toString().split("&");
  const parts = [first, `parts=${rest.length + 3}`, ...rest, "end"].join("&");
  // These are safe in a fragment, and a reader can then read it.
  return parts.replaceAll("%22", '"').replaceAll("%3A", ":").replaceAll("%2C", ",");
}

/** Words of a link that mean something. */
const known: readonly string[] = ["schedule", "to", "lr", "scale", "at", "run", "updates", "seed", "parts", "end"];

/** What a fragment says that cannot be taken, as a sentence; `""` where all of it can. */
export function lossOf(fragment: string): string {
  const query = new URLSearchParams(fragment.replace(/^#/, ""));
  if (!isState(query)) return "";
  const keys = [...query.keys()];
  const texts = query.getAll("schedule").filter((text) => text !== "");
  const curves = texts.map(readJson).filter(isChoice).length;
  const runs = query.getAll("run");
  const isRead: Readonly<Record<string, (text: string) => boolean>> = {
    to: (text) => readWhole(text, 1, 0) > 0,
    lr: (text) => readPositive(text, 0) > 0,
    scale: (text) => text === "log" || text === "linear",
    at: (text) => readWhole(text, 0, -1) >= 0,
    updates: (text) => readWhole(text, 1, mostUpdates + 1) <= mostUpdates,
    seed: (text) => readWhole(text, 0, mostSeed + 1) <= mostSeed,
  };
  const wrong = Object.keys(isRead).filter((key) => query.has(key) && !isRead[key](query.get(key)!));
  if (runs.length > 0 && (runs.length !== 2 || !runs.map(readJson).every(isRun))) wrong.push("the runs");
  const isCut = query.has("parts") && (!query.has("end") || keys.length < Number(query.get("parts"))) ||
    keys.some((key) => !known.includes(key) && known.some((word) => word.startsWith(key))) || fragment.endsWith("&");
  const losses = [
    ...(curves < texts.length ? [`${texts.length - curves} of its curves cannot be read`] : []),
    ...(curves > mostCurves ? [`of its ${curves} curves the first ${mostCurves} are shown`] : []),
    ...(wrong.length > 0 ? [`${wrong.join(", ")} cannot be read`] : []),
    ...(isCut ? ["its end is missing, and curves may be missing with it"] : []),
  ];
  if (losses.length === 0) return "";
  const what = isCut || curves < texts.length ? "This link was cut off or damaged on its way" : "Not all of this link can be shown";
  return `${what}: ${losses.join("; ")}.`;
}

function isState(query: URLSearchParams): boolean {
  return [...query.keys()].some((key) => key === "schedule" || key === "to" || key === "run");
}

/** The state that a fragment describes. What it does not say, or says wrongly, is as in `start`. */
export function readState(fragment: string, start: PageState): PageState {
  const query = new URLSearchParams(fragment.replace(/^#/, ""));
  if (!isState(query)) return start;
  const curves = query.getAll("schedule").map(readJson).filter(isChoice).slice(0, mostCurves);
  const runs = query.getAll("run").map(readJson).filter(isRun);
  return {
    curves: query.has("schedule") ? curves : start.curves,
    to: readWhole(query.get("to"), 1, start.to),
    lr: readPositive(query.get("lr"), start.lr),
    scale: query.get("scale") === "log" ? "log" : "linear",
    at: readWhole(query.get("at"), 0, start.at),
    runs: runs.length === 2 ? [runs[0], runs[1]] : start.runs,
    updates: Math.min(mostUpdates, readWhole(query.get("updates"), 1, start.updates)),
    seed: Math.min(mostSeed, readWhole(query.get("seed"), 0, start.seed)),
  };
}

/** A run keeps its history; a link must not fill a reader's memory. */
export const mostUpdates = 10_000;

/** What the generator of the runs takes in. */
export const mostSeed: number = 2 ** 32 - 1;

function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isChoice(value: unknown): value is Choice {
  if (!isRecord(value) || typeof value.name !== "string") return false;
  return isRecord(value.options);
}

function isRun(value: unknown): value is RunChoice {
  return isRecord(value) && isChoice(value.optimizer) && (value.schedule === null || isChoice(value.schedule));
}

function readWhole(text: string | null, least: number, otherwise: number): number {
  const value = text === null || text === "" ? NaN : Number(text);
  return Number.isSafeInteger(value) && value >= least ? value : otherwise;
}

function readPositive(text: string | null, otherwise: number): number {
  const value = text === null || text === "" ? NaN : Number(text);
  return Number.isFinite(value) && value > 0 ? value : otherwise;
}
