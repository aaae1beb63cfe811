/**
 * What a list of plugins knows of names and options, as types: what a registry infers from.
 *
 * Nothing here costs anything at run time. Where a name is known only as `string`, as in JSON or in a value of type `Recipe`, nothing is held against
 * it, and the checks at run time decide.
 *
 * @module
 */
import type { MetricSchedule, Recipe, Schedule } from "../types.ts";
import type { AccumulatorPlugin, OptimizerPlugin, Plugin, SchedulePlugin, TransformPlugin } from "./contract.ts";

/** The plugins of one kind. */
export type OfKind<P extends readonly Plugin[], K extends Plugin["kind"]> = Extract<P[number], { kind: K }>;

/** Their names. */
export type NameOf<P extends readonly Plugin[], K extends Plugin["kind"]> = OfKind<P, K>["name"];

/** The options of the one with this name. */
export type OptionsOf<P extends readonly Plugin[], K extends Plugin["kind"], N extends string> = Extract<OfKind<P, K>, { name: N }> extends
  infer Q ? Q extends OptimizerPlugin<string, infer O> ? O
  : Q extends SchedulePlugin<string, infer O> ? O
  : Q extends AccumulatorPlugin<string, infer O> ? O
  : Q extends TransformPlugin<string, infer O> ? O
  : never
  : never;

/** Options that may be left out if none of them must be given. */
export type Args<O, Rest extends unknown[]> = Record<never, never> extends O ? [options?: O, ...Rest] : [options: O, ...Rest];

/** What the schedule plugin with this name makes. */
export type Made<P extends readonly Plugin[], N extends string> = Extract<P[number], { kind: "schedule"; name: N }> extends
  { create(...a: never): infer M extends Schedule | MetricSchedule } ? M : never;

/**
 * A recipe as the plugins' types allow it. `R` is what was written: parts of it whose names are known only as `string` are held against nothing. Where
 * TypeScript compares two registries, R is any, and all fits: so every registry fits `Registry<readonly Plugin[]>`.
 */
export type RecipeOf<P extends readonly Plugin[], R = Recipe> = 0 extends 1 & R ? Recipe
  : Omit<Recipe, "optimizer" | "groups" | "schedules" | "accumulate" | "transforms"> & {
    readonly optimizer: UseOf<P, "optimizer", At<R, "optimizer">>;
    readonly groups?: GroupsOf<P, R>;
    readonly schedules?: SchedulesOf<P, R>;
    readonly accumulate?: UseOf<P, "accumulator", At<R, "accumulate">>;
    readonly transforms?: readonly UseOf<P, "transform", ElementOf<At<R, "transforms">>>[];
  };

/** The options of a recipe's algorithm; `unknown` where its type does not say which one it is. */
export type OptionsIn<P extends readonly Plugin[], R> = NameIn<At<R, "optimizer">> extends infer N extends string
  ? [N] extends [never] ? unknown : string extends N ? unknown : OptionsOf<P, "optimizer", N>
  : never;

/** A plugin's name with its options: any of the kind's, unless `U`, what was written, has a name that may be anything. */
export type UseOf<P extends readonly Plugin[], K extends Plugin["kind"], U> = string extends NameIn<U> ? AnyUse
  : string extends NameOf<P, K> ? AnyUse
  : Uses<P, K, NameOf<P, K>>;

/** A plugin's name, whatever it is. */
export type AnyUse = Recipe["optimizer"];

/** One of these names with its options. */
export type Uses<P extends readonly Plugin[], K extends Plugin["kind"], N extends string> = N extends string
  ? { readonly name: N } & OptionsField<K extends "accumulator" ? Counted<OptionsOf<P, K, N>> : OptionsOf<P, K, N>>
  : never;

/** An accumulator's options in a recipe: `every` must be given where it may be null, since nobody else counts there. */
export type Counted<O> = "every" extends keyof O ? null extends O["every"] ? Omit<O, "every"> & { readonly every: number | null } : O : O;

/** The key `options`, which may be missing if none of them must be given. */
export type OptionsField<O> = Record<never, never> extends O ? { readonly options?: O } : { readonly options: O };

/** Groups with options of the recipe's algorithm, or with an algorithm of their own and its options. */
export type GroupsOf<P extends readonly Plugin[], R> = string extends AlgorithmIn<R> ? Recipe["groups"]
  : string extends NameOf<P, "optimizer"> ? Recipe["groups"]
  : readonly (
    & Omit<ElementOf<Recipe["groups"]>, "options" | "optimizer" | "schedules">
    & { readonly schedules?: GroupSchedulesOf<P, R> }
    & (
      | { readonly optimizer?: undefined; readonly options?: Partial<OptionsIn<P, R>> }
      | GroupUses<P, NameOf<P, "optimizer">>
    )
  )[];

/** Another algorithm for a group. */
export type GroupUses<P extends readonly Plugin[], N extends string> = N extends string
  ? { readonly optimizer: N } & OptionsField<OptionsOf<P, "optimizer", N>>
  : never;

/** Schedules by the options of the algorithms in a recipe, or by an element of one: `"betas[0]"`. */
export type SchedulesOf<P extends readonly Plugin[], R> = string extends AlgorithmIn<R> | keyof At<R, "schedules"> ? Recipe["schedules"]
  : string extends NameOf<P, "optimizer"> ? Recipe["schedules"]
  : {
    readonly [Key in ScheduledKey<P, AlgorithmIn<R>>]?: UseOf<
      P,
      "schedule",
      Key extends keyof At<R, "schedules"> ? At<R, "schedules">[Key] : never
    >;
  };

/** The same in a group. */
export type GroupSchedulesOf<P extends readonly Plugin[], R> = string extends keyof SchedulesIn<R> ? Recipe["schedules"]
  : { readonly [Key in ScheduledKey<P, AlgorithmIn<R>>]?: UseOf<P, "schedule", SchedulesIn<R>[keyof SchedulesIn<R>]> };

/** The schedules of groups, as far as their type knows them. */
export type SchedulesIn<R> = At<ElementOf<At<R, "groups">>, "schedules">;

/** Names under which schedules of these algorithms may stand. */
export type ScheduledKey<P extends readonly Plugin[], N extends string> = N extends string
  ? keyof OptionsOf<P, "optimizer", N> & string extends infer Key extends string ? Key | `${Key}[${number}]` : never
  : never;

/** Names of the algorithms in a recipe, its groups' included; `string` where one of them may be anything. */
export type AlgorithmIn<R> = NameIn<At<R, "optimizer">> | OwnIn<ElementOf<At<R, "groups">>>;

/** The name in a use, as far as its type knows it. */
export type NameIn<U> = U extends { readonly name: infer N extends string } ? N : never;

/** The name of a group's own algorithm, as far as its type knows it. */
export type OwnIn<G> = G extends { readonly optimizer?: infer N } ? unknown extends N ? never : Extract<N, string> : never;

/** What a list holds. */
export type ElementOf<L> = L extends readonly (infer E)[] ? E : never;

/** What stands under a key, where the type knows it. */
export type At<T, K extends PropertyKey> = T extends { readonly [Key in K]?: infer V } ? NonNullable<V> : never;
