/** A QIDO-RS query (PS3.18 8.3.4 and 10.6) from its address. */
import { dictionary, type Keyword } from '@consilium/imaging';
import { ArchiveError } from '../archive-error.ts';
import {
  type AttributeMatch,
  type AttributeQuery,
  type CatalogueAttribute,
  catalogueAttributes,
  type QueryLevel,
} from '../catalogue-query.ts';
import { tagText } from './dicom-json.ts';

export interface QidoQuery {
  readonly query: AttributeQuery;
  /** Attributes asked for besides those that are always answered. */
  readonly includes: 'all' | ReadonlySet<CatalogueAttribute>;
}

/** Names of parameters that are no attributes. */
const control: ReadonlySet<string> = new Set([
  'includefield',
  'limit',
  'offset',
  'fuzzymatching',
  'emptyvaluematching',
]);

/**
 * @param parameters decoded; a name may occur several times.
 * @param within UIDs from the path of the address.
 * @throws ArchiveError `archive.query-malformed`
 */
export function parseQido(
  level: QueryLevel,
  parameters: Readonly<Record<string, string | readonly string[] | undefined>>,
  within: Partial<Record<'StudyInstanceUID' | 'SeriesInstanceUID', string>>,
): QidoQuery {
  const matches: AttributeMatch[] = Object.entries(within).map(([attribute, value]) => ({
    ...{ kind: 'equal', attribute: attribute as CatalogueAttribute, value },
  }));
  const includes = new Set<CatalogueAttribute>();
  let includesAll = false;
  for (const [name, received] of Object.entries(parameters)) {
    const values = received === undefined ? [] : typeof received === 'string' ? [received] : received;
    if (name === 'includefield') {
      for (const field of values.flatMap((value) => value.split(','))) {
        if (field === 'all') includesAll = true;
        else {
          // What the catalogue does not hold is left out of the answer, as it may be (PS3.18 10.6.3.3).
          const attribute = attributeOf(field);
          if (attribute !== undefined) includes.add(attribute);
        }
      }
    } else if (!control.has(name)) {
      const attribute = attributeOf(name);
      if (attribute === undefined)
        throw malformed('An attribute of the query is not one that this archive can be asked for.');
      for (const value of values) {
        const match = matchOf(attribute, value);
        if (match === undefined) includes.add(attribute);
        else matches.push(match);
      }
    }
  }
  const [offset, limit] = [countOf(parameters['offset']), countOf(parameters['limit'])];
  const query = {
    level,
    matches,
    ...(offset === undefined ? {} : { offset }),
    ...(limit === undefined ? {} : { limit }),
  };
  return { query, includes: includesAll ? 'all' : includes };
}

/** Keyword or tag of an attribute of the catalogue. */
function attributeOf(name: string): CatalogueAttribute | undefined {
  const keyword = /^[0-9a-f]{8}$/i.test(name) ? attributeOfTag.get(name.toUpperCase()) : name;
  if (keyword !== undefined && Object.hasOwn(catalogueAttributes, keyword)) return keyword as CatalogueAttribute;
  const isKnown = Object.hasOwn(dictionary, name) || /^[0-9a-f]{8}(?:\.[0-9a-f]{8})*$/i.test(name);
  if (!isKnown && !name.split('.').every((part) => Object.hasOwn(dictionary, part))) {
    throw malformed('The query names something that is no attribute.');
  }
  return undefined;
}

/** PS3.4 C.2.2.2, by the VR. An empty value, or one of asterisks, matches everything. */
function matchOf(attribute: CatalogueAttribute, value: string): AttributeMatch | undefined {
  const { vr } = catalogueAttributes[attribute];
  if (/^\**$/.test(value)) return undefined;
  // A list of UIDs (PS3.18 8.3.4.1); OHIF asks for modalities in the same way.
  if (vr === 'UI' || attribute === 'ModalitiesInStudy') {
    const values = value.split(/[,\\]/).filter((one) => one !== '');
    return values.length === 1
      ? { kind: 'equal', attribute, value: values[0]! }
      : { kind: 'any-of', attribute, values };
  }
  if (vr === 'DA' || vr === 'TM') {
    const dash = value.indexOf('-');
    if (dash < 0) return { kind: 'equal', attribute, value: temporal(vr, value) };
    const [from, to] = [value.slice(0, dash), value.slice(dash + 1)].map((end) =>
      end === '' ? undefined : temporal(vr, end),
    );
    return { kind: 'range', attribute, from, to };
  }
  if (vr === 'IS' || vr === 'US') {
    if (!/^-?\d{1,10}$/.test(value)) throw malformed('A value of the query is not a number.');
    return { kind: 'equal', attribute, value };
  }
  if (/[*?]/.test(value)) return { kind: 'wildcard', attribute, pattern: value };
  return { kind: 'equal', attribute, value };
}

function temporal(vr: 'DA' | 'TM', value: string): string {
  const plain = vr === 'TM' ? value.replaceAll(':', '') : value;
  const sound = vr === 'DA' ? /^\d{8}$/.test(plain) : /^\d{2}(?:\d{2}(?:\d{2}(?:\.\d{1,6})?)?)?$/.test(plain);
  if (!sound) throw malformed('A date or time of the query is not written as YYYYMMDD or HHMMSS.');
  return plain;
}

function countOf(value: string | readonly string[] | undefined): number | undefined {
  if (value === undefined || value === '') return undefined;
  if (typeof value !== 'string' || !/^\d{1,9}$/.test(value)) throw malformed('"limit" and "offset" are whole numbers.');
  return Number(value);
}

function malformed(message: string): ArchiveError {
  return new ArchiveError('archive.query-malformed', message);
}

const attributeOfTag: ReadonlyMap<string, CatalogueAttribute> = new Map(
  (Object.keys(catalogueAttributes) as CatalogueAttribute[]).map((attribute) => [
    tagText(dictionary[attribute as Keyword][0]),
    attribute,
  ]),
);
