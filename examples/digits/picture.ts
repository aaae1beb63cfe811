/**
 * Loss and learning rate of a training run as one SVG: loss on the left axis (logarithmic), lr on the right one.
 *
 * @module
 */
import type { Update } from "./training.ts";

const WIDTH = 760;
const HEIGHT = 420;
/** The plot within it. */
const LEFT = 70, RIGHT = WIDTH - 80, TOP = 60, BOTTOM = HEIGHT - 55;

/** The opaque background follows the reader's colour scheme, so that the text stays readable on any page, and where schemes are unknown. */
const STYLE = `
  .paper { fill: #ffffff } .grid { stroke: #e3e5e8 } .frame { stroke: #8b9098; fill: none }
  text { fill: #2b2f36; font: 13px system-ui, "DejaVu Sans", sans-serif } .title { font-size: 16px; font-weight: 600 }
  .loss { stroke: #0b62c4; fill: none } .lr { stroke: #b8500b; fill: none; stroke-dasharray: 7 4 }
  text.loss { fill: #0b62c4; stroke: none } text.lr { fill: #b8500b; stroke: none }
  @media (prefers-color-scheme: dark) {
    .paper { fill: #15181d } .grid { stroke: #2c313a } .frame { stroke: #7d848f }
    text { fill: #dfe3ea }
    .loss { stroke: #6db3ff } .lr { stroke: #ffa45c }
    text.loss { fill: #6db3ff } text.lr { fill: #ffa45c }
  }`;

/** How the three curves are drawn. */
const EACH = 'class="loss" stroke-opacity="0.35"';
const SMOOTH = 'class="loss" stroke-width="2.5" stroke-linejoin="round"';
const LR = 'class="lr" stroke-width="2"';

/** The picture of a whole run. */
export function drawTraining(updates: readonly Update[], title: string): string {
  const losses = updates.map(({ loss }) => loss);
  const count = updates[updates.length - 1].number;
  const lossTicks = decades(Math.min(...losses), Math.max(...losses));
  const lrTicks = steps(Math.max(...updates.map(({ lr }) => lr)));
  const updateTicks = steps(count).filter((tick) => tick <= count);

  const x = (update: number): number => LEFT + update / count * (RIGHT - LEFT);
  const lowest = Math.log(lossTicks[0]), highest = Math.log(lossTicks[lossTicks.length - 1]);
  const yLoss = (loss: number): number => BOTTOM - (Math.log(loss) - lowest) / (highest - lowest) * (BOTTOM - TOP);
  const yLr = (lr: number): number => BOTTOM - lr / lrTicks[lrTicks.length - 1] * (BOTTOM - TOP);
  const curve = (attributes: string, values: readonly number[], y: (value: number) => number): string => {
    const points = values.map((value, i) => `${x(updates[i].number).toFixed(1)},${y(value).toFixed(1)}`);
    return `<polyline ${attributes} points="${points.join(" ")}"/>`;
  };
  const middle = (TOP + BOTTOM) / 2;

  const lines = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" role="img">`,
    `<title>${title}: loss and learning rate by update</title>`,
    `<style>${STYLE}\n</style>`,
    `<rect class="paper" width="${WIDTH}" height="${HEIGHT}"/>`,
    `<text class="title" x="${LEFT}" y="28">${title}</text>`,
  ];
  for (const tick of lossTicks) {
    const y = yLoss(tick);
    lines.push(`<path class="grid" d="M${LEFT} ${y.toFixed(1)}H${RIGHT}"/>`);
    lines.push(`<text class="loss" x="${LEFT - 8}" y="${(y + 4).toFixed(1)}" text-anchor="end">${tick}</text>`);
  }
  for (const tick of lrTicks) {
    const y = yLr(tick);
    lines.push(`<path class="frame" d="M${RIGHT} ${y.toFixed(1)}h5"/>`);
    lines.push(`<text class="lr" x="${RIGHT + 9}" y="${(y + 4).toFixed(1)}">${tick}</text>`);
  }
  for (const tick of updateTicks) {
    lines.push(`<path class="frame" d="M${x(tick).toFixed(1)} ${BOTTOM}v5"/>`);
    lines.push(`<text x="${x(tick).toFixed(1)}" y="${BOTTOM + 20}" text-anchor="middle">${tick}</text>`);
  }
  lines.push(
    `<rect class="frame" x="${LEFT}" y="${TOP}" width="${RIGHT - LEFT}" height="${BOTTOM - TOP}"/>`,
    `<text x="${(LEFT + RIGHT) / 2}" y="${HEIGHT - 14}" text-anchor="middle">update</text>`,
    `<text class="loss" text-anchor="middle" transform="translate(18 ${middle}) rotate(-90)">loss (logarithmic)</text>`,
    `<text class="lr" text-anchor="middle" transform="translate(${WIDTH - 14} ${middle}) rotate(90)">learning rate (lr)</text>`,
    curve(EACH, losses, yLoss),
    curve(SMOOTH, smooth(losses), yLoss),
    curve(LR, updates.map(({ lr }) => lr), yLr),
    entry(RIGHT - 318, EACH, "loss of an update"),
    entry(RIGHT - 160, SMOOTH, "smoothed"),
    entry(RIGHT - 50, LR, "lr"),
    "</svg>\n",
  );
  return lines.join("\n");
}

/** One entry of the legend. */
function entry(x: number, attributes: string, label: string): string {
  return `<path ${attributes} d="M${x} 46h26"/><text x="${x + 33}" y="50">${label}</text>`;
}

/** Running geometric mean, the mean that a logarithmic axis asks for; weights fade by a tenth an update. */
function smooth(values: readonly number[]): number[] {
  let sum = 0, weight = 0;
  return values.map((value) => {
    sum = 0.9 * sum + Math.log(value);
    weight = 0.9 * weight + 1;
    return Math.exp(sum / weight);
  });
}

/** 0, a step, two steps… to the first one at or above `largest`; the step is 1, 2 or 5 times a power of ten. */
function steps(largest: number): number[] {
  const power = 10 ** Math.floor(Math.log10(largest));
  const step = [power / 5, power / 2, power, 2 * power].find((step) => largest / step <= 7) ?? power;
  return Array.from({ length: Math.ceil(largest / step - 1e-9) + 1 }, (_, i) => Number((i * step).toPrecision(12)));
}

/** 1, 2 and 5 times powers of ten, from the last one below `least` to the first one above `largest`. */
function decades(least: number, largest: number): number[] {
  const all = Array.from({ length: 60 }, (_, i) => Number(`${[1, 2, 5][i % 3]}e${Math.floor(i / 3) - 12}`));
  const first = all.findLastIndex((tick) => tick <= least);
  return all.slice(Math.max(0, first), all.findIndex((tick) => tick >= largest) + 1);
}
