/// <reference lib="dom" />
/**
 * The second half of the page: two runs side by side, in slices between frames, so that the page stays at hand. A worker would be faster by what a
 * frame costs; these slices need no second copy of the library, and stop by themselves in a hidden tab.
 *
 * @module
 */
import { type Digits, readDigits } from "../../../examples/digits/data.ts";
import { createChart } from "./chart.ts";
import { codeOfRun } from "./code.ts";
import { optionControls, slider } from "./controls.ts";
import { copyOn } from "./copy.ts";
import { type AnyRegistry, type Offer, offersOf } from "./curves.ts";
import { byId, element } from "./element.ts";
import { createMosaic, type Mosaic } from "./mosaic.ts";
import { showNumber, wholeNumbers } from "./numbers.ts";
import { evenly, type Span, startOptions } from "./ranges.ts";
import { adviceOn, createRun, plannedLr, recipeOf, type Run, smooth } from "./run.ts";
import { innerOf, scheduleSelect } from "./schedules.ts";
import { type Choice, mostSeed, mostUpdates, type RunChoice } from "./state.ts";
import type { Store } from "./store.ts";

const sides = ["A", "B"] as const;
/** The colours of the two runs. */
const colours = [0, 1] as const;
/** Milliseconds of work between two frames. */
const slice = 12;

/** What the digits' example takes. */
const usualLr = 0.004;

/** A start for an algorithm that learns the digits; defaults are meant for larger models. */
export function startOptimizer(registry: AnyRegistry, name: string, span: Span): Choice {
  const plugin = registry.plugins.find((plugin) => plugin.kind === "optimizer" && plugin.name === name);
  const options = plugin === undefined ? {} : startOptions(plugin, span);
  // Where there is none, the algorithm finds its own.
  return { name, options: typeof options.lr === "number" ? { ...options, lr: usualLr } : options };
}

/** Fills the section `#live`. */
export function startLive(registry: AnyRegistry, store: Store): void {
  const offers = offersOf(registry);
  const optimizers = registry.plugins.filter(({ kind }) => kind === "optimizer");
  const isCalm = matchMedia("(prefers-reduced-motion: reduce)");
  const start = byId<"button">("start");
  const reset = byId<"button">("reset");
  const status = byId("run-status");
  const percent = (value: number): string => `${Math.round(value * 100)} %`;
  const charts = {
    loss: createChart(byId("plot-loss"), { label: "training loss, smoothed (log)", steps: "update" }),
    accuracy: createChart(byId("plot-accuracy"), { label: "held-out digits read right", steps: "update", show: percent }),
    lr: createChart(byId("plot-lr"), { label: "lr", steps: "update" }),
  };
  let digits: Digits | undefined;
  let runs: readonly Run[] = [];
  let mosaics: readonly Mosaic[] = [];
  let isRunning = false;
  let drawn = 0;
  let goesOn = false;
  let change: ReturnType<typeof setTimeout> | undefined;

  const span = (): Span => ({ steps: store.state.updates, lr: usualLr });
  const done = (run: Run | undefined): number => run?.losses.length ?? 0;
  const isOver = (): boolean => runs.length > 0 && runs.every((run) => done(run) >= store.state.updates);

  /** Both runs from the start; false where the library refuses one, which is then said at its place. */
  function prepare(): boolean {
    for (const run of runs) run[Symbol.dispose]();
    runs = [];
    const { updates, seed } = store.state;
    const made = store.state.runs.map((choice, i) => {
      const place = byId(`run-${i}-problem`);
      place.textContent = "";
      try {
        return digits === undefined ? undefined : createRun(registry, choice, digits, updates, seed);
      } catch (error) {
        const advice = adviceOn(registry, choice, usualLr);
        place.textContent = `${error instanceof Error ? error.message : error}${advice && `. ${advice}`}`;
        return undefined;
      }
    });
    const whole = made.filter((run) => run !== undefined);
    if (whole.length === 2) runs = whole;
    else for (const run of whole) run[Symbol.dispose]();
    show(runs.length === 2 ? "ready" : "refused");
    return runs.length === 2;
  }

  function frame(): void {
    if (!isRunning) return;
    const end = performance.now() + slice;
    // At least one update each, and both runs at the same place.
    do {
      for (const run of runs) run.advance();
    } while (performance.now() < end && !isOver());
    if (isOver()) {
      isRunning = false;
      return show("over");
    }
    const now = performance.now();
    if (now - drawn > (isCalm.matches ? 500 : 50)) {
      drawn = now;
      draw();
    }
    requestAnimationFrame(frame);
  }

  function go(): void {
    const isStale = change !== undefined;
    settle();
    if ((isStale || isOver()) && !prepare()) return;
    isRunning = true;
    show("running");
    requestAnimationFrame(frame);
  }

  /** No change is waited for any more. */
  function settle(): void {
    clearTimeout(change);
    change = undefined;
    goesOn = false;
  }

  function pause(): void {
    isRunning = false;
    show("paused");
  }

  /** The buttons, the words and the pictures. */
  function show(what: "ready" | "refused" | "running" | "paused" | "over"): void {
    start.textContent = { ready: "Start", refused: "Start", running: "Pause", paused: "Continue", over: "Run again" }[what];
    start.disabled = what === "refused";
    reset.disabled = what === "ready" || what === "refused";
    const reads = runs.map((run, i) => `${sides[i]} reads ${(100 * latest(run).accuracy).toFixed(1)} %`).join(" and ");
    status.textContent = {
      ready: "Ready. Nothing is learnt yet: the digits below are guessed.",
      refused: "These options do not work together: see the message at the run.",
      running: "Training …",
      paused: `Paused at update ${done(runs[0])}: ${reads} of the held-out digits right.`,
      over: `Done after ${store.state.updates} updates: ${reads} of the held-out digits right.`,
    }[what];
    draw();
  }

  function latest(run: Run): Run["exams"][number] {
    return run.exams[run.exams.length - 1];
  }

  function draw(): void {
    const { updates } = store.state;
    const count = Math.max(1, ...runs.map(done));
    const numbers = numbersTo(count);
    const padded = (values: readonly number[]): (number | null)[] => numbers.map((_, i) => values[i] ?? null);
    const lineOf = (i: number, values: readonly (number | null)[]) => ({ colour: colours[i], tag: sides[i], values });
    const both = [0, 1] as const;
    charts.loss.draw({
      steps: numbers,
      to: updates,
      scale: "log",
      lines: both.map((i) => lineOf(i, padded(smooth(runs[i]?.losses ?? [])))),
    });
    // What the schedules plan, and on it what the updates took.
    const every = [0, ...numbersTo(updates)];
    const planned = both.map((i) => ({
      colour: colours[i],
      tag: "",
      isFaint: true,
      values: plannedLr(registry, store.state.runs[i], every),
    }));
    const taken = both.map((i) => lineOf(i, every.map((step) => runs[i]?.lrs[step] ?? null)));
    charts.lr.draw({ steps: every, to: updates, scale: "linear", lines: [...planned, ...taken] });
    const exams = (runs[0]?.exams.length ?? 0) >= (runs[1]?.exams.length ?? 0) ? runs[0]?.exams : runs[1]?.exams;
    charts.accuracy.draw({
      steps: exams?.map(({ number }) => number) ?? [0],
      to: updates,
      scale: "linear",
      range: [0, 1],
      lines: both.map((i) => lineOf(i, exams?.map((_, k) => runs[i]?.exams[k]?.accuracy ?? null) ?? [null])),
    });
    for (const i of both) {
      const run = runs[i];
      const exam = run === undefined ? undefined : latest(run);
      const loss = smooth(run?.losses ?? []).at(-1);
      cell(`cell-${i}-update`, run === undefined ? undefined : String(done(run)));
      cell(`cell-${i}-loss`, loss === undefined ? undefined : loss.toFixed(3));
      cell(`cell-${i}-accuracy`, exam === undefined ? undefined : `${(100 * exam.accuracy).toFixed(1)} %`);
      cell(`cell-${i}-lr`, run === undefined || done(run) === 0 ? undefined : showNumber(run.lrs[done(run) - 1], 3));
      if (digits === undefined) continue;
      const wrong = exam?.wrong ?? new Uint8Array(digits.heldOut.count);
      mosaics[i]?.draw(wrong);
      const misread = wrong.reduce((sum, one) => sum + one, 0);
      const words = exam === undefined ? "no digit is read yet" : `${misread} of ${digits.heldOut.count} held-out digits misread`;
      byId(`mosaic-${i}-words`).textContent = words;
      byId(`mosaic-${i}`).setAttribute("aria-label", `${sides[i]}: ${words}`);
    }
  }

  function cell(id: string, text: string | undefined): void {
    byId(id).textContent = text ?? "–";
  }

  function setRun(i: number, run: RunChoice): void {
    const [a, b] = store.state.runs;
    store.set({ runs: i === 0 ? [run, b] : [a, run] });
  }

  function panel(i: 0 | 1): void {
    const id = `run-${i}`;
    const choice = (): RunChoice => store.state.runs[i];
    const { optimizer, schedule } = choice();
    const plugin = optimizers.find(({ name }) => name === optimizer.name);
    const pick = element("select", { id: `${id}-optimizer` }, ...optimizers.map(({ name }) => element("option", { value: name }, name)));
    if (plugin === undefined) pick.append(element("option", { value: optimizer.name }, optimizer.name));
    pick.value = optimizer.name;
    pick.addEventListener("change", () => {
      const next = startOptimizer(registry, pick.value, span());
      // What has no lr of its own has nothing that a schedule could change.
      setRun(i, { optimizer: next, schedule: typeof next.options.lr === "number" ? choice().schedule : null });
      panel(i);
    });
    const specs = (plugin?.options ?? {}) as Offer["options"];
    const { lr, ...others } = specs;
    const main = lr === undefined ? [] : [controlsOf(`${id}-main`, { lr }, "optimizer", i)];
    const pickSchedule = scheduleSelect(offers, schedule?.name ?? "", `${id}-schedule`);
    pickSchedule.prepend(element("option", { value: "" }));
    const metric = offers.filter(({ returns }) => returns === "metric");
    if (metric.length > 0) {
      pickSchedule.append(
        element("optgroup", { label: "After the held-out loss" }, ...metric.map(({ name }) => element("option", { value: name }, name))),
      );
    }
    pickSchedule.value = schedule?.name ?? "";
    pickSchedule.addEventListener("change", () => {
      const offer = offers.find(({ name }) => name === pickSchedule.value);
      const { lr } = choice().optimizer.options;
      const base = typeof lr === "number" && lr > 0 ? lr : usualLr;
      setRun(i, {
        optimizer: choice().optimizer,
        schedule: offer === undefined ? null : { name: offer.name, options: startOptions(offer, { steps: store.state.updates, lr: base }) },
      });
      panel(i);
    });
    const offer = offers.find(({ name }) => name === schedule?.name);
    const problem = element("p", { class: "problem", id: `${id}-problem`, role: "alert" });
    const place = byId(id);
    const wasOpen = [...place.querySelectorAll("details")].map(({ open }) => open);
    const focused = document.activeElement?.id ?? "";
    const codePlace = element("code", { id: `${id}-code` });
    const copyButton = element("button", { type: "button", id: `${id}-copy` }, `Copy the code of run ${sides[i]}`);
    const code = (): string => codeOfRun(recipeOf(registry, choice()), offer?.returns === "metric" ? offer.name : undefined);
    copyOn(copyButton, byId("copied"), code);
    const codeDetails = element(
      "details",
      { class: "more" },
      element("summary", {}, "Code of this run"),
      element("pre", { tabindex: 0 }, codePlace),
      copyButton,
    );
    codeDetails.addEventListener("toggle", () => codePlace.textContent = code());
    place.replaceChildren(
      element("h3", {}, tag(i), `Run ${sides[i]}`),
      element("div", { class: "pick" }, element("label", { for: `${id}-optimizer` }, "Optimizer"), pick),
      element("p", { class: "about" }, plugin?.description ?? ""),
      ...main,
      element("details", { class: "more" }, element("summary", {}, "All options"), controlsOf(`${id}-option`, others, "optimizer", i)),
      element("div", { class: "pick" }, element("label", { for: `${id}-schedule` }, "Schedule"), pickSchedule),
      element("p", { class: "about", id: `${id}-about` }),
      element(
        "details",
        { class: "more", hidden: offer === undefined },
        element("summary", {}, "Schedule's options"),
        controlsOf(`${id}-schedule`, offer?.options ?? {}, "schedule", i),
      ),
      codeDetails,
      problem,
    );
    describe(i);
    place.querySelectorAll("details").forEach((details, k) => details.open = wasOpen[k] ?? false);
    if (focused !== "" && document.activeElement === document.body) document.getElementById(focused)?.focus();
  }

  /** What the run's lr does, which may change with an option. */
  function describe(i: 0 | 1): void {
    const { optimizer, schedule } = store.state.runs[i];
    const stays = typeof optimizer.options.lr === "number";
    byId<"select">(`run-${i}-schedule`).options[0].text = stays ? "none: lr stays" : "none: the algorithm finds its own lr";
    const words = stays ? "The learning rate stays as it is set above." : "The learning rate follows the algorithm's own rule.";
    byId(`run-${i}-about`).textContent = offers.find(({ name }) => name === schedule?.name)?.description ?? words;
  }

  function controlsOf(id: string, specs: Offer["options"], of: "optimizer" | "schedule", i: 0 | 1): HTMLElement {
    const used = store.state.runs[i][of];
    return optionControls({
      id,
      specs,
      values: used?.options ?? {},
      span: span(),
      changed: (option, value) => {
        const run = store.state.runs[i];
        const before = run[of];
        if (before === null) return;
        setRun(i, { ...run, [of]: { name: before.name, options: { ...before.options, [option]: value } } });
        describe(i);
      },
      inner: (option) => used === null ? [] : innerOf(registry, offers, used, option, span()),
    });
  }

  function tag(i: 0 | 1): HTMLElement {
    const made = element("span", { class: "tag" }, sides[i]);
    made.style.setProperty("--own", `var(--c${colours[i]})`);
    return made;
  }

  function shared(): void {
    const { updates, seed } = store.state;
    const places = [
      {
        id: "updates",
        label: "Updates",
        value: updates,
        range: evenly(50, 1000, 50),
        allowed: wholeNumbers(1, mostUpdates),
        set: (updates: number) => store.set({ updates }),
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

  start.addEventListener("click", () => isRunning ? pause() : go());
  reset.addEventListener("click", () => {
    isRunning = false;
    settle();
    prepare();
    start.focus();
  });
  store.listen((before, isLoaded) => {
    const { state } = store;
    if (!isLoaded && before.runs === state.runs && before.updates === state.updates && before.seed === state.seed) return;
    if (isLoaded || before.updates !== state.updates) { for (const i of [0, 1] as const) panel(i); }
    if (isLoaded) shared();
    // A change begins anew; what was running goes on running, so that a slider shows what it does.
    const wasRunning: boolean = isRunning || goesOn;
    settle();
    goesOn = wasRunning;
    isRunning = false;
    change = setTimeout(() => {
      settle();
      if (prepare() && wasRunning) go();
    }, 150);
    draw();
  });

  for (const i of [0, 1] as const) panel(i);
  shared();
  start.disabled = true;
  draw();
  // The curves above come first.
  setTimeout(async () => {
    const packed = Uint8Array.from(atob((byId("digits").textContent ?? "").trim()), (letter) => letter.charCodeAt(0));
    const read = await readDigits(packed);
    digits = read;
    mosaics = colours.map((colour, i) => createMosaic(byId<"canvas">(`mosaic-${i}`), read.heldOut, `--c${colour}`));
    prepare();
  });
}

function numbersTo(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i + 1);
}
