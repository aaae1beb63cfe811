/// <reference lib="dom" />
/**
 * Lines over steps, by uPlot: it draws what we would have to write (axes, ticks, logarithmic scales, sharp lines on any screen) faster than an SVG
 * can be rebuilt while a slider moves. The readings, the numbers at the lines' ends and the touch are ours.
 *
 * @module
 */
import "./language.ts";
import uPlot from "uplot";
import { decades, rangeOf, showStep, wholeSteps } from "./chart_axis.ts";
import { element, styleOf } from "./element.ts";
import { colourOf, drawTags } from "./line_tags.ts";
import { showNumber } from "./numbers.ts";
import type { Picture } from "./picture.ts";

/** A chart in the page. */
export interface Chart {
  /** Draws anew. */
  draw(picture: Picture): void;
  /** Marks values at a step; without a step no longer. */
  mark(step: number | null, values?: readonly (number | null)[]): void;
  /** Pixels from the axis' begin to its end. */
  columns(): number;
  /** Where the axis begins and ends, from the chart's left and right, in pixels. */
  readonly inset: readonly [left: number, right: number];
}

/** How a chart looks and what it tells. */
export interface ChartOptions {
  /** The word at the vertical axis. */
  readonly label: string;
  /** The word at the horizontal axis. */
  readonly steps: string;
  /** A value as the vertical axis writes it. */
  readonly show?: (value: number) => string;
  /** Room at the lines' ends. */
  readonly right?: number;
  /** Called with the step under the pointer. */
  readonly pointed?: (step: number) => void;
}

/** A dash for each colour: colours that look alike to colour-blind readers have different ones. */
export const dashes: readonly (readonly number[])[] = [[], [], [], [9, 4], [9, 4], [2, 4], [2, 4], [12, 3, 2, 3]];

/** A chart that fills its place, whose size style.css fixes. */
export function createChart(place: HTMLElement, { label, steps, show = showNumber, right = 30, pointed }: ChartOptions): Chart {
  const left = 62;
  const bottom = 46;
  const top = 30;
  let picture: Picture = { steps: [0, 1], lines: [], to: 1, scale: "linear" };
  let plot: uPlot | undefined;
  let shape = "";
  const hair = element("div", { class: "hair", hidden: true });
  const dots: HTMLElement[] = [];
  let marked: { readonly step: number; readonly values: readonly (number | null)[] } | undefined;

  function build(): uPlot {
    const soft = (): string => styleOf("--soft");
    const font = "12px system-ui, sans-serif";
    const axis = { stroke: soft, font, ticks: { stroke: () => styleOf("--rule"), size: 5, width: 1 } };
    return new uPlot(
      {
        width: Math.max(200, place.clientWidth),
        height: Math.max(120, place.clientHeight),
        padding: [top, right, 0, 0],
        legend: { show: false },
        cursor: { show: false },
        scales: {
          x: { time: false, range: () => [0, picture.to] },
          y: { distr: picture.scale === "log" ? 3 : 1, range: (_, low, high) => rangeOf(picture, low, high) },
        },
        axes: [
          {
            ...axis,
            size: bottom,
            gap: 6,
            space: 70,
            grid: { show: false },
            incrs: [...wholeSteps],
            values: (_, splits) => splits.map(showStep),
          },
          {
            ...axis,
            size: left,
            gap: 7,
            space: 38,
            grid: { stroke: () => styleOf("--rule"), width: 1 },
            ticks: { show: false },
            // Its own would draw a line for each digit of each decade.
            ...(picture.scale === "log" && {
              splits: (_: uPlot, __: number, low: number, high: number) => decades(low, high),
              filter: (_: uPlot, splits: number[]) => splits,
            }),
            values: (_, splits) => splits.map((value) => value === null ? null : show(value)),
          },
        ],
        series: [
          {},
          ...picture.lines.map((line) => ({
            stroke: () => colourOf(line),
            width: line.isFaint ? 1 : 2.25,
            alpha: line.isFaint ? 0.35 : 1,
            dash: [...dashes[line.colour % dashes.length]],
            points: { show: false },
            spanGaps: false,
            pxAlign: 0,
          })),
        ],
        hooks: { draw: [drawWords, (u) => drawTags(u, picture), () => placeMarks()] },
      },
      dataOf(picture),
      place,
    );
  }

  function drawWords(u: uPlot): void {
    const { ctx, bbox } = u;
    const ratio = devicePixelRatio;
    ctx.save();
    ctx.fillStyle = styleOf("--soft");
    ctx.font = `italic ${12 * ratio}px system-ui, sans-serif`;
    ctx.textAlign = "left";
    ctx.fillText(label, 8 * ratio, 13 * ratio);
    ctx.textAlign = "right";
    ctx.fillText(steps, bbox.left + bbox.width, bbox.top + bbox.height + (bottom - 5) * ratio);
    ctx.restore();
  }

  function placeMarks(): void {
    if (plot === undefined) return;
    hair.hidden = marked === undefined;
    picture.lines.forEach((line, i) => {
      const dot = dots[i];
      const value = marked?.values[i];
      if (dot === undefined) return;
      const isShown = marked !== undefined && typeof value === "number" && Number.isFinite(value) &&
        (picture.scale === "linear" || value > 0);
      const y = isShown ? plot!.valToPos(value, "y") : NaN;
      dot.hidden = !(y >= -1 && y <= plot!.over.clientHeight + 1);
      if (dot.hidden || marked === undefined) return;
      dot.style.background = `var(--c${line.colour})`;
      dot.style.transform = `translate(${plot!.valToPos(marked.step, "x")}px, ${y}px)`;
    });
    if (marked !== undefined) hair.style.transform = `translateX(${plot.valToPos(marked.step, "x")}px)`;
  }

  function listen({ over }: uPlot): void {
    over.append(hair);
    dots.splice(0, dots.length, ...picture.lines.map(() => element("div", { class: "dot", hidden: true })));
    over.append(...dots);
    if (pointed === undefined) return;
    const point = (event: PointerEvent): void => {
      if (event.pointerType === "touch" && event.type === "pointermove" && !over.hasPointerCapture(event.pointerId)) return;
      if (event.type === "pointerdown") over.setPointerCapture(event.pointerId);
      const { left, width } = over.getBoundingClientRect();
      const share = Math.min(1, Math.max(0, (event.clientX - left) / width));
      pointed(Math.round(share * picture.to));
    };
    over.addEventListener("pointermove", point);
    over.addEventListener("pointerdown", point);
  }

  new ResizeObserver(() => {
    if (plot !== undefined && place.clientWidth > 0) plot.setSize({ width: place.clientWidth, height: place.clientHeight });
  }).observe(place);
  // Colours are asked for when lines are laid out: another colour scheme needs that anew.
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => plot?.redraw());

  return {
    inset: [left, right],
    columns: () => Math.max(100, (place.clientWidth || 600) - left - right),
    draw(next) {
      picture = next;
      const nextShape = JSON.stringify([picture.scale, picture.lines.map(({ colour, isFaint }) => [colour, isFaint])]);
      if (plot !== undefined && shape === nextShape) {
        plot.setData(dataOf(picture));
        return;
      }
      shape = nextShape;
      plot?.destroy();
      plot = build();
      listen(plot);
    },
    mark(step, values = []) {
      marked = step === null || step > picture.to ? undefined : { step, values };
      placeMarks();
    },
  };
}

function dataOf({ steps, lines, scale }: Picture): uPlot.AlignedData {
  // What is not above 0 has no place on a logarithmic axis.
  const shown = (value: number | null): number | null =>
    value === null || !Number.isFinite(value) || (scale === "log" && value <= 0) ? null : value;
  return [[...steps], ...lines.map(({ values }) => values.map(shown))];
}
