/**
 * The training loop: micro-batches into the trainer, a report for every update out.
 *
 * @module
 */
import type { Trainer } from "../../mod.ts";
import type { Batch } from "./data.ts";
import type { Network } from "./network.ts";

/** What one update learnt from. */
export interface Update {
  /** Which update, from 1. */
  readonly number: number;
  /** Mean loss over its micro-batches, before the update. */
  readonly loss: number;
  /** Share of its images that the network took for what they are, before the update. */
  readonly accuracy: number;
  /** Learning rate that the update used. */
  readonly lr: number;
}

/** Trains for so many updates. It runs as its updates are asked for, so that a caller can show them, or stop, at any time. */
export function* train(network: Network, trainer: Trainer, batches: Iterable<Batch>, updates: number): Generator<Update> {
  let loss = 0, correct = 0, seen = 0;
  for (const batch of batches) {
    const { lr } = trainer.optimizer.groups[0].current as { lr: number };
    const result = network.backward(batch);
    loss += result.loss * batch.count;
    correct += result.correct;
    seen += batch.count;

    // The trainer adds up micro-batches; when one completes a batch, the network's parameters have moved.
    const stepped = trainer.add(network.grads);
    if (!stepped) continue;

    yield { number: trainer.steps, loss: loss / seen, accuracy: correct / seen, lr };
    if (trainer.steps >= updates) return;
    loss = correct = seen = 0;
  }
}
