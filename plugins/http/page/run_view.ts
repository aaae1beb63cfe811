/// <reference lib="dom" />
/**
 * What both runs look like: charts, numbers, and the digits that they misread.
 *
 * @module
 */
import type { Digits } from "../../../examples/digits/data.ts";
import { type Chart, createChart } from "./chart.ts";
import { type AnyRegistry, drawnSteps, gridOf, valueAt } from "./curves.ts";
import { byId } from "./element.ts";
import { createMosaic, type Mosaic } from "./mosaic.ts";
import { showNumber } from "./numbers.ts";
import { type Exam, plannedCurve, type Run, smooth } from "./run.ts";
import { names, sides } from "./run_panel.ts";
import type { PageState } from "./state.ts";

/** The view of both runs. */
export interface RunView {
  /** Shows the runs as they are now; none: nothing is trained yet. */
  draw(runs: readonly Run[], state: PageState): void;
  /** Has the digits that they read. */
  show(digits: Digits): void;
}

/** Updates that a run has done. */
export function doneBy(run: Run | undefined): number {
  return run?.losses.length ?? 0;
}

/** How a run does now. */
export function latestExam(run: Run): Exam {
  return run.exams[run.exams.length - 1];
}

/** Draws into the page's charts, table and pictures. */
export function createRunView(registry: AnyRegistry): RunView {
  const percent = (value: number): string => `${Math.round(value * 100)} %`;
  const charts = {
    loss: createChart(byId("plot-loss"), { label: "training loss, smoothed (log)", steps: "update" }),
    accuracy: createChart(byId("plot-accuracy"), { label: "held-out digits read right", steps: "update", show: percent }),
    lr: createChart(byId("plot-lr"), { label: "lr", steps: "update" }),
  };
  let digits: Digits | undefined;
  let mosaics: readonly Mosaic[] = [];

  const lineOf = (side: number, values: readonly (number | null)[]) => ({ colour: side, tag: names[side], values });

  function drawLoss(chart: Chart, runs: readonly Run[], { updates }: PageState): void {
    const count = Math.max(1, ...runs.map(doneBy));
    const steps = gridOf(count, chart.columns()).filter((number) => number > 0);
    const lines = sides.map((side) => {
      const losses = smooth(runs[side]?.losses ?? []);
      return lineOf(side, steps.map((number) => losses[number - 1] ?? null));
    });
    chart.draw({ steps, to: updates, scale: "log", lines });
  }

  /** What the schedules plan, and on it what the updates took. */
  function drawLr(chart: Chart, runs: readonly Run[], { updates, runs: choices }: PageState): void {
    const curves = choices.map((choice) => plannedCurve(registry, choice));
    const steps = drawnSteps(curves, updates, chart.columns());
    // An algorithm's own lr is known step by step.
    const all = curves.some((curve) => "error" in curve) ? gridOf(updates, chart.columns()) : steps;
    const planned = sides.map((side) => ({ colour: side, tag: "", isFaint: true, values: all.map((step) => valueAt(curves[side], step)) }));
    const taken = sides.map((side) => lineOf(side, all.map((step) => runs[side]?.lrs[step] ?? null)));
    chart.draw({ steps: all, to: updates, scale: "linear", lines: [...planned, ...taken] });
  }

  function drawAccuracy(chart: Chart, runs: readonly Run[], { updates }: PageState): void {
    const exams = (runs[0]?.exams.length ?? 0) >= (runs[1]?.exams.length ?? 0) ? runs[0]?.exams : runs[1]?.exams;
    chart.draw({
      steps: exams?.map(({ number }) => number) ?? [0],
      to: updates,
      scale: "linear",
      range: [0, 1],
      lines: sides.map((side) => lineOf(side, exams?.map((_, k) => runs[side]?.exams[k]?.accuracy ?? null) ?? [null])),
    });
  }

  function tell(side: number, run: Run | undefined): void {
    const exam = run === undefined ? undefined : latestExam(run);
    const loss = smooth(run?.losses ?? []).at(-1);
    const cell = (name: string, text: string | undefined): void => void (byId(`cell-${side}-${name}`).textContent = text ?? "–");
    cell("update", run === undefined ? undefined : String(doneBy(run)));
    cell("loss", loss === undefined ? undefined : loss < 1000 ? loss.toFixed(3) : showNumber(loss, 3));
    cell("accuracy", exam === undefined ? undefined : `${(100 * exam.accuracy).toFixed(1)} %`);
    cell("lr", run === undefined || doneBy(run) === 0 ? undefined : showNumber(run.lrs[doneBy(run) - 1], 3));
    if (digits === undefined) return;
    const wrong = exam?.wrong ?? new Uint8Array(digits.heldOut.count);
    mosaics[side]?.draw(wrong);
    const misread = wrong.reduce((sum, one) => sum + one, 0);
    const words = exam === undefined ? "no digit is read yet" : `${misread} of ${digits.heldOut.count} held-out digits misread`;
    byId(`mosaic-${side}-words`).textContent = words;
    byId(`mosaic-${side}`).setAttribute("aria-label", `${names[side]}: ${words}`);
  }

  return {
    draw(runs, state) {
      drawLoss(charts.loss, runs, state);
      drawLr(charts.lr, runs, state);
      drawAccuracy(charts.accuracy, runs, state);
      for (const side of sides) tell(side, runs[side]);
    },
    show(read) {
      digits = read;
      mosaics = sides.map((side) => createMosaic(byId<"canvas">(`mosaic-${side}`), read.heldOut, `--c${side}`));
    },
  };
}
