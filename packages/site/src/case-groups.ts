/**
 * To which groups a case belongs: phase of contrast enhancement, vendor, kernel, sex, age. In words of a closed list, so that nothing
 * of a header leaves the site; only of kinds that the site allows; and only where enough test patients are alike that the
 * group is not about one of them.
 */
import { readFile } from 'node:fs/promises';
import { type Keyword, parsePart10 } from '@consilium/imaging';
import type { CaseScore } from '@consilium/protocol';
import { z } from 'zod';
import type { FoundCase, ImageFiles } from './found-case.ts';
import { kernelFamilyOf } from './kernel-family.ts';
import { notesOf } from './patient-facts.ts';
import type { GroupKind } from './settings.ts';

export type CaseGroups = Readonly<Partial<Record<GroupKind, string>>>;

/** What a case is, as far as its files say; nothing of what they say wrongly. */
export async function groupsOf({ files, phase }: Pick<FoundCase, 'files' | 'phase'>): Promise<CaseGroups> {
  const facts = await factsOf(files);
  const groups = {
    phase,
    vendor: vendorOf(facts.manufacturer),
    kernel: kernelFamilyOf(facts.kernel),
    sex: sexOf(facts.sex),
    age: facts.ageYears === undefined ? undefined : ageBandOf(facts.ageYears),
  };
  return Object.fromEntries(Object.entries(groups).filter(([, group]) => group !== undefined));
}

/** Slice Thickness (0018,0050): over how much each slice was averaged, however far apart slices are; undefined: not said. */
export async function sliceThicknessOf({ files }: Pick<FoundCase, 'files'>): Promise<number | undefined> {
  return (await factsOf(files)).sliceThicknessMm;
}

async function factsOf(files: FoundCase['files']): Promise<Facts> {
  return files.kind === 'labelled' ? { ...(await sliceFacts(files.image)), ...(await noteFacts(files.image)) } : {};
}

/**
 * What of it may be told: groups with `minimumCount` patients; where the rest would be fewer than those, not even the
 * smallest of these groups, because who is in none would be known, too. In the order given.
 */
export function tellableGroups(
  cases: readonly { readonly patient: string; readonly groups: CaseGroups }[],
  { kinds, minimumCount }: { readonly kinds: readonly GroupKind[]; readonly minimumCount: number },
): NonNullable<CaseScore['groups']>[] {
  const told = new Map(
    kinds.map((kind) => {
      const grouped = cases.map(({ groups, patient }) => ({ patient, group: groups[kind] }));
      return [kind, groupsTold(grouped, minimumCount)];
    }),
  );
  return cases.map(({ groups }) =>
    Object.fromEntries(
      Object.entries(groups).filter(([kind, group]) => told.get(kind as GroupKind)?.has(group) === true),
    ),
  );
}

/** Which groups may be told of: as `tellableGroups`, of one kind. */
export function groupsTold(
  cases: readonly { readonly patient: string; readonly group: string | undefined }[],
  minimumCount: number,
): ReadonlySet<string> {
  const patientsOf = (some: typeof cases) => new Set(some.map(({ patient }) => patient)).size;
  const sizes = [...Map.groupBy(cases, ({ group }) => group)].map(([group, own]) => ({ group, size: patientsOf(own) }));
  const told = sizes
    .filter(({ group, size }) => group !== undefined && size >= minimumCount)
    .sort((one, other) => other.size - one.size || (one.group! < other.group! ? -1 : 1));
  const untold = () => patientsOf(cases.filter((one) => !told.some(({ group }) => group === one.group)));
  while (told.length > 0 && untold() > 0 && untold() < minimumCount) told.pop();
  return new Set(told.map(({ group }) => group!));
}

interface Facts {
  readonly manufacturer?: string | undefined;
  readonly kernel?: string | undefined;
  readonly sliceThicknessMm?: number | undefined;
  readonly sex?: string | undefined;
  readonly ageYears?: number | undefined;
}

const keywords = [
  'Manufacturer',
  'ConvolutionKernel',
  'SliceThickness',
  'PatientSex',
  'PatientAge',
  'PatientBirthDate',
  'StudyDate',
] as const satisfies Keyword[];

async function sliceFacts(image: ImageFiles): Promise<Facts> {
  if (image.kind !== 'dicom') return {};
  try {
    const { data } = parsePart10(await readFile(image.slices[0]!));
    const [manufacturer, kernel, thickness, sex, age, birth, study] = keywords.map((each) => data.text(each) ?? '');
    const ageYears = yearsOf(age!) ?? yearsBetween(birth!, study!);
    return { manufacturer, kernel, sliceThicknessMm: thicknessOf(thickness!), sex, ageYears };
  } catch {
    return {};
  }
}

/** More is no slice: a number that somebody has written elsewhere. */
const thicknessMmMax = 50;

function thicknessOf(text: string): number | undefined {
  const millimetres = Number(text);
  return millimetres > 0 && millimetres <= thicknessMmMax ? millimetres : undefined;
}

const noteSchema = z.object({
  manufacturer: z.string().optional().catch(undefined),
  kernel: z.string().optional().catch(undefined),
  sliceThicknessMm: z.number().positive().max(thicknessMmMax).optional().catch(undefined),
  sex: z.string().optional().catch(undefined),
  ageYears: z.number().min(0).max(150).optional().catch(undefined),
});

async function noteFacts(image: ImageFiles): Promise<Facts> {
  for (const place of notesOf(image)) {
    try {
      const stated = noteSchema.parse(JSON.parse(await readFile(place, 'utf8')));
      return Object.fromEntries(Object.entries(stated).filter(([, value]) => value !== undefined));
    } catch {
      // Not there, or not to be read: then it says nothing.
    }
  }
  return {};
}

/** Age String, DICOM PS3.5 section 6.2: `053Y`, `018M`. */
function yearsOf(age: string): number | undefined {
  const [, count, unit] = /^(\d{3})([DWMY])$/.exec(age.trim()) ?? [];
  if (count === undefined) return undefined;
  return Number(count) / { D: 365.25, W: 52.18, M: 12, Y: 1 }[unit as 'D' | 'W' | 'M' | 'Y'];
}

function yearsBetween(birth: string, study: string): number | undefined {
  if (!/^\d{8}$/.test(birth) || !/^\d{8}$/.test(study)) return undefined;
  const had = study.slice(4) >= birth.slice(4) ? 0 : 1;
  const years = Number(study.slice(0, 4)) - Number(birth.slice(0, 4)) - had;
  return years >= 0 && years <= 150 ? years : undefined;
}

const vendors = [
  ['siemens', /siemens/i],
  ['ge', /^ge\b|ge medical|general electric|\bge-like/i],
  ['philips', /philips|marconi|picker/i],
  ['canon', /canon|toshiba/i],
  ['united-imaging', /united imaging|uih/i],
  ['fujifilm', /fuji|hitachi/i],
  ['neusoft', /neusoft/i],
] as const;

function vendorOf(manufacturer: string | undefined): string | undefined {
  if (manufacturer === undefined || manufacturer.trim() === '') return undefined;
  return vendors.find(([, pattern]) => pattern.test(manufacturer))?.[0] ?? 'other';
}

function sexOf(sex: string | undefined): string | undefined {
  const letter = sex?.trim().charAt(0).toLowerCase();
  return ({ f: 'female', m: 'male', o: 'other' } as Readonly<Record<string, string>>)[letter ?? ''];
}

const ageEdgesYears = [18, 40, 50, 60, 70, 80] as const;

/** The last is open: beyond 89 a year of age is an identifier of its own (HIPAA, 45 CFR 164.514). */
function ageBandOf(years: number): string {
  const next = ageEdgesYears.findIndex((edge) => years < edge);
  if (next === 0) return 'under-18';
  return next === -1 ? '80-and-more' : `${ageEdgesYears[next - 1]}-to-${ageEdgesYears[next]! - 1}`;
}
