/// <reference lib="dom" />
/**
 * The second half of the page: two runs side by side, in slices between frames, so that the page stays at hand. A worker would be faster by what a
 * frame costs; these slices need no second copy of the library, and stop by themselves in a hidden tab.
 *
 * @module
 */
import { type Digits, readDigits } from "../../../examples/digits/data.ts";
import { type AnyRegistry, offersOf } from "./curves.ts";
import { byId, rewrite } from "./element.ts";
import { messageOf } from "./message.ts";
import { createFollower } from "./horizons.ts";
import { wholeNumbers } from "./numbers.ts";
import { createPlaces } from "./places.ts";
import { evenly } from "./ranges.ts";
import { adviceOn, createRun, type Run, trainedChoice } from "./run.ts";
import { createPanel, names, sides, usualLr } from "./run_panel.ts";
import { createRunView, doneBy, latestExam } from "./run_view.ts";
import { slider } from "./slider.ts";
import { type Choice, mostSeed, mostUpdates, type PageState } from "./state.ts";
import type { Store } from "./store.ts";

/** Milliseconds of work between two frames. A page that waits for a GPU draws and hears its visitor meanwhile, and need not stop for that. */
const slice = 12, sliceOnGpu = 50;
/** Milliseconds for which a slider may move on before the runs begin anew. */
const pauseBefore = 150;

/** Fills the section `#live`. */
export function startLive(registry: AnyRegistry, store: Store): void {
  const isCalm = matchMedia("(prefers-reduced-motion: reduce)");
  const start = byId<"button">("start");
  const reset = byId<"button">("reset");
  const status = byId("run-status");
  const panels = sides.map((side) => createPanel(registry, store, side));
  const view = createRunView(registry);
  const places = createPlaces(() => runs);
  let digits: Digits | undefined;
  /** The runs that are shown, and what they were made from. */
  let runs: readonly Run[] = [];
  let madeFrom = "";
  let madeFor = 0;
  let isRefused = false;
  let isRunning = false;
  /** The loop of updates, whose next turn begins when the last has ended: a run takes one update at a time. */
  let working: Promise<void> = Promise.resolve();
  let drawn = 0;
  let goesOn = false;
  let change: ReturnType<typeof setTimeout> | undefined;

  const isOver = (): boolean => runs.length > 0 && runs.every((run) => doneBy(run) >= madeFor);
  const draw = (): void => view.draw(runs, store.state);

  /** All that the course of the runs depends on. */
  function course({ runs, updates, seed }: PageState): string {
    return JSON.stringify([runs.map(trainedChoice), updates, seed]);
  }

  /** Both runs from the start. Where the library refuses one, that is said at its place, what was trained before stays, and false comes back. */
  function prepare(): boolean {
    if (digits === undefined) return false;
    const data = digits;
    const { updates, seed, runs: choices } = store.state;
    const next = choices.map((choice, i) => {
      try {
        const run = createRun(registry, trainedChoice(choice), data, updates, seed, places.host());
        panels[i].tell(adviceOn(registry, choice, usualLr));
        return run;
      } catch (error) {
        panels[i].tell(messageOf(error));
        return undefined;
      }
    }).filter((run) => run !== undefined);
    isRefused = next.length < choices.length;
    for (const run of isRefused ? next : runs) run.dispose();
    if (!isRefused) {
      runs = next;
      madeFrom = course(store.state);
      madeFor = updates;
    }
    show();
    return !isRefused;
  }

  async function work(): Promise<void> {
    while (isRunning) {
      const begin = performance.now();
      // At least one update each, and both runs at the same place.
      do {
        const current = runs;
        const went = await Promise.all(current.map(advance));
        if (runs === current && went.includes(false)) isRunning = false;
      } while (isRunning && performance.now() < begin + (places.isOnGpu ? sliceOnGpu : slice) && !isOver());
      if (isOver()) isRunning = false;
      if (!isRunning) break;
      const now = performance.now();
      if (now - drawn > (isCalm.matches ? 500 : 50)) {
        drawn = now;
        show();
      }
      await new Promise(requestAnimationFrame);
    }
    show();
  }

  /** One update; false where a plugin throws, which is said at the run. */
  async function advance(run: Run, i: number): Promise<boolean> {
    try {
      try {
        await places.bring(run);
        await run.advance();
        return true;
      } catch (error) {
        if (await places.rescue(run, error)) return true;
        throw error;
      }
    } catch (error) {
      panels[i].tell(messageOf(error));
      return false;
    }
  }

  function go(): void {
    const isStale = change !== undefined;
    settle();
    if ((isStale || isOver()) && !prepare()) return;
    isRunning = true;
    show();
    working = working.then(work, work);
  }

  /** No change is waited for any more. */
  function settle(): void {
    clearTimeout(change);
    change = undefined;
    goesOn = false;
  }

  /** The buttons, the words and the pictures. */
  function show(): void {
    const done = doneBy(runs[0]);
    const what = isRefused ? "refused" : isRunning ? "running" : isOver() ? "over" : done > 0 ? "paused" : "ready";
    rewrite(start, { ready: "Start", refused: "Start", running: "Pause", paused: "Continue", over: "Run again" }[what]);
    start.disabled = what === "refused";
    reset.disabled = what === "ready" || what === "refused";
    const reads = runs.map((run, i) => `${names[i]} reads ${(100 * latestExam(run).accuracy).toFixed(1)} %`).join(" and ");
    rewrite(
      status,
      {
        ready: "Ready. Nothing is learnt yet: the digits below are guessed.",
        refused: `These options do not work together: see the message at the run.${
          done > 0 ? " What is shown was trained before them." : ""
        }`,
        running: done === 0 && places.isOnGpu ? "Training … A GPU compiles its code before the first update." : "Training …",
        paused: `Paused at update ${done}: ${reads} of the held-out digits right.`,
        over: `Done after ${madeFor} updates: ${reads} of the held-out digits right.`,
      }[what],
    );
    places.tell();
    draw();
  }

  const offers = offersOf(registry);
  const follow = createFollower((name) => offers.find((offer) => offer.name === name)?.options);
  function setUpdates(updates: number): void {
    const [a, b] = store.state.runs;
    const schedules = [a, b].map(({ schedule }) => schedule);
    const moved = [...follow(schedules.filter((schedule): schedule is Choice => schedule !== null), store.state.updates, updates)];
    const [ofA, ofB] = schedules.map((schedule) => schedule === null ? null : moved.shift()!);
    store.set({ updates, runs: [{ ...a, schedule: ofA }, { ...b, schedule: ofB }] });
  }

  /** The sliders of what both runs share. */
  function shared(): void {
    const { updates, seed } = store.state;
    const places = [
      {
        id: "updates",
        label: "Updates",
        value: updates,
        range: evenly(50, 1000, 50),
        allowed: wholeNumbers(1, mostUpdates),
        set: setUpdates,
      },
      {
        id: "seed",
        label: "Seed",
        value: seed,
        range: evenly(1, 20, 1),
        allowed: wholeNumbers(0, mostSeed),
        set: (seed: number) => store.set({ seed }),
      },
    ];
    for (const place of places) {
      const { id } = place;
      byId(`${id}-place`).replaceChildren(...slider({ ...place, note: `${id}-note` }).rows);
    }
  }

  start.addEventListener("click", () => {
    if (!isRunning) return go();
    isRunning = false;
    show();
  });
  reset.addEventListener("click", () => {
    isRunning = false;
    settle();
    prepare();
    start.focus();
  });
  store.listen((before, source) => {
    const { state } = store;
    const isSame = JSON.stringify(before.runs) === JSON.stringify(state.runs) && before.updates === state.updates &&
      before.seed === state.seed;
    if (isSame) return;
    if (source !== "control" || before.updates !== state.updates) { for (const panel of panels) panel.rebuild(); }
    if (source !== "control") shared();
    const wasRunning: boolean = isRunning || goesOn;
    settle();
    // What was said of a run that has changed is said of it no longer.
    panels.forEach((panel, i) => {
      if (JSON.stringify(before.runs[i]) !== JSON.stringify(state.runs[i])) panel.tell(adviceOn(registry, state.runs[i], usualLr));
    });
    if (course(state) === madeFrom) {
      // The runs that there are: a schedule waits for its lr, or a change has been taken back.
      isRefused = false;
      if (wasRunning && !isRunning) return go();
      return show();
    }
    // A change begins anew; what was running goes on running, so that a slider shows what it does.
    goesOn = wasRunning;
    isRunning = false;
    change = setTimeout(() => {
      settle();
      if (prepare() && wasRunning) go();
    }, pauseBefore);
    draw();
  });

  shared();
  start.disabled = true;
  draw();
  // The curves above come first.
  setTimeout(async () => {
    const packed = Uint8Array.from(atob((byId("digits").textContent ?? "").trim()), (letter) => letter.charCodeAt(0));
    digits = await readDigits(packed);
    view.show(digits);
    prepare();
  });
}
