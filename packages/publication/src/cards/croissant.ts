/**
 * `croissant.json`: Croissant 1.0 (http://mlcommons.org/croissant/1.0), by which data sets are found and loaded. Files are
 * listed with their hashes; tables become record sets.
 */
import { type About, licenceUri } from '../crate/about.ts';
import { formatOf } from '../crate/crate-file.ts';
import type { DescribedFile } from '../crate/ro-crate.ts';

export interface CroissantTable {
  /** A CSV or TSV file of the crate with a line of headings. */
  readonly path: string;
  readonly name: string;
  readonly description: string;
  readonly columns: readonly {
    readonly name: string;
    readonly type: 'Text' | 'Float' | 'Integer' | 'Boolean';
    readonly description: string;
  }[];
}

const context = {
  '@language': 'en',
  '@vocab': 'https://schema.org/',
  citeAs: 'cr:citeAs',
  column: 'cr:column',
  conformsTo: 'dct:conformsTo',
  cr: 'http://mlcommons.org/croissant/',
  rai: 'http://mlcommons.org/croissant/RAI/',
  data: { '@id': 'cr:data', '@type': '@json' },
  dataType: { '@id': 'cr:dataType', '@type': '@vocab' },
  dct: 'http://purl.org/dc/terms/',
  equivalentProperty: 'cr:equivalentProperty',
  examples: { '@id': 'cr:examples', '@type': '@json' },
  extract: 'cr:extract',
  field: 'cr:field',
  fileProperty: 'cr:fileProperty',
  fileObject: 'cr:fileObject',
  fileSet: 'cr:fileSet',
  format: 'cr:format',
  includes: 'cr:includes',
  isLiveDataset: 'cr:isLiveDataset',
  jsonPath: 'cr:jsonPath',
  key: 'cr:key',
  md5: 'cr:md5',
  parentField: 'cr:parentField',
  path: 'cr:path',
  recordSet: 'cr:recordSet',
  references: 'cr:references',
  regex: 'cr:regex',
  repeated: 'cr:repeated',
  replace: 'cr:replace',
  samplingRate: 'cr:samplingRate',
  sc: 'https://schema.org/',
  separator: 'cr:separator',
  source: 'cr:source',
  subField: 'cr:subField',
  transform: 'cr:transform',
} as const;

export function croissant(
  about: About,
  files: readonly DescribedFile[],
  tables: readonly CroissantTable[],
): Readonly<Record<string, unknown>> {
  return {
    '@context': context,
    '@type': 'sc:Dataset',
    conformsTo: 'http://mlcommons.org/croissant/1.0',
    name: about.title,
    description: about.description,
    license: licenceUri(about),
    version: about.version,
    datePublished: about.date,
    url: './',
    creator: about.authors.map(({ name, orcid }) => ({
      '@type': 'sc:Person',
      name,
      ...(orcid === undefined ? {} : { url: orcid }),
    })),
    ...(about.citation === undefined ? {} : { citeAs: about.citation }),
    distribution: files.map((file) => ({
      '@type': 'cr:FileObject',
      '@id': file.path,
      name: file.path,
      description: file.description ?? file.name,
      contentUrl: file.path,
      contentSize: `${file.sizeBytes} B`,
      encodingFormat: formatOf(file),
      sha256: file.sha256,
    })),
    recordSet: tables.map(({ path, name, description, columns }) => ({
      '@type': 'cr:RecordSet',
      '@id': name,
      name,
      description,
      field: columns.map((column) => ({
        '@type': 'cr:Field',
        '@id': `${name}/${column.name}`,
        name: column.name,
        description: column.description,
        dataType: `sc:${column.type}`,
        source: { fileObject: { '@id': path }, extract: { column: column.name } },
      })),
    })),
  };
}
