import { test } from "node:test";
import { assertEquals } from "@std/assert";
import { builtins, rebaseSchedule } from "../../../mod.ts";
import { createApp } from "../../../plugins/http/mod.ts";
import * as lazy from "../../../plugins/lazy_builtins.ts";
import { json, problem } from "./ask.ts";

const app = createApp(builtins);
const linear = { name: "linear", options: { numWarmupSteps: 100, numTrainingSteps: 1000 } };
const paced = { name: "by_epoch", options: { schedule: { name: "step", options: { stepSize: 30 } }, stepsPerEpoch: 10 } };

test("schedules over another number of updates are the library's", async () => {
  const horizons = { from: 1000, to: 250_000 };
  for (const served of [app, createApp(lazy)]) {
    const response = await served.request("/v1/rebase", json({ schedule: [linear, paced], ...horizons }));
    assertEquals([response.status, response.headers.get("cache-control")], [200, "private, no-store"]);
    const wanted = [linear, paced].map((use) => {
      const { schedule, notes } = rebaseSchedule(builtins, use, horizons);
      return { schedule: schedule.name, options: schedule.options, notes };
    });
    assertEquals(await response.json(), { rebased: wanted });
  }
  const alone = await app.request("/v1/rebase", json({ schedule: { name: "reduce_lr_on_plateau" }, ...horizons }));
  const { rebased: [{ options, notes }] } = await alone.json();
  assertEquals([options, notes.length], [{}, 1]);
});

test("what cannot be rebased is refused at its place", async () => {
  const cases: readonly (readonly [body: object, status: number, pointer: string])[] = [
    [{ schedule: [linear], from: 10 }, 422, "/to"],
    [{ schedule: [linear], to: 10 }, 422, "/from"],
    [{ schedule: [linear], from: 0, to: 10 }, 422, "/from"],
    [{ schedule: [linear], from: 10, to: 2.5 }, 422, "/to"],
    [{ schedule: [linear], from: 10, to: 20, lr: 1 }, 422, "/lr"],
    [{ from: 10, to: 20 }, 422, "/schedule"],
    [{ schedule: [linear, { name: "linears" }], from: 10, to: 20 }, 422, "/schedule/1"],
    [{ schedule: ["linear"], from: 10, to: 20 }, 422, "/schedule/0"],
    [{ schedule: [null], from: 10, to: 20 }, 422, "/schedule/0"],
    [{ schedule: [{ ...linear, more: 1 }], from: 10, to: 20 }, 422, "/schedule/0"],
    [{ schedule: [{ name: "linear", options: { numWarmupSteps: 1 } }], from: 10, to: 20 }, 422, "/schedule/0"],
    [{ schedule: [{ name: "linear", options: 7 }], from: 10, to: 20 }, 422, "/schedule/0"],
    [{ schedule: [{ name: "warm", options: { numWarmupSteps: 1, schedule: { name: "linears" } } }], from: 10, to: 20 }, 422, "/schedule/0"],
  ];
  for (const [body, status, pointer] of cases) {
    const { status: given, errors } = await problem(app, "/v1/rebase", json(body));
    assertEquals([given, errors?.[0].pointer], [status, pointer], JSON.stringify(body));
  }
});
