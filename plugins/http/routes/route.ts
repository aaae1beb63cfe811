/**
 * A row of the table of routes, and what the handlers of all rows share.
 *
 * @module
 */
import type { Plugin } from "../../../core/plugin/contract.ts";
import type { Room } from "../guard/budget.ts";
import type { Limits } from "../guard/limits.ts";
import type { Metrics } from "../guard/metrics.ts";
import type { Turns } from "../guard/turns.ts";
import type { Sheets } from "../wire/decimals.ts";
import type { Form } from "../wire/media.ts";
import type { Asked, ParameterName } from "../wire/parameters.ts";
import type { Shelf } from "./shelf.ts";

/** Names of the rows: operations in OpenAPI begin with them. */
export type RouteName =
  | "health"
  | "readiness"
  | "page"
  | "openapi"
  | "metrics"
  | "plugins"
  | "schedule"
  | "facts"
  | "curves"
  | "post_curves"
  | "post_facts"
  | "rebase"
  | "lint"
  | "step";

/**
 * Who is let in: everybody; everybody, but with a tenant's name where schedules are private and the request may see them; whoever may see
 * schedules; whoever may take steps; whoever may see the counters.
 */
export type GateName = "open" | "told" | "schedules" | "steps" | "metrics";

/** One row: all that routing, the reading of queries and OpenAPI must know of a route. */
export interface Route {
  readonly name: RouteName;
  readonly method: "GET" | "POST";
  /** As OpenAPI writes it. */
  readonly path: string;
  readonly gate: GateName;
  /** Forms of the answer. */
  readonly forms: readonly Form[];
  /** True where the end of the path says which: nothing for JSON, `.csv`, `.f64`, `.svg`. */
  readonly bySuffix?: true;
  /** How long an answer holds: for its URL, and anybody may keep it; for the life of the app, but it is asked for again; not at all. */
  readonly holds: "byUrl" | "always" | "never";
  /** What may be asked: in the query of a GET, in the JSON body of a POST. */
  readonly parameters: readonly ParameterName[];
  /** What may be asked beside them where a picture is drawn. */
  readonly ofPicture?: readonly ParameterName[];
  /** True where the options of the schedule that the path names are parameters too. */
  readonly takesOptions?: true;
  /** Forms of the body. */
  readonly body?: readonly Form[];
  /** Whose room bodies and large answers take: who fills the one leaves the other free. */
  readonly room?: "curves" | "steps";
  /** Statuses of problems; those of the gate come on top. */
  readonly refusals: readonly number[];
  /** False where this app does not serve it. */
  isServed?(service: Service): boolean;
  /**
   * The answer's body and headers; what the row says of its type and of how long it holds is added. Where a schedule is not loaded yet, `Shelf.get`
   * throws the promise of it, and a GET's `answer` is called again from its start when the promise has come true: until it has its schedules it must not
   * read a body, hold room or count anything. A POST wraps the part that may be run twice in `whenThere` (`shelf.ts`) itself.
   */
  answer(incoming: Incoming, service: Service): Answer | Promise<Answer>;
}

/** A request on its way. */
export interface Incoming {
  readonly route: Route;
  readonly request: Request;
  /** `""` where no token is asked for. */
  readonly tenant: string;
  /** What stands for `{name}` in the path, without its suffix; `""` where there is no such part. */
  readonly name: string;
  /** The form that the path asks for; the first one where it says nothing. */
  readonly form: Form;
  /** What a GET asks in its query. */
  readonly asked: Asked;
  /** Options of the schedule that the path names, checked. */
  readonly options: Readonly<Record<string, unknown>>;
}

/** An answer before it has what every answer has. */
export interface Answer {
  readonly status?: number;
  readonly body: string | Uint8Array<ArrayBuffer> | null;
  readonly headers?: Readonly<Record<string, string>>;
}

/** What one app's handlers share. */
export interface Service {
  readonly routes: readonly Route[];
  /** The plugins of all kinds, loaded where they are not there yet. */
  plugins(): readonly Plugin[] | Promise<readonly Plugin[]>;
  /** Those of them that are schedules, by name. */
  readonly schedules: Shelf;
  readonly limits: Required<Limits>;
  readonly metrics: Metrics;
  /** Room for bodies and large answers. */
  readonly rooms: Readonly<Record<"curves" | "steps", Room>>;
  /** Begins a sheet for numbers. */
  readonly sheets: Sheets;
  /** The turns of what takes long to compute. */
  readonly turns: Turns;
  /** The HTML of `/`, if one is given. */
  readonly page: string | undefined;
  /** The text of `/openapi.json`, if one is given; false: none. */
  readonly openapi: string | false | undefined;
  /** Gates that ask for a token. */
  readonly guarded: Readonly<Record<GateName, boolean>>;
  /** Takes steps. Kernels and all that steps need come with the first one: a service of schedules starts without. */
  step(incoming: Incoming, service: Service): Promise<Answer>;
  /** Looks at recipes. What that needs comes with the first one, too. */
  lint(incoming: Incoming, service: Service): Promise<Answer>;
}

/** What comes next to an answer, at once where it is there: a promise would cost it a tenth of its time. */
export function then(made: Answer | Promise<Answer>, next: (made: Answer) => Answer): Answer | Promise<Answer> {
  return made instanceof Promise ? made.then(next) : next(made);
}

/** The parameters of a route where it answers in this form. */
export function parametersOf({ parameters, ofPicture = [] }: Route, form: Form): readonly ParameterName[] {
  return form === "svg" ? [...parameters, ...ofPicture] : parameters;
}

/** The paths of a route, each with its form; where the path ends in `{name}`, the name has the suffix. */
export function pathsOf({ path, forms, bySuffix }: Route): readonly (readonly [path: string, form: Form])[] {
  if (bySuffix !== true || path.endsWith("}")) return [[path, forms[0]]];
  return forms.map((form) => [`${path}${suffixOf(form)}`, form]);
}

/** How a path ends that asks for a form. */
export function suffixOf(form: Form): string {
  return form === "json" ? "" : `.${form}`;
}
