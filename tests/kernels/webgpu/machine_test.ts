/**
 * A device at work, beside what it computes: pipelines that are kept, and what is said of its loss.
 *
 * @module
 */
import { test } from "node:test";
import { assertEquals } from "@std/assert";
import type { Device } from "../../../kernels/backends/webgpu/device.ts";
import { createMachine, lossOf, pipelineOf } from "../../../kernels/backends/webgpu/machine.ts";

test("A loss is said once, with the device's own words where they say more than that", async () => {
  for (
    const [message, reason, said] of [
      ["device was lost", "destroyed", "the device was lost (destroyed)"],
      ["Device was lost.", "unknown", "the device was lost"],
      ["", "", "the device was lost"],
      [
        "A valid external Instance reference no longer exists.",
        "unknown",
        "the device was lost (A valid external Instance reference no longer exists.)",
      ],
    ]
  ) assertEquals(await lossOf({ lost: Promise.resolve({ message, reason }) }), said);
});

/** A device that makes nothing and counts its pipelines. */
function countingDevice(): { readonly device: Device; made(): number } {
  let pipelines = 0;
  const device = {
    lost: new Promise(() => {}),
    createBuffer: () => ({}),
    createBindGroupLayout: () => ({}),
    createPipelineLayout: () => ({}),
    createShaderModule: () => ({}),
    createComputePipeline: () => (pipelines++, {}),
  };
  return { device: device as unknown as Device, made: () => pipelines };
}

test("Pipelines of ever other texts do not heap up, and those that are asked for again and again stay", () => {
  const { device, made } = countingDevice();
  const machine = createMachine(device);
  const kept = pipelineOf(machine, "kept", ["storage"]);
  for (let i = 0; i < 2000; i++) {
    pipelineOf(machine, `text ${i}`, ["storage"]);
    assertEquals(pipelineOf(machine, "kept", ["storage"]) === kept, true, `after ${i}`);
  }
  assertEquals(made(), 2001);
  assertEquals(machine.pipelines.size, 512);
  assertEquals(machine.layouts.size, 1);
});
