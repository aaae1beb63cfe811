/// <reference lib="dom" />
/**
 * Numbers at the ends of a chart's lines, apart from one another.
 *
 * @module
 */
import type uPlot from "uplot";
import { styleOf } from "./element.ts";
import type { Line, Picture } from "./picture.ts";

/** The colour of a line, as it is in the reader's colour scheme. */
export function colourOf(line: Line): string {
  return styleOf(`--c${line.colour}`);
}

/** Draws them. */
export function drawTags(u: uPlot, picture: Picture): void {
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
