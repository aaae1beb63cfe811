import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { builtins } from "../../../mod.ts";
import { createApp } from "../../../plugins/http/mod.ts";
import { get } from "./ask.ts";

interface Operation {
  readonly operationId: string;
  readonly parameters?: readonly {
    readonly name?: string;
    readonly $ref?: string;
    readonly required?: boolean;
    readonly schema?: unknown;
  }[];
  readonly responses: Readonly<Record<string, unknown>>;
  readonly security?: unknown;
}
interface Document {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: Readonly<Record<string, Readonly<Record<string, { readonly name?: string }>>>>;
}

const app = createApp(builtins);
const document: () => Promise<Document> = () => get(app, "/openapi.json");
const schedules = builtins.plugins.filter((plugin) => plugin.kind === "schedule").filter(({ returns }) => returns !== "metric")
  // These have options that a query has another meaning for: they are asked for in JSON alone.
  .filter(({ name }) => !["delay", "repeat", "shift"].includes(name));

test("the document has every route, and no other", async () => {
  const { openapi, paths } = await document();
  assertEquals(openapi, "3.1.0");
  const told = Object.entries(paths).flatMap(([path, methods]) => Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`));
  const served = app.routes.flatMap(({ method, path }) => {
    if (!path.includes(":name")) return [`${method} ${path}`];
    return schedules.flatMap(({ name }) =>
      (path.endsWith(":name") ? ["", ".csv", ".f64", ".svg"] : [""]).map((suffix) => `${method} ${path.replace(":name", name)}${suffix}`)
    );
  });
  assertEquals(told.toSorted(), served.toSorted());
});

test("each schedule has its options as parameters, and each operation an id of its own", async () => {
  const { paths, components } = await document();
  const nameOf = ({ name, $ref }: { name?: string; $ref?: string }) => name ?? components.parameters[$ref!.split("/").at(-1)!].name;
  for (const { name, options } of schedules) {
    const { parameters = [] } = paths[`/v1/schedules/${name}`].get;
    assertEquals(parameters.map(nameOf), [...Object.keys(options), "step", "steps", "from", "to", "every", "lr"]);
    const required = parameters.filter((parameter) => parameter.required).map(nameOf);
    assertEquals(
      required,
      Object.entries<{ default?: unknown }>(options).filter(([, spec]) => spec.default === undefined).map(([name]) => name),
    );
    const pictures = paths[`/v1/schedules/${name}.svg`].get.parameters!.map(nameOf);
    assertEquals(pictures.slice(-5), ["scale", "title", "width", "height", "theme"]);
  }
  const ids = Object.values(paths).flatMap((methods) => Object.values(methods).map(({ operationId }) => operationId));
  assertEquals(new Set(ids).size, ids.length);
});

test("every reference leads somewhere", async () => {
  const text = JSON.stringify(await document());
  const { components } = JSON.parse(text);
  for (const [, kind, name] of text.matchAll(/"#\/components\/(\w+)\/(\w+)"/g)) {
    assert(components[kind]?.[name] !== undefined, `${kind}/${name}`);
  }
});

test("the parameters that every schedule shares are those that no option may have", async () => {
  const { components } = await document();
  assertEquals(
    Object.keys(components.parameters).toSorted(),
    ["every", "from", "height", "lr", "scale", "step", "steps", "theme", "title", "to", "width"],
  );
});

test("what needs a token says so", async () => {
  const tokens = { alice: "0".repeat(64) };
  const own: Document = await get(createApp(builtins, { tokens }), "/openapi.json");
  assertEquals(own.paths["/v1/steps"].post.security, [{ token: [] }]);
  assert("401" in own.paths["/v1/steps"].post.responses);
  assertEquals(own.paths["/v1/plugins"].get.security, undefined);
  const all: Document = await get(createApp(builtins, { tokens, schedules: { auth: "all" } }), "/openapi.json");
  assertEquals(all.paths["/v1/plugins"].get.security, [{ token: [] }]);
});
