/**
 * Parameters that routes share, by name: what each may be, read from a query's text or taken from a JSON body.
 *
 * @module
 */
import { show } from "../../../core/names.ts";
import type { Limits } from "../guard/limits.ts";
import { parseJsonText } from "./json_body.ts";
import type { Fault } from "./problem.ts";
import { integerOf, numberOf, type Query } from "./query.ts";

/** What was asked, by name. */
export interface Asked {
  readonly step?: number;
  readonly steps?: readonly number[];
  readonly from?: number;
  readonly to?: number;
  readonly every?: number;
  /** Base values, one a group. */
  readonly lr?: readonly number[];
  /** Values whose first crossing is asked for. */
  readonly below?: number;
  readonly above?: number;
  readonly weightDecay?: number;
  readonly share?: number;
  readonly scale?: "linear" | "log";
  readonly title?: string;
  readonly width?: number;
  readonly height?: number;
  readonly theme?: "auto" | "light" | "dark";
  /** `{ name, options }` each, not checked yet. */
  readonly schedule?: readonly unknown[];
  readonly kind?: string;
  readonly limit?: number;
  readonly after?: string;
}

/** Names of parameters. */
export type ParameterName = keyof Asked;

/** What a parameter may be. */
export interface Parameter {
  readonly type: "step" | "steps" | "integer" | "number" | "numbers" | "text" | "schedules";
  readonly minimum?: number;
  readonly maximum?: number;
  /** Letters of a text, elements of a list; `steps` has as many as the service's limit of points says. */
  readonly most?: number;
  /** The only texts. */
  readonly allowed?: readonly string[];
  /** Another name in a body. */
  readonly alias?: string;
}

/** Every parameter. */
export const parameters: Readonly<Record<ParameterName, Parameter>> = {
  step: { type: "step", minimum: 0 },
  steps: { type: "steps", minimum: 0 },
  from: { type: "step", minimum: 0 },
  to: { type: "step", minimum: 0 },
  every: { type: "step", minimum: 1 },
  lr: { type: "numbers", most: 64 },
  below: { type: "number" },
  above: { type: "number" },
  weightDecay: { type: "number" },
  share: { type: "number", minimum: 0, maximum: 1 },
  scale: { type: "text", allowed: ["linear", "log"] },
  title: { type: "text", most: 200 },
  width: { type: "number", minimum: 160, maximum: 4000 },
  height: { type: "number", minimum: 120, maximum: 4000 },
  theme: { type: "text", allowed: ["auto", "light", "dark"] },
  schedule: { type: "schedules", most: 8, alias: "schedules" },
  kind: { type: "text", allowed: ["optimizer", "schedule", "accumulator", "transform"] },
  limit: { type: "integer", minimum: 1, maximum: 100 },
  after: { type: "text" },
};

/** How points are asked for. */
export const pointNames: readonly ParameterName[] = ["step", "steps", "from", "to", "every"];
/** How a picture is drawn. */
export const pictureNames: readonly ParameterName[] = ["scale", "title", "width", "height", "theme"];
/** What may be asked of a range, beside its ends: in a query that has a schedule's options too, and in a body. */
export const factNames: readonly ParameterName[] = ["below", "above"];
/** Names that no option of a schedule may have: they stand in the same query. */
export const reserved: readonly string[] = [...pointNames, "lr", ...pictureNames, ...factNames];

/** Reads parameters from a query, where each is given once at most but for schedules; what is wrong is added to `faults`. */
export function readParameters(query: Query, names: readonly ParameterName[], limits: Required<Limits>, faults: Fault[]): Asked {
  const asked: Record<string, unknown> = {};
  for (const name of names) {
    const texts = query.get(name);
    const { type } = parameters[name];
    if (texts === undefined && type !== "schedules") continue;
    try {
      asked[name] = type === "schedules" ? readSchedules(texts ?? []) : readers[type](texts![0]);
    } catch (error) {
      faults.push({ in: "query", name, detail: (error as Error).message });
      continue;
    }
    const fault = faultOf(name, asked[name], limits);
    if (fault !== undefined) faults.push({ in: "query", name, ...fault });
  }
  return asked;
}

type Wrong = Pick<Fault, "detail" | "allowed">;

// What a text says, or the text itself where it says nothing: it is then refused as a body's value would be.
const readers: Readonly<Record<Exclude<Parameter["type"], "schedules">, (text: string) => unknown>> = {
  step: (text) => integerOf(text) ?? text,
  steps: (text) => text.split(",").map((part) => integerOf(part) ?? part),
  integer: (text) => numberOf(text) ?? text,
  number: (text) => numberOf(text) ?? text,
  numbers: (text) => text.split(",").map((part) => numberOf(part) ?? part),
  text: (text) => text,
};

function readSchedules(texts: readonly string[]): unknown[] {
  // Counted before they are parsed.
  if (texts.length > parameters.schedule.most!) return [...texts];
  return texts.map((text) => {
    try {
      return parseJsonText(text);
    } catch (error) {
      throw new SyntaxError(`schedule=${text.slice(0, 80)} is no JSON: ${(error as Error).message}`);
    }
  });
}

/** What is wrong with a parameter's value. */
export function faultOf(name: ParameterName, value: unknown, limits: Required<Limits>): Wrong | undefined {
  const { type, most = Infinity, minimum = -Infinity, maximum = Infinity, allowed } = parameters[name];
  const within = (value: unknown): boolean => typeof value === "number" && value >= minimum && value <= maximum;
  switch (type) {
    case "step":
      if (!isStep(value)) return { detail: noStep(name, value) };
      return value < minimum ? { detail: `${name} is ${value}: it must be ${minimum} at least` } : undefined;
    case "steps": {
      if (!Array.isArray(value) || value.length === 0) return { detail: `${name} must be a list of one step at least` };
      if (value.length > limits.points) {
        return { detail: `${name} has ${value.length} points, and at most ${limits.points} are answered` };
      }
      const wrong = value.findIndex((step) => !isStep(step));
      return wrong < 0 ? undefined : { detail: noStep(name, value[wrong]) };
    }
    case "integer":
      if (Number.isInteger(value) && within(value)) return undefined;
      return { detail: `${name} = ${show(value)}: it must be an integer from ${minimum} to ${maximum}` };
    case "number":
      if (within(value) && Number.isFinite(value)) return undefined;
      return { detail: `${name} = ${show(value)}: it must be a number${minimum === -Infinity ? "" : ` from ${minimum} to ${maximum}`}` };
    case "numbers": {
      const numbers = value as readonly unknown[];
      const wrong = numbers.findIndex((number) => !Number.isFinite(number));
      if (wrong >= 0) return { detail: `${name} has ${show(numbers[wrong])}, which is no finite number` };
      const { length } = numbers;
      return length >= 1 && length <= most ? undefined : { detail: `${name} has ${length} groups, and 1 to ${most} are answered` };
    }
    case "schedules": {
      const { length } = value as readonly unknown[];
      if (length >= 1 && length <= most) return undefined;
      return { detail: `There are ${length} schedules: give 1 to ${most}, each as JSON { name, options }` };
    }
    case "text":
      if (allowed !== undefined) {
        return allowed.includes(value as string)
          ? undefined
          : { detail: `There is no ${name} ${JSON.stringify(value)?.slice(0, 80)}`, allowed };
      }
      return typeof value === "string" && value.length <= most
        ? undefined
        : { detail: `${name} must be a text of ${most} characters at most` };
  }
}

function isStep(value: unknown): value is number {
  return Number.isSafeInteger(value) && value as number >= 0;
}

function noStep(name: string, value: unknown): string {
  return `${name} = ${show(value)} is no step: steps are integers from 0 to 9007199254740991`;
}
