/** A remote archive by DICOMweb: listed by QIDO-RS, fetched instance by instance by WADO-RS. */
import type { PullTarget, RemoteArchive, RemoteInstance } from '../dimse/pull.ts';
import type { JsonDataset } from './dicom-json.ts';
import type { DicomwebClient } from './dicomweb-client.ts';

/** Requests at once. */
const atOnce = 4;

export class DicomwebArchive implements RemoteArchive {
  readonly #client: DicomwebClient;
  readonly #peer: string;

  /** @param options.peer its name in the settings. */
  constructor(options: { client: DicomwebClient; peer: string }) {
    this.#client = options.client;
    this.#peer = options.peer;
  }

  async list({ seriesInstanceUid, studyInstanceUid }: PullTarget, signal: AbortSignal): Promise<RemoteInstance[]> {
    const within = seriesInstanceUid === undefined ? '' : `/series/${seriesInstanceUid}`;
    const found: RemoteInstance[] = [];
    for await (const match of this.#client.search(`/studies/${studyInstanceUid}${within}/instances`, {}, signal)) {
      const sopInstanceUid = textOf(match, '00080018');
      const series = textOf(match, '0020000E') ?? seriesInstanceUid;
      if (sopInstanceUid === undefined || series === undefined) continue;
      found.push({
        studyInstanceUid,
        seriesInstanceUid: series,
        sopInstanceUid,
        sopClassUid: textOf(match, '00080016'),
      });
    }
    return found;
  }

  /** What comes is taken; the first failure is told when all requests have ended. */
  async fetch(
    instances: readonly RemoteInstance[],
    { door, onProgress, signal, taken }: Parameters<RemoteArchive['fetch']>[1],
  ): Promise<void> {
    const rest = [...instances];
    const failures: unknown[] = [];
    const work = async () => {
      for (let next = rest.shift(); next !== undefined && !signal.aborted; next = rest.shift()) {
        const { seriesInstanceUid, sopInstanceUid, studyInstanceUid } = next;
        const path = `/studies/${studyInstanceUid}/series/${seriesInstanceUid}/instances/${sopInstanceUid}`;
        try {
          for await (const bytes of this.#client.retrieve(path, signal)) {
            await door.admit(bytes, { kind: 'dicomweb', peer: this.#peer });
          }
          taken.add(sopInstanceUid);
          onProgress();
        } catch (error) {
          failures.push(error);
          // The next attempt asks for the others, so that a server that is down is not asked for each of them.
          return;
        }
      }
    };
    await Promise.all(Array.from({ length: atOnce }, work));
    if (failures.length > 0) throw failures[0];
  }
}

function textOf(data: JsonDataset, tag: string): string | undefined {
  const value = data[tag]?.Value?.[0];
  return typeof value === 'string' && value !== '' ? value : undefined;
}
