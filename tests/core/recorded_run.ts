/**
 * A run of which one runtime recorded a state in the middle of a window, and the state at the end, for every runtime and browser to go on from.
 *
 * @module
 */
import type { Trainer } from "../../core/types.ts";
import { builtins } from "../../mod.ts";
import { readSafetensors, writeSafetensors } from "../../plugins/formats/safetensors.ts";
import { type Event, eventsOf, paramsOf, play, randomOf } from "./random_run.ts";
import { middle } from "./resume_recorded.ts";

/** A run of which one runtime recorded a state in the middle of a window, and the state at the end. */
export function recordedRun(): { readonly trainer: Trainer; readonly events: readonly Event[] } {
  const random = randomOf(2026);
  const trainer = builtins.createTrainer(paramsOf(random), {
    optimizer: { name: "adamw_torch", options: { lr: 0.01 } },
    groups: [{ match: "bias$", options: { weightDecay: 0 } }],
    schedules: { lr: { name: "reduce_lr_on_plateau", options: { patience: 0 } } },
    transforms: [{ name: "clip_global_norm", options: { maxNorm: 1 } }],
    accumulate: { name: "mean", options: { every: 3 } },
  });
  return { trainer, events: eventsOf(random) };
}
/** What a text in base64 holds. */
export const bytesOf = (text: string): Uint8Array => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
/** A trainer's state as a file, in base64. */
export const textOf = (trainer: Trainer): string => btoa(String.fromCharCode(...writeSafetensors(trainer.saveState())));
/** Micro-batches before the recorded state. */
export const stop: number = 4;

/** The end of the run that goes on from the recorded state, in base64. */
export function resumeRecorded(from: string = middle): string {
  const { trainer, events } = recordedRun();
  trainer.loadState(readSafetensors(bytesOf(from)));
  for (const event of events.slice(stop)) play(trainer, event, true);
  const end = textOf(trainer);
  trainer.dispose();
  return end;
}
