/**
 * What a pasted value is: a recipe, or a configuration of another library that becomes one.
 *
 * @module
 */
import { fromKeras, fromTimm, fromTorch, fromTrainingArguments, type Recipe } from "../../../mod.ts";

/** A recipe, and where it is from. */
export interface Recognized {
  /** In words. */
  readonly what: string;
  readonly recipe: Recipe;
  /** Updates of the training, where it says how many. */
  readonly updates?: number;
}

/** What must be told beside it. */
export interface Beside {
  /** Updates of the training, as somebody typed it. */
  readonly updates?: number;
  /** Updates of an epoch, likewise. */
  readonly perEpoch?: number;
}

type Json = Readonly<Record<string, unknown>>;

const isRecord = (value: unknown): value is Json => typeof value === "object" && value !== null && !Array.isArray(value);
const has = (value: Json, ...keys: readonly string[]): boolean => keys.every((key) => Object.hasOwn(value, key));
const hasAny = (value: Json, ...keys: readonly string[]): boolean => keys.some((key) => Object.hasOwn(value, key));
const positive = (value: unknown): number | undefined =>
  typeof value === "number" && Number.isInteger(value) && value > 0 ? value : undefined;

interface Kind {
  readonly what: string;
  is(value: Json): boolean;
  /** True where its lengths may be epochs. */
  readonly countsEpochs?: true;
  read(value: Json, beside: Beside): Omit<Recognized, "what">;
}

/** Keys of the states of torch's schedulers. */
const torchKeys = ["base_lrs", "_schedulers", "_schedule_phases", "min_lrs"];

/** The first that fits counts. */
const kinds: readonly Kind[] = [
  {
    what: "a recipe",
    is: (value) => isRecord(value.optimizer) && has(value.optimizer, "name"),
    read: (value) => ({ recipe: value as unknown as Recipe }),
  },
  {
    what: "a recipe with its number of updates",
    is: (value) => isRecord(value.recipe) && isRecord(value.recipe.optimizer),
    read: ({ recipe, updates }) => ({ recipe: recipe as unknown as Recipe, updates: positive(updates) }),
  },
  {
    what: "a schedule",
    is: (value) =>
      typeof value.name === "string" && (value.options === undefined || isRecord(value.options)) && Object.keys(value).length <= 2,
    read: (value) => ({ recipe: { optimizer: { name: "adamw" }, schedules: { lr: value as { name: string } } } }),
  },
  {
    what: "a scheduler of torch",
    countsEpochs: true,
    is: (value) => isRecord(value.state) || hasAny(value, ...torchKeys),
    read: (value, { perEpoch }) => ({
      recipe: fromTorch(isRecord(value.state) ? value : { state: value }, { stepsPerEpoch: perEpoch ?? 1 }),
    }),
  },
  {
    what: "arguments of timm",
    countsEpochs: true,
    is: (value) => hasAny(value, "sched", "sched_on_updates", "step_on_epochs"),
    read(value, { perEpoch }) {
      const epochs = positive(value.epochs ?? value.num_epochs);
      return {
        recipe: fromTimm(value, { updatesPerEpoch: perEpoch! }),
        updates: epochs === undefined || perEpoch === undefined ? undefined : Math.ceil(epochs * perEpoch),
      };
    },
  },
  {
    what: "a configuration of Keras",
    is: (value) =>
      has(value, "class_name", "config") ||
      hasAny(value, "initial_learning_rate", "decay_schedule_fn", "boundaries", "is_legacy_optimizer"),
    read: (value) => ({ recipe: fromKeras(value) }),
  },
  {
    what: "TrainingArguments of transformers",
    is: (value) =>
      hasAny(value, "learning_rate", "lr_scheduler_type", "num_train_epochs", "max_steps", "per_device_train_batch_size", "warmup_ratio"),
    read: (value, { updates }) => ({ recipe: fromTrainingArguments(value, { updates }), updates: positive(value.max_steps) }),
  },
];

/** The recipe that a value is or becomes; TypeError where it is nothing that is known, or cannot become one. */
export function recognize(value: unknown, beside: Beside): Recognized {
  const kind = kindOf(value);
  if (kind === undefined) {
    throw new TypeError(`This is nothing that the page knows: it knows ${kinds.map(({ what }) => what).join(", ")}`);
  }
  return { what: kind.what, ...kind.read(value as Json, beside) };
}

/** Whether a value may count epochs, so that their number of updates must be known. */
export function countsEpochs(value: unknown): boolean {
  return kindOf(value)?.countsEpochs === true;
}

function kindOf(value: unknown): Kind | undefined {
  return isRecord(value) ? kinds.find(({ is }) => is(value)) : undefined;
}
