/**
 * What drawing costs, by hand and with a model's help: minutes a case, edits, what became of proposals. From the measures that
 * reading rooms export (`GET .../measures`, JSON), each of a site. Readers and cases are pseudonyms of the site's own.
 */
import { createRandom, type Random } from '@consilium/numerics';
import { z } from 'zod';
import { drawResamples, type Estimate, estimate } from '../bootstrap.ts';
import { cohensDz, rankBiserial } from '../statistics/effect-size.ts';
import { type TestResult, wilcoxonTest } from '../statistics/paired-test.ts';
import { StudyError } from '../study-error.ts';

const measuresSchema = z.object({
  readings: z.array(
    z.object({
      caseId: z.string(),
      reader: z.string(),
      phase: z.enum(['manual', 'assisted']),
      activeMinutes: z.number().min(0),
      structures: z.array(
        z.object({
          number: z.int(),
          activeMinutes: z.number().min(0),
          editedVoxels: z.int().min(0),
          fate: z.enum(['accepted', 'edited', 'redrawn', 'absent']),
          proposalDice: z.number().min(0).max(1).optional(),
        }),
      ),
    }),
  ),
});
export type Measures = z.infer<typeof measuresSchema>;

/** @throws StudyError `study.input-malformed` */
export function parseMeasures(value: unknown): Measures {
  const parsed = measuresSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const { message, path } = parsed.error.issues[0]!;
  throw new StudyError('study.input-malformed', `the measures of a reading room: ${path.join('.')}: ${message}`);
}

const phases = ['manual', 'assisted'] as const;
type Phase = (typeof phases)[number];

export interface LabelEffort {
  /** Active minutes a reading, mean over cases. */
  readonly minutes: Readonly<Record<Phase, Estimate>>;
  /** Voxels changed a reading. */
  readonly editedVoxels: Readonly<Record<Phase, Estimate>>;
  readonly readers: Readonly<Record<Phase, number>>;
  /** Cases that were read in both phases: assisted less manual. null: there are none. */
  readonly paired: {
    readonly cases: number;
    readonly minutes: Estimate;
    readonly wilcoxon: TestResult;
    readonly rankBiserial: number;
    readonly cohensDz: number;
  } | null;
  /** Of the structures that a model had proposed. */
  readonly proposals: {
    readonly accepted: number;
    readonly edited: number;
    readonly redrawn: number;
    /** Of the proposal with what was handed in, mean over cases. */
    readonly dice: Estimate;
  };
}

interface CaseEffort {
  readonly siteId: string;
  readonly patient: string;
  readonly minutes: number;
  readonly editedVoxels: number;
}

/** @param measures by site */
export function labelEffort(measures: Readonly<Record<string, Measures>>, seed = 1): LabelEffort {
  const random = createRandom(seed, 'label effort');
  const siteIds = Object.keys(measures).sort();
  const readings = siteIds.flatMap((siteId) => measures[siteId]!.readings.map((reading) => ({ siteId, ...reading })));
  const [manual, assisted] = phases.map((phase) => effortsOf(readings.filter((reading) => reading.phase === phase)));
  const each = <T>(of: (efforts: readonly CaseEffort[], phase: Phase) => T) => ({
    manual: of(manual!, 'manual'),
    assisted: of(assisted!, 'assisted'),
  });
  const structures = readings.flatMap((reading) =>
    reading.structures.map((one) => ({ ...one, siteId: reading.siteId, patient: reading.caseId })),
  );
  const proposed = structures.filter(({ proposalDice }) => proposalDice !== undefined);
  const fates = (fate: string) => structures.filter((one) => one.fate === fate).length;
  return {
    minutes: each((efforts, phase) => meanOf(efforts, ({ minutes }) => minutes, random.fork('minutes', phase))),
    editedVoxels: each((efforts, phase) =>
      meanOf(efforts, ({ editedVoxels }) => editedVoxels, random.fork('edits', phase)),
    ),
    readers: each(
      (_, phase) =>
        new Set(readings.filter((one) => one.phase === phase).map(({ reader, siteId }) => `${siteId} ${reader}`)).size,
    ),
    paired: pairedOf(manual!, assisted!, random.fork('paired')),
    proposals: {
      ...{ accepted: fates('accepted'), edited: fates('edited'), redrawn: fates('redrawn') },
      dice: meanOf(proposed, ({ proposalDice }) => proposalDice!, random.fork('proposals')),
    },
  };
}

type Reading = Measures['readings'][number] & { readonly siteId: string };

/** One a case: the mean over its readers. */
function effortsOf(readings: readonly Reading[]): CaseEffort[] {
  const cases = [...Map.groupBy(readings, ({ caseId, siteId }) => JSON.stringify([siteId, caseId]))];
  return cases
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([, own]) => {
      const mean = (of: (reading: Reading) => number) => own.reduce((sum, each) => sum + of(each), 0) / own.length;
      return {
        siteId: own[0]!.siteId,
        patient: own[0]!.caseId,
        minutes: mean(({ activeMinutes }) => activeMinutes),
        editedVoxels: mean(({ structures }) => structures.reduce((sum, { editedVoxels }) => sum + editedVoxels, 0)),
      };
    });
}

function pairedOf(
  manual: readonly CaseEffort[],
  assisted: readonly CaseEffort[],
  random: Random,
): LabelEffort['paired'] {
  const pairs = assisted.flatMap((one) => {
    const other = manual.find(({ patient, siteId }) => siteId === one.siteId && patient === one.patient);
    return other === undefined ? [] : [{ ...one, minutes: one.minutes - other.minutes }];
  });
  if (pairs.length === 0) return null;
  const differences = pairs.map(({ minutes }) => minutes);
  return {
    cases: pairs.length,
    minutes: meanOf(pairs, ({ minutes }) => minutes, random),
    wilcoxon: wilcoxonTest(differences),
    rankBiserial: rankBiserial(differences),
    cohensDz: cohensDz(differences),
  };
}

function meanOf<T extends { readonly siteId: string; readonly patient: string }>(
  items: readonly T[],
  value: (item: T) => number,
  random: Random,
): Estimate {
  return estimate(Float64Array.from(items, value), drawResamples(items, random, 4000));
}
