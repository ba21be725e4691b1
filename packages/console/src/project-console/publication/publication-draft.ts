/** What was typed into the wizard, and what is wrong with it, step by step. */
import { type Publication, publicationSchema } from '@consilium/coordinator/api';

export interface PublicationDraft {
  readonly title: string;
  readonly description: string;
  readonly version: string;
  readonly date: string;
  readonly authors: readonly DraftAuthor[];
  readonly licence: string;
  readonly contact: string;
  readonly intendedUse: string;
  readonly outOfScope: string;
  /** A line each. */
  readonly limitations: string;
}

export interface DraftAuthor {
  readonly name: string;
  readonly affiliation: string;
  readonly orcid: string;
}

export const noAuthor: DraftAuthor = { name: '', affiliation: '', orcid: '' };

/** The fields of each step. */
export const steps = [
  { name: 'What it is', fields: ['title', 'description', 'version', 'date'] },
  { name: 'Who made it', fields: ['authors', 'contact'] },
  { name: 'On what terms', fields: ['licence'] },
  { name: 'What it is for', fields: ['intendedUse', 'outOfScope', 'limitations'] },
  { name: 'Look and save', fields: [] },
] as const satisfies readonly { name: string; fields: readonly (keyof PublicationDraft)[] }[];

export function draftOf(publication: Publication | null, today: string): PublicationDraft {
  return {
    title: publication?.title ?? '',
    description: publication?.description ?? '',
    version: publication?.version ?? '1.0.0',
    date: publication?.date ?? today,
    authors: publication?.authors.map((author) => ({ ...noAuthor, ...author })) ?? [noAuthor],
    licence: publication?.licence ?? 'CC-BY-NC-SA-4.0',
    contact: publication?.contact ?? '',
    intendedUse: publication?.intendedUse ?? '',
    outOfScope: publication?.outOfScope ?? '',
    limitations: publication?.limitations.join('\n') ?? '',
  };
}

/** The publication, or by field what is wrong: `authors.0.name`. */
export function checked(
  draft: PublicationDraft,
): { readonly publication: Publication } | { readonly wrong: ReadonlyMap<string, string> } {
  const given = {
    ...draft,
    authors: draft.authors.map((author) => withoutEmpty(author, ['affiliation', 'orcid'])),
    limitations: draft.limitations.split('\n').flatMap((line) => line.trim() || []),
  };
  const { data, error } = publicationSchema.safeParse(withoutEmpty(given, ['contact', 'outOfScope']));
  if (data !== undefined) return { publication: data };
  return { wrong: new Map(error!.issues.map(({ message, path }) => [path.join('.'), message])) };
}

/** Whether something of a step is wrong. */
export function isWrongIn(step: number, wrong: ReadonlyMap<string, string>): boolean {
  const fields: readonly string[] = steps[step]!.fields;
  return [...wrong.keys()].some((path) => fields.includes(path.split('.')[0]!));
}

function withoutEmpty<T extends object>(value: T, optional: readonly string[]): Partial<T> {
  const given = Object.entries(value).filter(([key, text]) => !optional.includes(key) || String(text).trim() !== '');
  return Object.fromEntries(given) as Partial<T>;
}
