/** What is looked at over a case besides its own label: a proposal, other readers' labels, a map of what is in doubt. */
import { decodeRuns, type Protocol } from '@consilium/reading/api';
import { askHeat } from '../reading-asking.ts';
import type { LabelLayer } from '../viewer/label-layers.ts';
import { layersOf } from './task-session.ts';

type Triple = readonly [number, number, number];

export interface CaseOverlay {
  readonly id: string;
  readonly name: string;
  /** What it is seen by: one colour, or steps from little to much. */
  readonly colours?: readonly string[];
  /** Layers for the viewer, with names that begin with the overlay's. @throws ServiceError */
  readonly load: () => Promise<readonly LabelLayer[]>;
}

interface OverlayPlace {
  readonly project: string;
  readonly size: Triple;
}

/** Colours of other readers' outlines, told apart also by those who see no red or green (Okabe and Ito). */
export const readerColours = ['#cc79a7', '#009e73', '#f0e442', '#d55e00', '#56b4e9', '#e69f00'] as const;

/** @param colour of all structures; without, their own. */
export function versionOverlay(
  { project, size }: OverlayPlace,
  {
    colour,
    id,
    name,
    protocol,
    version,
  }: { id: string; name: string; protocol: Protocol; version: string; colour?: string },
): CaseOverlay {
  return {
    ...{ id, name, ...(colour === undefined ? {} : { colours: [colour] }) },
    load: async () => {
      const layers = await layersOf(project, { baseVersion: version, protocol, size });
      return layers.map((voxels, layer) => ({
        id: `${id}-${layer}`,
        voxels: voxels as Uint8Array<ArrayBuffer>,
        structures: protocol.structures
          .filter((structure) => structure.layer === layer)
          .map((structure) => ({ number: structure.number, colour: colour ?? structure.colour })),
        style: { fillAlpha: 0, outlineWidth: 2 },
      }));
    },
  };
}

/** Steps of a map, from dark to bright: few, so that they can be told apart. */
const heatColours = ['#3b0f70', '#8c2981', '#de4968', '#fe9f6d', '#fcfdbf'] as const;

/** What is the same in a map as nothing: below it readers agree, and a model is sure. */
const heatMin = 26;

export function heatOverlay(
  { project, size }: OverlayPlace,
  { id, name, of }: { id: string; name: string; of: Parameters<typeof askHeat>[1] },
): CaseOverlay {
  return {
    ...{ id, name, colours: heatColours },
    load: async () => {
      const values = decodeRuns(await askHeat(project, of), size[0] * size[1] * size[2]);
      const step = (256 - heatMin) / heatColours.length;
      const voxels = values.map((value) => (value < heatMin ? 0 : 1 + Math.floor((value - heatMin) / step)));
      const structures = heatColours.map((colour, at) => ({ number: at + 1, colour }));
      return [
        {
          id: `${id}-0`,
          voxels: voxels as Uint8Array<ArrayBuffer>,
          structures,
          style: { fillAlpha: 0.4, outlineWidth: 0 },
        },
      ];
    },
  };
}
