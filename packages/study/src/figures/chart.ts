/**
 * Figures as SVG text. Vega draws them without a browser or canvas; as it can then only guess how wide a text is, every
 * figure states its own padding and no layout depends on a guess. Each figure is drawn for a wide and a narrow screen;
 * the stylesheet shows one.
 */
import { parse, View } from 'vega';
import { expressionInterpreter } from 'vega-interpreter';
import { compile, type TopLevelSpec } from 'vega-lite';
import { html, Markup } from '../markup.ts';
import { ink } from '../palette.ts';

interface Padding {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

export interface ChartSpec {
  /** Outer width and height in px. */
  readonly width: number;
  readonly height: number;
  readonly padding: Padding;
  readonly layer: readonly object[];
}

/** The chart in both widths, with the text that stands for it where it cannot be seen. */
export async function responsiveChart(
  alternative: string,
  build: (width: number) => ChartSpec,
  widths: { readonly wide: number; readonly narrow: number } = { wide: 500, narrow: 340 },
): Promise<Markup> {
  const [wide, narrow] = await Promise.all([svgOf(build(widths.wide)), svgOf(build(widths.narrow))]);
  return html`<div class="chart" role="img" aria-label="${alternative}"><div class="wide">${wide}</div><div class="narrow">${narrow}</div></div>`;
}

/** A file of its own: the figure on white, with the text that stands for it. */
export async function standaloneSvg(alternative: string, spec: ChartSpec): Promise<string> {
  const { text } = await svgOf(spec);
  const title = html`<title>${alternative}</title><rect width="100%" height="100%" fill="white"/>`.text;
  const begun = text.replace(' aria-hidden="true" focusable="false"', ' role="img" font-family="sans-serif"');
  return `${begun.replace(/^(<svg [^>]*>)/, `$1${title}`)}\n`;
}

async function svgOf({ width, height, padding, layer }: ChartSpec): Promise<Markup> {
  const spec = {
    width: width - padding.left - padding.right,
    height: height - padding.top - padding.bottom,
    padding,
    autosize: { type: 'none' },
    background: 'transparent',
    layer,
    config: {
      aria: false,
      view: { stroke: null },
      axis: {
        labelColor: ink.muted,
        titleColor: ink.muted,
        labelFontSize: 12,
        titleFontSize: 12,
        titleFontWeight: 'normal',
        gridColor: ink.faint,
        domainColor: ink.rule,
        tickColor: ink.rule,
        labelFlush: false,
        labelPadding: 5,
        labelOverlap: false,
        titlePadding: 8,
      },
    },
  } as unknown as TopLevelSpec;
  // Interpreted, not made into functions: a page's content policy forbids `eval`, and figures are the same everywhere.
  const runtime = parse(compile(spec).spec, undefined, { ast: true });
  const svg = await new View(runtime, { renderer: 'none', expr: expressionInterpreter }).toSVG();
  // The page's font is inherited, and a hundredth of a pixel is enough.
  const compact = svg
    .replaceAll(/ font-family="[^"]*"/g, '')
    .replaceAll(/-?\d+\.\d{5,}/g, (long) => String(Number(Number(long).toFixed(2))));
  return new Markup(compact.replace('<svg ', '<svg aria-hidden="true" focusable="false" '));
}

/** Bounds for an axis of scores: all of 0 .. 1 unless the values leave much of it empty; steps of 0.1. */
export function scoreDomain(values: Iterable<number>): [number, number] {
  const finite = [...values].filter(Number.isFinite);
  if (finite.length === 0) return [0, 1];
  const low = Math.max(0, Math.floor(Math.min(...finite) * 10 - 0.2) / 10);
  const high = Math.min(1, Math.ceil(Math.max(...finite) * 10 + 0.2) / 10);
  return high - low >= 0.2 ? [low, high] : [Math.max(0, high - 0.2), Math.max(0.2, high)];
}

/** About `count` round values within the domain. */
export function ticksWithin([low, high]: readonly [number, number], count: number): number[] {
  const steps = [0.01, 0.02, 0.05, 0.1, 0.2, 0.25, 0.5, 1, 2, 5, 10, 20, 50, 100, 200];
  const step = steps.find((candidate) => (high - low) / candidate <= count) ?? 500;
  const ticks: number[] = [];
  for (let index = Math.ceil(low / step - 1e-9); index * step <= high + 1e-9; index++) {
    ticks.push(Number((index * step).toFixed(6)));
  }
  return ticks;
}

/** The upright axis of a chart of values: its title at the same place, whatever the numbers. */
export function valueAxis(domain: readonly [number, number], title: string) {
  return { values: ticksWithin(domain, 6), title, titleX: -38, format: '.2~f', ticks: false, domain: false };
}
