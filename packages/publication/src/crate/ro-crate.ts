/**
 * `ro-crate-metadata.json`: RO-Crate 1.1 (https://w3id.org/ro/crate/1.1), the version that validators and repositories know.
 * Every file is described; the root names people, licence and date.
 */
import { type About, licenceUri } from './about.ts';
import { type CrateFile, formatOf } from './crate-file.ts';

export const metadataPath = 'ro-crate-metadata.json';
export const previewPath = 'ro-crate-preview.html';

type Entity = Readonly<Record<string, unknown>>;

export interface DescribedFile extends Omit<CrateFile, 'bytes'> {
  readonly sizeBytes: number;
  readonly sha256: string;
}

export interface CrateDescription {
  readonly about: About;
  /** Without metadata, preview and manifest. */
  readonly files: readonly DescribedFile[];
  /** What made it, and from what. */
  readonly made: {
    readonly software: Readonly<Record<string, string>>;
    readonly command?: string;
    /** ISO 8601: the work began and ended. */
    readonly startedAt?: string;
    readonly endedAt?: string;
  };
  readonly keywords: readonly string[];
}

export function roCrateMetadata(description: CrateDescription): Entity {
  return {
    // The term of RO-Crate's workflow profiles; 1.1 itself has none for a hash.
    '@context': ['https://w3id.org/ro/crate/1.1/context', { sha256: 'https://w3id.org/ro/terms/workflow-run#sha256' }],
    '@graph': entitiesOf(description).map(withoutSingletons),
  };
}

/** JSON-LD as RO-Crate writes it: one value is not a list of one. */
function withoutSingletons(entity: Entity): Entity {
  const plain = (value: unknown): unknown => (Array.isArray(value) && value.length === 1 ? value[0] : value);
  return Object.fromEntries(Object.entries(entity).map(([name, value]) => [name, plain(value)]));
}

function entitiesOf({ about, files, made, keywords }: CrateDescription): Entity[] {
  const people = about.authors.map(({ name, orcid, affiliation }, index) => ({
    '@id': orcid ?? `#author-${index + 1}`,
    '@type': 'Person',
    name,
    ...(affiliation === undefined ? {} : { affiliation: { '@id': organisationId(affiliation) } }),
  }));
  const organisations = new Set(
    [about.publisher, ...about.authors.map(({ affiliation }) => affiliation)].filter((name) => name !== undefined),
  );
  const software = Object.entries(made.software).map(([name, version]) => ({
    '@id': `#software-${slug(name)}`,
    '@type': 'SoftwareApplication',
    name,
    version,
    softwareVersion: version,
  }));
  const directories = directoriesOf(files);
  return [
    {
      '@id': metadataPath,
      '@type': 'CreativeWork',
      conformsTo: { '@id': 'https://w3id.org/ro/crate/1.1' },
      about: { '@id': './' },
    },
    rootOf({ about, files, made, keywords }, people, directories),
    { '@id': licenceUri(about), '@type': 'CreativeWork', name: about.licence, url: licenceUri(about) },
    ...people,
    ...[...organisations].map((name) => {
      const url = about.organisations?.[name];
      return { '@id': organisationId(name), '@type': 'Organization', name, ...(url === undefined ? {} : { url }) };
    }),
    ...software,
    ...(made.startedAt === undefined ? [] : [trainingAction({ about, made, files, keywords }, software, people)]),
    ...directories.map((path) => ({
      '@id': path,
      '@type': 'Dataset',
      name: directoryNames[path] ?? path,
      description: directoryNames[path] ?? `Files under ${path}`,
      hasPart: [
        ...files.filter((file) => parentOf(file.path) === path).map((file) => ({ '@id': idOf(file.path) })),
        ...directories.filter((other) => other !== path && parentOf(other.slice(0, -1)) === path).map(reference),
      ],
    })),
    ...files.map(fileEntity),
    { '@id': previewPath, '@type': 'CreativeWork', name: 'This crate, for people', about: { '@id': './' } },
  ];
}

const directoryNames: Readonly<Record<string, string>> = {
  'model/': 'The model: graph, weights, plan',
  'monai/': 'The model as a MONAI Bundle',
  'examples/': 'How the model is used from TypeScript, Python and a browser',
  'methodology/': 'What was done: report, record, numbers, experiments',
  'audit/': 'What the logs of the coordinator and the sites came to',
  'environment/': 'Software that was used',
};

function rootOf(
  { about, files, made, keywords }: CrateDescription,
  people: readonly Entity[],
  directories: readonly string[],
): Entity {
  const top = files.filter(({ path }) => !path.includes('/'));
  return {
    '@id': './',
    '@type': 'Dataset',
    name: about.title,
    description: about.description,
    version: about.version,
    datePublished: about.date,
    license: { '@id': licenceUri(about) },
    author: people.map(({ '@id': id }) => ({ '@id': id })),
    ...(about.publisher === undefined ? {} : { publisher: { '@id': organisationId(about.publisher) } }),
    keywords: keywords.join(', '),
    hasPart: [
      ...top.map(({ path }) => ({ '@id': idOf(path) })),
      ...directories.filter((path) => parentOf(path.slice(0, -1)) === '').map(reference),
    ],
    ...(made.startedAt === undefined ? {} : { mentions: { '@id': '#training' } }),
  };
}

/** The work that made the model, as RO-Crate describes software that was run (CreateAction). */
function trainingAction(
  { made, files }: CrateDescription,
  software: readonly Entity[],
  people: readonly Entity[],
): Entity {
  const results = files.filter(({ path }) => path.startsWith('model/')).map(({ path }) => ({ '@id': idOf(path) }));
  return {
    '@id': '#training',
    '@type': 'CreateAction',
    name: 'Federated training and evaluation',
    ...(made.command === undefined ? {} : { description: made.command }),
    startTime: made.startedAt,
    ...(made.endedAt === undefined ? {} : { endTime: made.endedAt }),
    agent: people.map(({ '@id': id }) => ({ '@id': id })),
    instrument: software.map(({ '@id': id }) => ({ '@id': id })),
    result: results,
  };
}

function fileEntity(file: DescribedFile): Entity {
  return {
    '@id': idOf(file.path),
    '@type': 'File',
    name: file.name,
    ...(file.description === undefined ? {} : { description: file.description }),
    encodingFormat: formatOf(file),
    contentSize: String(file.sizeBytes),
    sha256: file.sha256,
    ...(file.conformsTo === undefined ? {} : { conformsTo: { '@id': file.conformsTo } }),
  };
}

/** Each with a slash at its end, parents before what is in them. */
function directoriesOf(files: readonly DescribedFile[]): string[] {
  const found = new Set<string>();
  for (const { path } of files) {
    const parts = path.split('/').slice(0, -1);
    parts.forEach((_, index) => {
      found.add(`${parts.slice(0, index + 1).join('/')}/`);
    });
  }
  return [...found].sort();
}

const parentOf = (path: string): string => path.slice(0, path.lastIndexOf('/') + 1);
const reference = (id: string): Entity => ({ '@id': id });
/** A relative URI. */
const idOf = (path: string): string => path.split('/').map(encodeURIComponent).join('/');
const slug = (name: string): string => name.toLowerCase().replace(/[^a-z0-9]+/g, '-');
const organisationId = (name: string): string => `#organisation-${slug(name)}`;
