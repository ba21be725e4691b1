/**
 * A hospital's studies in one directory: taken in through the door, de-identified there, kept, listed, searched, and given
 * out as cohorts. Of one archive one process has it open.
 */
import { join } from 'node:path';
import { datasetOf, deidentify, Pseudonyms, subjectKeyOf } from '@consilium/imaging';
import type { ArchiveClock } from './archive-clock.ts';
import { ArchiveEvents } from './archive-events.ts';
import type { ArchiveSettings } from './archive-settings.ts';
import { Catalogue } from './catalogue.ts';
import { Cohorts } from './cohort/cohorts.ts';
import { Curation } from './curation.ts';
import { decodePixels } from './decoded-pixels.ts';
import { type Describer, ThreadDescriber } from './derive/describer.ts';
import { SeriesQueue } from './derive/series-queue.ts';
import { ArchiveDoor } from './door.ts';
import { Erasure } from './erasure/erasure.ts';
import { ImportLedger } from './intake/import-ledger.ts';
import { Intake } from './intake/intake.ts';
import { VolumeDoor } from './intake/volume-door.ts';
import { LabelExchange } from './labels/label-exchange.ts';
import { systemClock } from './ports/system-clock.ts';
import { type Deidentify, Preparer } from './preparation.ts';
import { Annotations } from './store/annotations.ts';
import { type CatalogueDatabase, openCatalogue } from './store/catalogue-database.ts';
import { CommitGroup } from './store/commit-group.ts';
import { ContentDirectory } from './store/content-directory.ts';
import { DrawnLabels } from './store/drawn-labels.ts';
import { makeDirectory } from './store/durable-file.ts';
import { type IdentityFacts, type IdentityLevel, IdentityMap } from './store/identity-map.ts';
import { InstanceRecorder } from './store/instance-recorder.ts';
import { InstanceStore } from './store/instance-store.ts';
import { checkIdentityKey, hasIdentityKey } from './store/key-check.ts';
import { Quarantine } from './store/quarantine.ts';
import { SealedBox } from './store/sealed-box.ts';
import { readOrCreateSecret } from './store/secret-file.ts';

export interface ArchivePorts {
  readonly clock?: ArchiveClock;
  /** 32 bytes that encrypt identity map and quarantine, such as from the environment; default: the settings' file. */
  readonly identityKey?: Uint8Array;
  /** How files are de-identified, given the archive's secret; default: as the settings say. */
  readonly deidentify?: (secret: Uint8Array) => Deidentify;
  /** Looks at series; default: in a thread of its own. */
  readonly describer?: Describer;
}

interface ArchiveParts {
  readonly database: CatalogueDatabase;
  readonly catalogue: Catalogue;
  readonly cohorts: Cohorts;
  readonly commits: CommitGroup;
  readonly curation: Curation;
  readonly door: ArchiveDoor;
  readonly drawn: DrawnLabels;
  readonly erasure: Erasure;
  readonly events: ArchiveEvents;
  readonly identities: IdentityMap;
  readonly intake: Intake;
  readonly labels: LabelExchange;
  readonly quarantine: Quarantine;
  readonly series: SeriesQueue;
  readonly volumes: VolumeDoor;
  readonly store: InstanceStore;
  readonly secret: Uint8Array;
  readonly identityKey: Uint8Array;
}

export class Archive implements AsyncDisposable {
  readonly catalogue: Catalogue;
  readonly cohorts: Cohorts;
  readonly curation: Curation;
  /** Takes in, and releases from quarantine. */
  readonly door: ArchiveDoor;
  /** Segmentations that were drawn here. */
  readonly drawn: DrawnLabels;
  /** Removes subjects that want it, and keeps them away. */
  readonly erasure: Erasure;
  readonly events: ArchiveEvents;
  /** Folders, zip files, watched folders. */
  readonly intake: Intake;
  /** Segmentations as files, out and in. */
  readonly labels: LabelExchange;
  readonly quarantine: Quarantine;
  /** Looks at series once they have settled. */
  readonly series: SeriesQueue;
  /** Takes in what is no DICOM. */
  readonly volumes: VolumeDoor;
  readonly #parts: ArchiveParts;

  private constructor(parts: ArchiveParts) {
    this.catalogue = parts.catalogue;
    this.cohorts = parts.cohorts;
    this.curation = parts.curation;
    this.door = parts.door;
    this.drawn = parts.drawn;
    this.erasure = parts.erasure;
    this.events = parts.events;
    this.intake = parts.intake;
    this.labels = parts.labels;
    this.quarantine = parts.quarantine;
    this.series = parts.series;
    this.volumes = parts.volumes;
    this.#parts = parts;
  }

  /**
   * Opens the archive in a directory, or makes one. What a crash has left half done is removed first.
   * @throws ArchiveError `archive.in-use`, `archive.not-writable`, `archive.disk-full`, `archive.key-*`,
   * `archive.catalogue-*`
   */
  static async open(directory: string, settings: ArchiveSettings, ports: ArchivePorts = {}): Promise<Archive> {
    await makeDirectory(directory);
    const database = openCatalogue(directory);
    try {
      const archive = new Archive(await partsOf(directory, settings, { ...ports, database }));
      await archive.erasure.resume();
      return archive;
    } catch (error) {
      database[Symbol.dispose]();
      throw error;
    }
  }

  /**
   * Who a pseudonym is: all that was said of it before it was de-identified. Whoever calls this writes down who asked.
   * @throws ArchiveError `archive.key-wrong`
   */
  reidentify(level: IdentityLevel, pseudonym: string): readonly IdentityFacts[] {
    return this.#parts.identities.reidentify(level, pseudonym);
  }

  /** For what else of the archive names patients and has to be kept. @param purpose boxes cannot open each other's. */
  sealedBox(purpose: string): SealedBox {
    return new SealedBox(this.#parts.identityKey, purpose);
  }

  /** Of instances by their UIDs as others have them: those that were stored, or are in quarantine. */
  heldOf(originalUids: readonly string[]): ReadonlySet<string> {
    const pseudonyms = new Pseudonyms(this.#parts.secret);
    const isHeld = (uid: string) => this.catalogue.holdsInstance(uid) || this.quarantine.holdsInstance(uid);
    return new Set(originalUids.filter((uid) => isHeld(pseudonyms.uid(uid))));
  }

  /** Whose studies come with this Patient ID, and Issuer of Patient ID where there is one. */
  pseudonymOfPatient(patientId: string, issuer: string): string {
    const key = subjectKeyOf(datasetOf({ PatientID: patientId, IssuerOfPatientID: issuer })).key;
    return new Pseudonyms(this.#parts.secret).subject(key);
  }

  /** Of a UID as others have it. */
  pseudonymOf(originalUid: string): string {
    return new Pseudonyms(this.#parts.secret).uid(originalUid);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#parts.commits.flush();
    try {
      await this.#parts.store.close();
    } finally {
      this.#parts.identities[Symbol.dispose]();
      this.#parts.database[Symbol.dispose]();
    }
  }
}

async function partsOf(
  directory: string,
  settings: ArchiveSettings,
  { database: catalogueDatabase, ...ports }: ArchivePorts & { database: CatalogueDatabase },
): Promise<ArchiveParts> {
  const { database, wasClosed } = catalogueDatabase;
  const clock = ports.clock ?? systemClock;
  const isNew =
    database.prepare('SELECT 1 FROM subject UNION ALL SELECT 1 FROM quarantine LIMIT 1').get() === undefined;
  const secret = await readOrCreateSecret(join(directory, 'secret'), { mayCreate: isNew });
  const keyFile = settings.identityKeyFile ?? join(directory, 'identity.key');
  const identityKey =
    ports.identityKey ?? (await readOrCreateSecret(keyFile, { mayCreate: isNew && !hasIdentityKey(database) }));
  checkIdentityKey(database, identityKey);
  const commits = new CommitGroup(database, directory);
  const events = new ArchiveEvents();
  const instances = await ContentDirectory.open(join(directory, 'instances'));
  const labels = await ContentDirectory.open(join(directory, 'labels'));
  const quarantine = await Quarantine.open(join(directory, 'quarantine'), { database, commits, secret: identityKey });
  const annotations = new Annotations(database);
  const recorder = new InstanceRecorder(database);
  const store = await InstanceStore.open(directory, { database, commits, instances, recorder, annotations });
  if (!wasClosed) await sweep(catalogueDatabase, { instances, labels, quarantine });
  const identities = await IdentityMap.open(join(directory, 'identity'), identityKey);
  const catalogue = new Catalogue(database, instances);
  const volumes = new VolumeDoor({
    ...{ secret, database, instances, labels, recorder, annotations, commits, identities, clock },
    bytesMax: settings.limits.instanceBytesMax,
  });
  const door = new ArchiveDoor({
    ...{ instances, store, recorder, annotations, commits, identities, quarantine, events, clock },
    preparer: new Preparer({ secret, deidentify: ports.deidentify?.(secret) ?? deidentifying(settings, secret) }),
    instanceBytesMax: settings.limits.instanceBytesMax,
  });
  const drawn = new DrawnLabels({ database, instances, labels, recorder, commits, events, clock });
  const curation = new Curation({ database, catalogue, annotations, commits, clock });
  const ledger = new ImportLedger({ database, commits, secret: identityKey });
  return {
    ...{
      database: catalogueDatabase,
      catalogue,
      commits,
      door,
      events,
      identities,
      quarantine,
      store,
      volumes,
      secret,
      identityKey,
    },
    erasure: new Erasure({
      ...{ database, commits, instances, labels, store, identities, quarantine, ledger, secret, clock },
      recordPath: join(directory, 'erasures.jsonl'),
    }),
    drawn,
    labels: new LabelExchange({ catalogue, instances, labels, drawn, labelNames: settings.labelNames }),
    cohorts: new Cohorts({ database, commits, clock, instances, labels }),
    intake: new Intake({
      ...{ door, volumes, curation, clock, events },
      ...{ labelNames: settings.labelNames, limits: settings.limits, watch: settings.watch },
      ledger,
      directory: join(directory, 'uploads'),
    }),
    series: new SeriesQueue({
      ...{ database, commits, annotations, instances, labels, events, clock },
      describer: ports.describer ?? new ThreadDescriber(),
      settleMs: settings.settleMs,
    }),
    curation,
  };
}

function deidentifying(settings: ArchiveSettings, secret: Uint8Array): Deidentify {
  const options = { profile: settings.deidentification, secret, decodePixels };
  return (bytes) => deidentify(bytes, options);
}

/** Removes the files of admissions that were not acknowledged. */
async function sweep(
  { database }: CatalogueDatabase,
  { instances, labels, quarantine }: { instances: ContentDirectory; labels: ContentDirectory; quarantine: Quarantine },
): Promise<void> {
  const known = (table: 'instance' | 'label') => {
    const row = database.prepare(`SELECT 1 FROM ${table} WHERE sha256 = ?`);
    return (sha256: string): boolean => row.get(Buffer.from(sha256, 'hex')) !== undefined;
  };
  await instances.sweep(known('instance'));
  await labels.sweep(known('label'));
  await quarantine.sweep();
}
