import { test } from "node:test";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { builtins } from "../../../mod.ts";
import { createApp } from "../../../plugins/http/mod.ts";
import * as lazy from "../../../plugins/lazy_builtins.ts";
import type { LazyPlugins } from "../../../plugins/http/mod.ts";

/** The built-ins, and what was loaded of them, in order. */
function watched(): { readonly source: LazyPlugins; readonly loaded: string[] } {
  const loaded: string[] = [];
  const entries = Object.entries(lazy.schedules).map(([name, load]): [string, typeof load] => [name, () => {
    loaded.push(name);
    return load();
  }]);
  const plugins = () => {
    loaded.push("all");
    return lazy.plugins();
  };
  return { source: { schedules: Object.fromEntries(entries), plugins }, loaded };
}

const nested = JSON.stringify({
  name: "warmup",
  options: {
    initialLearningRate: 0.5,
    warmupSteps: 3,
    decaySchedule: { name: "linear", options: { numWarmupSteps: 1, numTrainingSteps: 9 } },
  },
});
const post = { method: "POST", headers: { "Content-Type": "application/json" }, body: `{"schedule":${nested},"step":7}` };

test("an app over lazy plugins answers as one over the registry, whatever is asked first", async () => {
  const asks: readonly (readonly [path: string, init?: RequestInit])[] = [
    ["/v1/schedules/linear?numWarmupSteps=10&numTrainingSteps=100&step=5"],
    ["/v1/schedules/linear.csv?numWarmupSteps=10&numTrainingSteps=100&steps=5,6"],
    ["/v1/schedules/linear?numWarmupSteps=10&wrong=1&step=5"],
    ["/v1/schedules/linaer?step=5"],
    ["/v1/schedules/toString?step=5"],
    ["/v1/schedules/reduce_lr_on_plateau?step=5"],
    [`/v1/curves?step=5&schedule=${encodeURIComponent(nested)}`],
    [`/v1/curves?step=5&schedule=${encodeURIComponent('{"name":"foo"}')}`],
    ["/v1/curves", post],
    ["/v1/plugins"],
    ["/v1/plugins?kind=schedule&limit=2"],
    ["/openapi.json"],
  ];
  for (const [path, init] of asks) {
    const [one, other] = [createApp(watched().source), createApp(builtins)];
    for (const _ of [1, 2]) {
      const [got, wanted] = [await one.request(path, init), await other.request(path, init)];
      const bare = async (answer: Response) => (await answer.text()).replace(/"instance":"[^"]*"/, "");
      assertEquals([got.status, await bare(got)], [wanted.status, await bare(wanted)], path);
    }
  }
});

test("an app over lazy plugins loads each schedule once, when it is asked for, and those it holds", async () => {
  const { source, loaded } = watched();
  const app = createApp(source);
  assertEquals(loaded, []);
  for (const step of [1, 2]) {
    const answers = [1, 2].map(() => app.request(`/v1/schedules/constant?step=${step}`));
    for (const answer of await Promise.all(answers)) {
      assertEquals(await answer.json(), { schedule: "constant", options: {}, step, lr: [1] });
    }
  }
  assertEquals(loaded, ["constant"]);
  assertEquals((await app.request("/v1/curves", post)).status, 200);
  assertEquals(loaded, ["constant", "warmup", "linear"]);
  assertEquals((await app.request("/v1/schedules/nothing?step=1")).status, 404);
  assertEquals((await app.request("/v1/plugins")).status, 200);
  assertEquals(loaded, ["constant", "warmup", "linear", "all"]);
});

test("an app over lazy plugins tries again to load what could not be loaded", async () => {
  let tries = 0;
  const app = createApp({
    ...lazy,
    schedules: {
      constant: () => {
        tries += 1;
        return tries === 1 ? Promise.reject(new Error("no such file")) : lazy.schedules.constant();
      },
    },
  });
  assertEquals((await app.request("/v1/schedules/constant?step=1")).status, 500);
  assertEquals((await app.request("/v1/schedules/constant?step=1")).status, 200);
});

test("an app refuses lazy plugins whose names cannot be served, and what is no source of plugins", () => {
  assertThrows(() => createApp({ ...lazy, schedules: { "a.svg": lazy.schedules.constant } }), TypeError, '"a.svg"');
  for (const wrong of [{ plugins: () => [] }, { schedules: {} }, undefined, { plugins: "all" }]) {
    assertThrows(() => createApp(wrong as unknown as LazyPlugins), TypeError, "createApp(builtins)");
  }
  assert(createApp(lazy) !== undefined);
});
