/**
 * How long an archive of a million instances takes to answer. The catalogue is SYNTHETIC: no image lies behind it, its values
 * are drawn from a seeded generator. Asked through the package's own interface, as pages and PACS ask.
 *
 *     node --conditions=consilium-source bench/imaging/search.ts [instances]
 */
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { Archive, type ArchiveReader, archiveSettingsSchema, openArchiveForReading } from '@consilium/archive';
import { createRandom } from '@consilium/numerics';

const instancesWanted = Number(process.argv[2] ?? 1_000_000);
const instancesOfSeries = 100;
const seriesOfStudy = 4;
const studiesOfSubject = 1.6;
const rounds = 15;

interface Median {
  readonly wallMs: number;
  readonly cpuMs: number;
}

const random = createRandom('bench', 'search');
const pick = <T>(values: readonly T[]): T => values[random.uint32() % values.length]!;

const directory = mkdtempSync(join(tmpdir(), 'consilium-search-'));
try {
  await (await Archive.open(directory, archiveSettingsSchema.parse({})))[Symbol.asyncDispose]();
  const filled = fill(join(directory, 'archive.sqlite'));
  // Once more by its own process, which looks after the statistics that queries are planned by.
  await (await Archive.open(directory, archiveSettingsSchema.parse({})))[Symbol.asyncDispose]();
  using reader = openArchiveForReading(directory);
  const medians = measure(reader, filled.studyUid);
  const catalogueMb = Math.round(statSync(join(directory, 'archive.sqlite')).size / 2 ** 20);
  const slowest = Math.max(...Object.values(medians).map(({ wallMs }) => wallMs));
  console.log(
    `slowest median ${slowest.toFixed(1)} ms; catalogue ${catalogueMb} MiB; filled in ${filled.seconds.toFixed(0)} s`,
  );
  const ours = { slowestMedianMs: slowest, cpuMs: Math.max(...Object.values(medians).map(({ cpuMs }) => cpuMs)) };
  const size = { ...reader.catalogue.count(''), catalogueMb };
  console.log(
    JSON.stringify({ name: 'search', ours, units: 'ms a question', synthetic: true, size, results: medians }),
  );
} finally {
  rmSync(directory, { recursive: true, force: true });
}

function fill(path: string): { studyUid: string; seconds: number } {
  const began = performance.now();
  const database = new DatabaseSync(path);
  database.exec('PRAGMA synchronous = OFF; BEGIN');
  const series = Math.ceil(instancesWanted / instancesOfSeries);
  const studies = Math.ceil(series / seriesOfStudy);
  const subjects = Math.ceil(studies / studiesOfSubject);
  const subject = database.prepare('INSERT INTO subject VALUES (?, ?, ?, ?, NULL, 0)');
  for (let id = 1; id <= subjects; id++) subject.run(id, `SUB-${id}`, `SUB-${id}`, pick(['M', 'F']));
  const study = database.prepare(
    `INSERT INTO study (id, subject_id, StudyInstanceUID, format, StudyDate, StudyTime, StudyDescription, age_years, created_ms)
     VALUES (?, ?, ?, 'dicom', ?, '101500', ?, ?, 0)`,
  );
  const descriptions = [
    'CT abdomen',
    'CT kidneys, renal mass',
    'Follow-up of a renal tumour',
    'CT chest and abdomen',
    'Haematuria',
  ];
  for (let id = 1; id <= studies; id++) {
    const date = `20${10 + (random.uint32() % 16)}${String(1 + (random.uint32() % 12)).padStart(2, '0')}${String(1 + (random.uint32() % 28)).padStart(2, '0')}`;
    study.run(
      id,
      1 + (random.uint32() % subjects),
      `2.25.1${id}`,
      date,
      pick(descriptions),
      30 + (random.uint32() % 60),
    );
  }
  fillSeries(database, series, studies);
  database.exec('COMMIT');
  database.close();
  return { studyUid: `2.25.1${Math.ceil(studies / 2)}`, seconds: (performance.now() - began) / 1000 };
}

function fillSeries(database: DatabaseSync, count: number, studies: number): void {
  const series = database.prepare(
    `INSERT INTO series (id, study_id, SeriesInstanceUID, SeriesNumber, SeriesDescription, Modality, Manufacturer, instance_count,
       arrived_ms, state, vendor, kernel, kvp, contrast, phase, slices, "rows", "columns", slice_spacing_mm, slice_thickness_mm,
       pixel_spacing_mm, coverage_mm, geometry, pixel_digest, label_count)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 'described', ?, ?, ?, ?, ?, ?, 512, 512, ?, ?, 0.8, ?, '{}', ?, ?)`,
  );
  const instance = database.prepare(
    `INSERT INTO instance (series_id, SOPInstanceUID, SOPClassUID, InstanceNumber, "Rows", "Columns", BitsAllocated,
       transfer_syntax_uid, size_bytes, sha256, source, created_ms)
     VALUES (?, ?, '1.2.840.10008.5.1.4.1.1.2', ?, 512, 512, 16, '1.2.840.10008.1.2.1', 526000, ?, ?, 0)`,
  );
  const picture = database.prepare('INSERT INTO series_picture VALUES (?, zeroblob(8192), zeroblob(6000))');
  const words = database.prepare('INSERT INTO series_text (rowid, words) VALUES (?, ?)');
  const attribute = database.prepare('INSERT INTO attribute (id, keyword) VALUES (?, ?)');
  const keywords = Array.from({ length: 60 }, (_, at) => (at === 0 ? 'ExposureTime' : `Attribute${at}`));
  for (const [at, keyword] of keywords.entries()) attribute.run(at + 1, keyword);
  const value = database.prepare('INSERT INTO series_attribute VALUES (?, ?, ?, ?)');
  const label = database.prepare(
    'INSERT INTO label VALUES (NULL, ?, \'dicom-seg\', ?, \'{}\', \'[{"number":2,"name":"Tumour","volumeMl":9}]\', 1, 40, ?, 0)',
  );
  const tag = database.prepare('INSERT OR IGNORE INTO tag VALUES (?, ?)');
  const digest = (): Uint8Array => new Uint8Array(Uint32Array.from({ length: 8 }, () => random.uint32()).buffer);
  for (let id = 1; id <= count; id++) {
    const isSeg = id % seriesOfStudy === 0;
    const isLabelled = !isSeg && random.uint32() % 10 < 3;
    const thickness = pick([0.75, 1, 1.25, 2, 2.5, 3, 5]);
    const description = pick(['Abdomen nativ', 'Abdomen venous', 'Nephrographic 3.0', 'Urography late', 'Arterial']);
    const [phase, vendor] = [
      pick(['unenhanced', 'corticomedullary', 'nephrographic', 'excretory', null]),
      pick(['Siemens', 'GE', 'Philips', 'Canon']),
    ];
    series.run(
      ...[
        id,
        1 + (Math.floor((id - 1) / seriesOfStudy) % studies),
        `2.25.2${id}`,
        id % 10,
        description,
        isSeg ? 'SEG' : pick(['CT', 'CT', 'CT', 'MR']),
      ],
      ...[
        vendor,
        instancesOfSeries,
        1_700_000_000_000 + id * 1000,
        vendor,
        pick(['B30f', 'I40f', 'FC08', 'STANDARD']),
        pick([100, 120, 140]),
        random.uint32() % 2,
      ],
      ...[phase, instancesOfSeries, thickness, thickness, thickness * instancesOfSeries, `${id}`, Number(isLabelled)],
    );
    picture.run(id);
    words.run(
      id,
      `${description} ${vendor} ${pick(['renal mass', 'renal cyst', 'follow up', 'no finding'])} report ${id % 977}`,
    );
    for (let at = 1; at <= keywords.length; at++) {
      const number = random.uint32() % 1000;
      value.run(at, id, String(number), number);
    }
    if (isLabelled) label.run(id, digest(), (random.uint32() % 2000) / 10);
    if (random.uint32() % 20 === 0) tag.run(id, pick(['checked', 'motion', 'teaching']));
    for (let number = 1; number <= instancesOfSeries; number++)
      instance.run(id, `2.25.3${id}.${number}`, number, digest(), digest());
  }
}

function measure({ catalogue }: ArchiveReader, studyUid: string): Record<string, Median> {
  const cohort = 'modality = CT and sliceThickness < 3 and phase in (nephrographic) and "renal mass"';
  const questions: Record<string, () => unknown> = {
    'search: a page of the cohort': () => catalogue.search(cohort, { limit: 50 }),
    'search: the same, sorted by date': () =>
      catalogue.search(cohort, { limit: 50, sortBy: 'studyDate', descending: true }),
    'search: all of it, 1000 a page': () => catalogue.search('', { limit: 1000, offset: 4000 }),
    'search: an attribute without a column': () =>
      catalogue.search('ExposureTime > 900 and labelled = yes', { limit: 50 }),
    'search: what is not': () =>
      catalogue.search('not (tag = motion or vendor = GE) and tumourVolume between 4 and 40', { limit: 50 }),
    'search: a pattern': () =>
      catalogue.search('description like *veno* and age > 60 and studyDate >= 2020-01-01', { limit: 50 }),
    'count: the cohort': () => catalogue.count(cohort),
    'count: everything': () => catalogue.count(''),
    'facet: vendor of the cohort': () => catalogue.facet(cohort, 'vendor'),
    'facet: phase of everything': () => catalogue.facet('', 'phase'),
    'facet: tag of everything': () => catalogue.facet('', 'tag'),
    'facet: an attribute, of CT': () => catalogue.facet('modality = CT', 'ExposureTime'),
    'histogram: thickness of CT': () => catalogue.histogram('modality = CT', 'sliceThickness'),
    'histogram: tumour volume': () => catalogue.histogram('labelled = yes', 'tumourVolume'),
    'find: studies of a year': () =>
      catalogue.find({
        level: 'study',
        matches: [{ kind: 'range', attribute: 'StudyDate', from: '20200101', to: '20201231' }],
        limit: 100,
      }),
    'find: studies by a name’s beginning': () =>
      catalogue.find({
        level: 'study',
        matches: [{ kind: 'wildcard', attribute: 'PatientName', pattern: 'SUB-12*' }],
        limit: 100,
      }),
    'find: series of a study': () =>
      catalogue.find({ level: 'series', matches: [{ kind: 'equal', attribute: 'StudyInstanceUID', value: studyUid }] }),
    'find: one instance among all': () =>
      catalogue.find({
        level: 'instance',
        matches: [{ kind: 'equal', attribute: 'SOPInstanceUID', value: '2.25.377.50' }],
      }),
    'instances of a study': () => catalogue.instancesOf({ studyInstanceUid: studyUid }),
  };
  const medians: Record<string, Median> = {};
  for (const [name, ask] of Object.entries(questions)) {
    ask();
    const walls: number[] = [];
    const cpus: number[] = [];
    for (let round = 0; round < rounds; round++) {
      const [began, used] = [performance.now(), process.cpuUsage()];
      ask();
      const { user, system } = process.cpuUsage(used);
      walls.push(performance.now() - began);
      cpus.push((user + system) / 1000);
    }
    medians[name] = { wallMs: medianOf(walls), cpuMs: medianOf(cpus) };
    const { wallMs, cpuMs } = medians[name];
    console.log(`${wallMs.toFixed(1).padStart(8)} ms (${cpuMs.toFixed(1)} ms of CPU)  ${name}`);
  }
  return medians;
}

function medianOf(times: readonly number[]): number {
  return Math.round(times.toSorted((a, b) => a - b)[Math.floor(times.length / 2)]! * 10) / 10;
}
