/// <reference lib="dom" />
/**
 * Lines over steps, by uPlot: it draws what we would have to write (axes, ticks, logarithmic scales, sharp lines on any screen) faster than an SVG
 * can be rebuilt while a slider moves. The readings, the numbers at the lines' ends and the touch are ours.
 *
 * @module
 */
import uPlot from "uplot";
import { element, styleOf } from "./element.ts";
import { showNumber } from "./numbers.ts";

/** A line: its values by the steps of its chart. */
export interface Line {
  /** Which of the page's colours, from 0. */
  readonly colour: number;
  /** What stands at its end; `""`: nothing. */
  readonly tag: string;
  /** A value a step, null for none. */
  readonly values: readonly (number | null)[];
  /** Thin and pale: not what the chart is about. */
  readonly isFaint?: boolean;
}

/** What a chart shows. */
export interface Picture {
  /** Steps, ascending. */
  readonly steps: readonly number[];
  /** The lines. */
  readonly lines: readonly Line[];
  /** The last step of the axis. */
  readonly to: number;
  /** The vertical axis. */
  readonly scale: "linear" | "log";
  /** Least and greatest value of a linear axis, where they do not follow the values. */
  readonly range?: readonly [number, number];
}

/** A chart in the page. */
export interface Chart {
  /** Draws anew. */
  draw(picture: Picture): void;
  /** Marks values at a step; without a step no longer. */
  mark(step: number | null, values?: readonly (number | null)[]): void;
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

  const colourOf = (line: Line): string => styleOf(`--c${line.colour}`);

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
            incrs: wholeSteps,
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
        hooks: { draw: [drawWords, drawTags, () => placeMarks()] },
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

  /** Numbers at the lines' ends, apart from one another. */
  function drawTags(u: uPlot): void {
    const { ctx, bbox } = u;
    const ratio = devicePixelRatio;
    const tags = picture.lines.filter(({ tag }) => tag !== "").flatMap((line) => {
      const end = line.values.findLastIndex((value) => value !== null && (picture.scale === "linear" || value > 0));
      if (end < 0) return [];
      const x = u.valToPos(picture.steps[end], "x", true);
      const y = u.valToPos(line.values[end]!, "y", true);
      return [{ line, x, y: Math.max(bbox.top, Math.min(bbox.top + bbox.height, y)), at: 0 }];
    }).sort((a, b) => a.y - b.y);
    const room = 17 * ratio;
    // Down past each other, then back up from the floor.
    tags.forEach((tag, i) => tag.at = i === 0 ? tag.y : Math.max(tag.y, tags[i - 1].at + room));
    let floor = bbox.top + bbox.height;
    for (const tag of [...tags].reverse()) {
      tag.at = Math.min(tag.at, floor);
      floor = tag.at - room;
    }
    ctx.save();
    ctx.font = `600 ${11 * ratio}px system-ui, sans-serif`;
    ctx.textAlign = "center";
    ctx.textBaseline = "middle";
    for (const { line, x, y, at } of tags) {
      const colour = colourOf(line);
      ctx.strokeStyle = ctx.fillStyle = colour;
      ctx.lineWidth = ratio;
      if (Math.abs(at - y) > ratio) {
        ctx.beginPath();
        ctx.moveTo(x + 2 * ratio, y);
        ctx.lineTo(x + 10 * ratio, at);
        ctx.stroke();
      }
      ctx.beginPath();
      ctx.arc(x + 15 * ratio, at, 8 * ratio, 0, 2 * Math.PI);
      ctx.fill();
      ctx.fillStyle = styleOf("--on-colour");
      ctx.fillText(line.tag, x + 15 * ratio, at + 0.5 * ratio);
    }
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

function rangeOf({ scale, range }: Picture, low: number | null, high: number | null): [number, number] {
  if (range !== undefined) return [...range];
  if (low === null || high === null || !(high > 0 || low < 0)) return scale === "log" ? [0.08, 3] : [0, 1];
  if (scale === "linear") return [Math.min(0, low * 1.06), Math.max(0, high * 1.06) || 0.06 * -low];
  // Four decades show the most of a decay; a last step near 0 would take them all.
  const least = Math.max(low, high / 1e4);
  return [least / 1.15, high * 1.15];
}

/** 1, 2 and 5 times powers of ten, or the powers alone where those are many. */
function decades(low: number, high: number): number[] {
  const from = Math.floor(Math.log10(low));
  const factors = high / low > 150 ? [1] : [1, 2, 5];
  const all = Array.from({ length: Math.ceil(Math.log10(high)) - from + 1 }, (_, i) => factors.map((f) => Number(`${f}e${from + i}`)));
  return all.flat().filter((value) => value >= low && value <= high);
}

const wholeSteps = Array.from({ length: 15 }, (_, i) => [1, 2, 5].map((factor) => factor * 10 ** i)).flat();

function showStep(step: number): string {
  return step >= 1e6 ? showNumber(step) : step.toLocaleString("en");
}
