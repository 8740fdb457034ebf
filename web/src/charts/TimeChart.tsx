import { useEffect, useRef, useState } from "preact/hooks";
import uPlot from "uplot";
import { clock, day, span } from "../format/time";
import { onThemeChange } from "../report/theme";
import { labelRoom, sinceLabels, timeLabels, TIME_STEPS } from "./axes";
import { faded, readPalette, type Palette, type Tint } from "./palette";

export interface Line {
  readonly label: string;
  readonly values: readonly (number | null)[];
  readonly tint: Tint;
  readonly width?: number;
  readonly dash?: number[];
  /** Fill the area down to zero. */
  readonly filled?: boolean;
  /** Hold each value until the next one, for what changes in steps. */
  readonly stepped?: boolean;
}

export interface TimeChartProps {
  readonly id: string;
  /** What the picture shows, in words: its figures for who cannot see it. */
  readonly description: string;
  readonly time: readonly number[];
  readonly lines: readonly Line[];
  readonly axis: (splits: readonly number[]) => string[];
  readonly figure: (line: number, at: number) => string;
  /** Draw beneath the lines; `zoom` scales widths. */
  readonly underlay?: (chart: uPlot, palette: Palette, zoom: number) => void;
  /** A low picture, to stand under another. */
  readonly low?: boolean;
  /** Times are lengths since a start and no moments. */
  readonly since?: boolean;
  readonly range?: uPlot.Scale.Range;
  /** A word to the reader beside the legend. */
  readonly remark?: string;
  readonly extra?: readonly { readonly label: string; readonly tint: Tint }[];
}

/** Paper is drawn this many times finer than the screen's own pixels, at this width. */
const PAPER_ZOOM = 2.5;
const PAPER_WIDTH = 680;
const PAPER_TEXT = 9;

/** Lines over UTC time, with a legend that follows the pointer. */
export function TimeChart(props: TimeChartProps) {
  const { id, time, lines } = props;
  const frame = useRef<HTMLDivElement>(null);
  const [at, point] = useState<number | null>(null);
  useEffect(() => (frame.current ? mount(frame.current, props, point) : undefined), [props.time, props.lines]);
  if (time.length < 2) return <p class="empty">This result holds no curve to draw.</p>;
  const shown = at ?? time.length - 1;
  return (
    <figure class="chart" id={id}>
      <figcaption>
        <ul class="legend">
          {lines.map((line, index) => (
            <li key={line.label}>
              <span class={`swatch tint-${line.tint}${line.dash ? " dashed" : ""}`} aria-hidden="true" />
              {line.label} <b>{props.figure(index, shown)}</b>
            </li>
          ))}
          {props.extra?.map((extra) => (
            <li key={extra.label}>
              <span class={`swatch block tint-${extra.tint}`} aria-hidden="true" />
              {extra.label}
            </li>
          ))}
          {props.remark && <li class="legend-remark">{props.remark}</li>}
        </ul>
        <span class="legend-time">
          {props.since ? `after ${span(time[shown] ?? 0)}` : `${day(time[shown] ?? 0)}, ${clock(time[shown] ?? 0)} UTC`}
        </span>
      </figcaption>
      <div class="canvas-frame" ref={frame} role="img" aria-label={props.description} />
    </figure>
  );
}

function mount(frame: HTMLDivElement, props: TimeChartProps, point: (at: number | null) => void): () => void {
  let chart: uPlot | null = null;
  const draw = (width: number, zoom: number) => {
    chart?.destroy();
    const options = settings(props, readPalette(frame), width, zoom, point);
    chart = new uPlot(options, [props.time, ...props.lines.map((line) => line.values)] as uPlot.AlignedData, frame);
    // The finer picture for paper is laid out large and shown small.
    chart.root.style.setProperty("zoom", zoom === 1 ? "" : String(1 / zoom));
  };
  const screen = () => draw(Math.max(200, frame.clientWidth), 1);
  const paper = () => {
    document.documentElement.dataset["paper"] = "";
    draw(PAPER_WIDTH, PAPER_ZOOM);
  };
  const back = () => {
    delete document.documentElement.dataset["paper"];
    screen();
  };
  screen();
  const resized = new ResizeObserver(() => {
    if (chart && frame.clientWidth > 0 && document.documentElement.dataset["paper"] === undefined) {
      chart.setSize({ width: Math.max(200, frame.clientWidth), height: heightFor(frame.clientWidth, props.low) });
    }
  });
  resized.observe(frame);
  const unfollow = onThemeChange(screen);
  addEventListener("beforeprint", paper);
  addEventListener("afterprint", back);
  return () => {
    resized.disconnect();
    unfollow();
    removeEventListener("beforeprint", paper);
    removeEventListener("afterprint", back);
    chart?.destroy();
  };
}

function heightFor(width: number, low = false): number {
  return Math.round(Math.max(200, Math.min(320, width * 0.36)) * (low ? 0.55 : 1));
}

function settings(
  props: TimeChartProps,
  palette: Palette,
  width: number,
  zoom: number,
  point: (at: number | null) => void,
): uPlot.Options {
  const size = zoom === 1 ? 11 : PAPER_TEXT;
  const font = `${size * zoom}px ${palette.font}`;
  const axis = { stroke: palette.muted, font, gap: 6 * zoom };
  const still = { show: false };
  return {
    width: width * zoom,
    height: heightFor(width, props.low) * zoom,
    padding: [10 * zoom, 20 * zoom, 0, 0],
    legend: still,
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1e3), "Etc/UTC"),
    cursor: {
      y: false,
      sync: { key: props.since ? "since" : "time" },
      drag: { x: true, y: false },
      points: { size: 7, width: 2 },
    },
    scales: { x: { time: !props.since }, y: props.range ? { range: props.range } : {} },
    axes: [
      {
        ...axis,
        size: 28 * zoom,
        space: 70 * zoom,
        incrs: TIME_STEPS,
        grid: still,
        ticks: { stroke: palette.grid, size: 5 * zoom, width: zoom },
        values: (_chart, splits, _at, _space, step) => (props.since ? sinceLabels : timeLabels)(splits, step),
      },
      {
        ...axis,
        size: labelRoom(zoom, size, palette.font),
        space: 42 * zoom,
        ticks: still,
        grid: { stroke: palette.grid, width: zoom },
        values: (_chart, splits) => props.axis(splits),
      },
    ],
    series: [{}, ...props.lines.map((line) => series(line, palette, zoom))],
    hooks: {
      drawAxes: props.underlay ? [(chart) => props.underlay?.(chart, palette, zoom)] : [],
      setCursor: [(chart) => point(chart.cursor.idx ?? null)],
    },
  };
}

function series(line: Line, palette: Palette, zoom: number): uPlot.Series {
  const stepped = line.stepped ? uPlot.paths.stepped?.({ align: 1 }) : undefined;
  return {
    label: line.label,
    stroke: palette[line.tint],
    width: (line.width ?? 1.5) * zoom,
    points: { show: false },
    ...(line.dash && { dash: line.dash.map((part) => part * zoom) }),
    ...(line.filled && { fill: faded(palette[line.tint], 0.14) }),
    ...(stepped && { paths: stepped }),
  };
}
