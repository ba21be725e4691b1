/** What the process of the models needs to find a model, an image or a label by itself. */
import { type ContrastPhase, contrastPhases } from '@consilium/training';
import { layersOf, type Protocol } from '../contract/protocol-schema.ts';
import type { RoomParts } from '../room/room-parts.ts';
import type { ModelEntry, ModelShelf } from './model-shelf.ts';
import type { LayerOfStructure, ModelSource, SeriesSource } from './model-tasks.ts';

export function modelSource({ path }: ModelShelf, { digest, files, structures }: ModelEntry): ModelSource {
  return { digest, directory: path, files, structures };
}

/** @throws ArchiveError `archive.series-unknown` */
export function seriesSource({ archive: { catalogue } }: RoomParts, seriesInstanceUid: string): SeriesSource {
  const { phase } = catalogue.seriesDetails(seriesInstanceUid);
  return {
    files: catalogue.filesOf(seriesInstanceUid),
    phase: contrastPhases.find((one): one is ContrastPhase => one === phase),
  };
}

export function structuresOf(protocol: Protocol): { structures: readonly LayerOfStructure[]; layers: number } {
  const structures = protocol.structures.map(({ layer, name, number }) => ({ structure: number, layer, name }));
  return { structures, layers: layersOf(protocol) };
}
