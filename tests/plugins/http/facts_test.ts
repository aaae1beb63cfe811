import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { builtins, facts, type Schedule } from "../../../mod.ts";
import { createApp } from "../../../plugins/http/mod.ts";
import { json, problem } from "./ask.ts";

const app = createApp(builtins);
const linear = { numWarmupSteps: 100, numTrainingSteps: 1000 };

async function answer(path: string, init?: RequestInit): Promise<{ facts: never; schedule: string; options: object }> {
  const response = await app.request(path, init);
  assertEquals(response.status, 200, await response.clone().text());
  return await response.json();
}

test("the facts of a schedule are the library's, a group each", async () => {
  const query = "numWarmupSteps=100&numTrainingSteps=1000&from=0&to=2000&lr=0.001,0.002&below=0.0005&above=0.0015";
  const response = await app.request(`/v1/schedules/linear/facts?${query}`);
  assertEquals(response.headers.get("cache-control")?.startsWith("public, max-age=3600"), true);
  const body = await response.json();
  const schedule = builtins.createSchedule("linear", linear) as Schedule;
  const range = { from: 0, to: 2000, below: 0.0005, above: 0.0015 };
  assertEquals(body, {
    schedule: "linear",
    options: { ...linear, warmupOffset: 0 },
    facts: [0.001, 0.002].map((base) => JSON.parse(JSON.stringify(facts(schedule, { ...range, base })))),
  });
  assertEquals(body.facts[0].above, null);
  const again = await app.request(`/v1/schedules/linear/facts?${query}`, { headers: { "If-None-Match": response.headers.get("etag")! } });
  assertEquals(again.status, 304);
});

test("groups have facts of their own where a schedule ends at an absolute value", async () => {
  const { facts } = await answer("/v1/schedules/cosine_annealing/facts?tMax=100&etaMin=0.05&from=0&to=100&lr=0.1,0.2");
  const places = (facts as { minimum: { value: number }; maximum: { value: number } }[]).map((
    { minimum, maximum },
  ) => [minimum.value, maximum.value]);
  assertEquals(places.map(([, high]) => high), [0.1, 0.2]);
  assert(places.every(([low]) => Math.abs(low - 0.05) < 1e-15));
});

test("compositions are asked in a body, with a decay and a share", async () => {
  const shift = { name: "shift", options: { schedule: { name: "linear", options: linear }, steps: 100 } };
  const body = { schedule: [shift, { name: "constant" }], from: 0, to: 99, lr: [0.01], weightDecay: 0.1, share: 0.5 };
  const { facts } = await answer("/v1/facts", json(body));
  const [first, second] = facts as { schedule: string; facts: { decay: number; share: number; maximum: object }[] }[];
  assertEquals([first.schedule, second.schedule], ["shift", "constant"]);
  assertEquals(first.facts[0].maximum, { value: 0.01, step: 0 });
  assert(Math.abs(second.facts[0].decay - (1 - 0.001) ** 100) < 1e-12);
  assertEquals(second.facts[0].share, 49);
});

test("facts of a range of any length are answered where they have a closed form, and refused where they do not", async () => {
  const { facts } = await answer("/v1/schedules/linear/facts?numWarmupSteps=0&numTrainingSteps=1e15&from=0&to=9007199254740991&below=0.5");
  assertEquals((facts as { below: number }[])[0].below, 5e14 + 1);
  const path = "/v1/schedules/inverse_sqrt/facts?numWarmupSteps=10&from=0&to=9007199254740991";
  const { status, errors } = await problem(app, path);
  assertEquals([status, errors?.[0].name], [400, "to"]);
});

test("facts refuse what they cannot answer, and say where it is wrong", async () => {
  const refused: readonly (readonly [string, RequestInit | undefined, number, string])[] = [
    ["/v1/schedules/linear/facts?numWarmupSteps=0&numTrainingSteps=9&from=0", undefined, 400, "to"],
    ["/v1/schedules/linear/facts?numWarmupSteps=0&numTrainingSteps=9&from=5&to=4", undefined, 400, "to"],
    ["/v1/schedules/linear/facts?numWarmupSteps=0&from=0&to=4", undefined, 400, "numTrainingSteps"],
    ["/v1/schedules/constant/facts?from=0&to=4&below=x", undefined, 400, "below"],
    ["/v1/schedules/constant/facts?from=0&to=4&every=2", undefined, 400, "every"],
    ["/v1/facts", json({ schedule: { name: "constant" }, from: 0, to: 4, share: 2 }), 422, "/share"],
    ["/v1/facts", json({ schedule: { name: "constant" }, from: 0, to: 4, below: "1" }), 422, "/below"],
    ["/v1/facts", json({ schedule: { name: "constant" }, from: 0 }), 422, "/to"],
    ["/v1/facts", json({ schedule: { name: "greedy" }, from: 0, to: 4 }), 422, "/schedule/0"],
    ["/v1/facts", json({ schedule: { name: "constantly" }, from: 0, to: 4 }), 422, "/schedule/0"],
  ];
  for (const [path, init, status, place] of refused) {
    const given = await problem(app, path, init);
    assertEquals([given.status, given.errors?.[0].name ?? given.errors?.[0].pointer], [status, place], `${path} ${init?.body}`);
  }
  for (
    const [path, status] of [["/v1/schedules/nothing/facts?from=0&to=1", 404], [
      "/v1/schedules/reduce_lr_on_plateau/facts?from=0&to=1",
      400,
    ]] as const
  ) {
    assertEquals((await problem(app, path)).status, status);
  }
});
