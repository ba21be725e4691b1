/**
 * One hospital of a full rehearsal: an archive that phantoms come into through the door, and the reading room over it. Its
 * secret follows from the seed, so that pseudonyms, and with them the split, are the same whenever it is made.
 */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Archive, archiveSettingsSchema, makeDirectory } from '@consilium/archive';
import { parsePart10, readDicomSegmentation } from '@consilium/imaging';
import { ReadingRoom } from '@consilium/reading';
import { writeDurably } from '@consilium/transport';
import { CliError } from '../cli-error.ts';
import { SimulatedClock } from './simulated-clock.ts';

type Geometry = NonNullable<Parameters<typeof readDicomSegmentation>[1]>;

/** A phantom on disk. */
interface StudyFolder {
  /** From 0, in the order of the folders. */
  readonly index: number;
  readonly directory: string;
  /** As the archive has it. */
  readonly seriesInstanceUid: string;
}

export const splitParts = ['train', 'validation', 'test'] as const;
export type SplitPart = (typeof splitParts)[number];

/** Cohorts by whose labels they are: what is true of phantoms; by hand; corrected proposals. */
export type LabelSource = 'reference' | 'manual' | 'assisted';

export const splitName = 'rehearsal';
const noon = Date.UTC(2026, 0, 5, 12);
const dayMs = 86_400_000;

export interface HospitalOptions {
  /** Made where it is new. */
  readonly directory: string;
  /** Of the phantoms, as `consilium phantom` leaves them. */
  readonly studies: string;
  readonly seed: number;
  readonly siteId: string;
}

export class SimulatedHospital implements AsyncDisposable {
  readonly siteId: string;
  readonly directory: string;
  readonly archive: Archive;
  readonly room: ReadingRoom;
  readonly studies: readonly StudyFolder[];
  readonly clock: SimulatedClock;

  static async open({ directory, seed, siteId, studies }: HospitalOptions): Promise<SimulatedHospital> {
    const secret = join(directory, 'secret');
    await makeDirectory(directory);
    if (!existsSync(secret)) await writeDurably(secret, `${secretOf(seed, siteId)}\n`, { mode: 0o600 });
    const clock = new SimulatedClock(noon);
    const settings = archiveSettingsSchema.parse({ project: 'rehearsal' });
    const archive = await Archive.open(directory, settings, { clock });
    try {
      const room = await ReadingRoom.open(archive, { directory, clock });
      const folders = await foldersIn(studies, archive);
      return new SimulatedHospital({ siteId, directory, archive, room, clock, studies: folders });
    } catch (error) {
      await archive[Symbol.asyncDispose]();
      throw error;
    }
  }

  private constructor(
    parts: Pick<SimulatedHospital, 'siteId' | 'directory' | 'archive' | 'room' | 'clock' | 'studies'>,
  ) {
    this.siteId = parts.siteId;
    this.directory = parts.directory;
    this.archive = parts.archive;
    this.room = parts.room;
    this.clock = parts.clock;
    this.studies = parts.studies;
  }

  /** Images, and what is true of them; then the cohort of that, and the split. Doing it again does nothing. */
  async takeIn({ onStudy }: { onStudy: (done: number) => void }): Promise<void> {
    for (const { directory, index } of this.studies) {
      this.clock.timeMs = noon + index * 1000;
      const slices = await readdir(join(directory, 'ct'));
      await Promise.all(slices.sort().map((name) => this.#admit(join(directory, 'ct', name))));
      await this.#admit(join(directory, 'reference.seg.dcm'));
      onStudy(index + 1);
    }
    await this.archive.series.settle();
    await this.freeze('reference');
    if (!this.archive.cohorts.listSplits().some(({ name }) => name === splitName)) {
      const shares = this.studies.length < smallMax ? smallShares : usualShares;
      const drawn = { split: splitName, shares, stratifyBy: [], seed: this.siteId };
      await this.archive.cohorts.createSplit({ name: 'reference', ...drawn });
    }
  }

  /** What labels there are now, once. */
  async freeze(source: LabelSource): Promise<void> {
    const { cohorts } = this.archive;
    this.clock.timeMs = noon + dayMs * ({ reference: 1, manual: 100, assisted: 200 }[source] - 1) + dayMs / 3;
    if (!cohorts.list().some(({ name }) => name === source)) await cohorts.freeze(source, 'modality = CT');
  }

  partOf(seriesInstanceUid: string): SplitPart {
    const { cohorts } = this.archive;
    const member = cohorts.members({ name: 'reference' }).find((one) => one.seriesInstanceUid === seriesInstanceUid)!;
    return cohorts.split(splitName).parts.get(member.patientId) as SplitPart;
  }

  /** Those of the cohort, in the order in which they came. */
  included(): readonly StudyFolder[] {
    const left = this.archive.cohorts.members({ name: 'reference' }).filter(({ exclusion }) => exclusion === undefined);
    const uids = new Set(left.map(({ seriesInstanceUid }) => seriesInstanceUid));
    return this.studies.filter(({ seriesInstanceUid }) => uids.has(seriesInstanceUid));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.room[Symbol.asyncDispose]();
    await this.archive[Symbol.asyncDispose]();
  }

  async #admit(path: string): Promise<void> {
    const admission = await this.archive.door.admit(await readFile(path), { kind: 'folder' });
    if (admission.kind !== 'refused') return;
    throw new CliError('cli.job-failed', `The archive of ${this.siteId} refuses a phantom: ${admission.message}`);
  }
}

/** With few studies the parts that are for testing would be too small to say anything. */
const smallMax = 20;
const smallShares = { train: 0.4, validation: 0.35, test: 0.25 };
const usualShares = { train: 0.7, validation: 0.1, test: 0.2 };

/** Voxels on the series' grid, of the label that a phantom's hospital draws by habit, or of what is true. */
export async function phantomLabel(
  { directory }: Pick<StudyFolder, 'directory'>,
  drawn: 'site' | 'reference',
  geometry: Geometry,
): Promise<Uint8Array> {
  const bytes = await readFile(join(directory, drawn === 'site' ? 'seg.dcm' : 'reference.seg.dcm'));
  return (await readDicomSegmentation(bytes, geometry)).labels.voxels as Uint8Array;
}

async function foldersIn(studies: string, archive: Archive): Promise<StudyFolder[]> {
  const names = (await readdir(studies)).filter((name) => name.startsWith('study-')).sort();
  return Promise.all(
    names.map(async (name, index) => {
      const directory = join(studies, name);
      const { data } = parsePart10(await readFile(join(directory, 'ct/001.dcm')));
      return { index, directory, seriesInstanceUid: archive.pseudonymOf(data.requiredText('SeriesInstanceUID')) };
    }),
  );
}

function secretOf(seed: number, siteId: string): string {
  return createHash('sha256').update(`full rehearsal ${seed} ${siteId}`).digest('hex');
}
