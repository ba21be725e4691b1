/** What tools that look for a structure begin with: what the project's app says of them for the structure, or what is usual. */
import type { Asked } from '@consilium/reading/api';
import type { AskedId } from '../viewer/drawing-tool.ts';
import type { ImageTool } from './image-tool.ts';

export type AppTool = Asked<'runTool'>['body']['tool'];
export type OwnTool = Extract<AppTool, { tool: 'own' }>;

export interface FindSettings {
  readonly grow: Extract<ImageTool, { kind: 'grow' }>;
  readonly cut: Extract<ImageTool, { kind: 'cut' }>;
  readonly own: OwnTool | undefined;
}

const usual: FindSettings = {
  grow: { kind: 'grow', multiplier: 2.5, iterations: 4, radius: 1, marginMm: 60 },
  cut: { kind: 'cut', smoothness: 4, marginMm: 30 },
  own: undefined,
};

/** @returns with values for the threshold tools, if the app says which. */
export function findSettingsOf(
  tools: readonly AppTool[],
  structure: string,
): FindSettings & { readonly range: readonly [number, number] | undefined } {
  const growing = toolFor(tools, 'region-growing', structure);
  const cutting = toolFor(tools, 'scribbles', structure);
  const range = toolFor(tools, 'threshold', structure);
  return {
    grow: growing === undefined ? usual.grow : { ...growing, kind: 'grow' },
    cut: cutting === undefined ? usual.cut : { ...cutting, kind: 'cut' },
    own: toolFor(tools, 'own', structure),
    range: range && [range.low, range.high],
  };
}

export function ownToolsOf(tools: readonly AppTool[], structure: string): readonly OwnTool[] {
  return tools.filter((tool) => tool.tool === 'own').filter((tool) => isFor(tool, structure));
}

/** @param range of values, of the desk. */
export function imageToolOf(
  asked: Exclude<AskedId, 'model'>,
  { cut, grow, own }: FindSettings,
  range: readonly [number, number],
): ImageTool | undefined {
  switch (asked) {
    case 'threshold-box':
      return { kind: 'threshold', low: range[0], high: range[1], marginMm: 0 };
    case 'grow':
      return grow;
    case 'cut':
      return cut;
    case 'own':
      return own && { kind: 'own', tool: own };
  }
}

type FindingKind = 'threshold' | 'region-growing' | 'scribbles' | 'own';
type FindingAppTool = Extract<AppTool, { tool: FindingKind }>;

/** The structure's own before one for all. */
function toolFor<K extends FindingKind>(
  tools: readonly AppTool[],
  kind: K,
  structure: string,
): Extract<FindingAppTool, { tool: K }> | undefined {
  const fitting = tools
    .filter((tool): tool is FindingAppTool => tool.tool === kind)
    .filter((tool) => isFor(tool, structure));
  const found = fitting.find((tool) => tool.structure !== undefined) ?? fitting[0];
  return found as Extract<FindingAppTool, { tool: K }> | undefined;
}

function isFor({ structure: only }: { readonly structure?: string }, structure: string): boolean {
  return only === undefined || only.trim().toLowerCase() === structure.trim().toLowerCase();
}
