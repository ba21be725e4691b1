/**
 * A reading protocol: what is drawn, how, by whom, and how it is checked. Its versions never change; a task keeps the one it
 * was made with.
 */
import { z } from 'zod';

const text = (max: number) => z.string().trim().min(1).max(max);

/** A code of SNOMED CT (`SCT`), DICOM (`DCM`) or another scheme of PS3.16 table 8-1. */
const codeSchema = z.object({ value: text(64), scheme: text(16), meaning: text(64) });

export const structureSchema = z.object({
  /** In the voxels, 1 to 255. */
  number: z.int().min(1).max(255),
  name: text(64),
  /** Segmented Property Category and Type, PS3.16 CID 7150 and 7151. */
  category: codeSchema,
  type: codeSchema,
  /** Anatomic Region, where the type does not say it. */
  region: codeSchema.exactOptional(),
  colour: z.string().regex(/^#[0-9a-f]{6}$/, 'must be as #e0a030'),
  /** Structures of one layer exclude each other; those of different layers may overlap. */
  layer: z.int().min(0).max(7).default(0),
  instructions: z.string().max(10_000).default(''),
});

const timeOfDay = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'must be as 20:00');

/** What models do in the project. */
const modelsSchema = z.object({
  /** In which order cases are offered that are equally urgent. */
  next: z.enum(['oldest', 'random', 'uncertainty', 'uncertainty-diversity', 'disagreement']).default('oldest'),
  /** When proposals are made that need not be there at once, by the archive's local time. */
  night: z.object({ from: timeOfDay, to: timeOfDay }).default({ from: '20:00', to: '06:00' }),
  gate: z
    .object({
      /** Of the mean difference in Dice to the champion, the lower end of the 95 % interval must be above it. */
      lowMin: z.number().min(-1).max(1).default(-0.01),
      /** By so much the mean Dice of a structure may fall. */
      worseMax: z.number().min(0).max(1).default(0.02),
    })
    .prefault({}),
});

const choice = z.object({ value: text(64), label: text(200) });
const fieldBase = {
  name: z.string().regex(/^[a-z][a-zA-Z0-9]{0,40}$/),
  label: text(200),
  required: z.boolean().default(false),
};
const formFieldSchema = z.discriminatedUnion('kind', [
  z.object({ ...fieldBase, kind: z.literal('text'), charactersMax: z.int().min(1).max(10_000).default(1000) }),
  z.object({
    ...fieldBase,
    kind: z.literal('number'),
    min: z.number().exactOptional(),
    max: z.number().exactOptional(),
  }),
  z.object({ ...fieldBase, kind: z.literal('choice'), choices: z.array(choice).min(1).max(100) }),
  z.object({ ...fieldBase, kind: z.literal('choices'), choices: z.array(choice).min(1).max(100) }),
  z.object({ ...fieldBase, kind: z.literal('yes-no') }),
]);

export const protocolSchema = z
  .object({
    title: text(200),
    instructions: z.string().max(100_000).default(''),
    structures: z.array(structureSchema).min(1).max(100),
    /** What readers answer besides drawing. */
    form: z.array(formFieldSchema).max(100).default([]),
    /** How the annotator lays out a case; it knows what the fields mean. */
    hanging: z.record(z.string().max(100), z.json()).default({}),
    /** A gap between two marks that is longer counts as idle. */
    idleSeconds: z.int().min(5).max(3600).default(60),
    /** Without a sign of life for so long, a task is free for others. */
    leaseSeconds: z.int().min(15).max(86_400).default(120),
    /** Whether a reading must be approved by another person than its reader. */
    fourEyes: z.boolean().default(true),
    agreement: z
      .object({
        /** Below it for any structure, a case goes to an adjudicator. */
        diceMin: z.number().min(0).max(1).default(0.8),
        toleranceMm: z.number().min(0).max(100).default(2),
        consensus: z.enum(['staple', 'majority']).default('staple'),
      })
      .prefault({}),
    models: modelsSchema.prefault({}),
    /** Content Creator's Name in what is handed over: `pseudonym` is the same for one reader, and says nothing of who it is. */
    creator: z.enum(['pseudonym', 'none']).default('pseudonym'),
  })
  .check(({ value, issues }) => {
    const repeated = (values: readonly (string | number)[]) => new Set(values).size < values.length;
    const refuse = (path: string, message: string) =>
      issues.push({ code: 'custom', message, path: [path], input: value });
    if (repeated(value.structures.map(({ number }) => number))) refuse('structures', 'two have the same number');
    if (repeated(value.structures.map(({ name }) => name.toLowerCase())))
      refuse('structures', 'two have the same name');
    if (repeated(value.form.map(({ name }) => name))) refuse('form', 'two fields have the same name');
  });

export type Protocol = z.output<typeof protocolSchema>;
export type ProtocolInput = z.input<typeof protocolSchema>;
export type Structure = Protocol['structures'][number];
export type FormAnswers = Readonly<Record<string, string | number | boolean | readonly string[]>>;

/** How many layers its labels have. */
export function layersOf({ structures }: Protocol): number {
  return structures.reduce((most, { layer }) => Math.max(most, layer), 0) + 1;
}

/** What is wrong with the answers to a form, by field; empty if nothing. */
export function formFaults({ form }: Protocol, answers: FormAnswers): readonly { field: string; message: string }[] {
  const faults: { field: string; message: string }[] = [];
  const known = new Set(form.map(({ name }) => name));
  for (const field of Object.keys(answers)) if (!known.has(field)) faults.push({ field: '', message: 'is no field' });
  for (const field of form) {
    const answer = answers[field.name];
    const isEmpty = answer === undefined || answer === '' || (Array.isArray(answer) && answer.length === 0);
    if (isEmpty) {
      if (field.required) faults.push({ field: field.name, message: 'is required' });
    } else if (!fits(field, answer)) {
      faults.push({ field: field.name, message: 'has an answer that it does not allow' });
    }
  }
  return faults;
}

function fits(field: Protocol['form'][number], answer: FormAnswers[string]): boolean {
  switch (field.kind) {
    case 'text':
      return typeof answer === 'string' && answer.length <= field.charactersMax;
    case 'number':
      return (
        typeof answer === 'number' &&
        Number.isFinite(answer) &&
        answer >= (field.min ?? -Infinity) &&
        answer <= (field.max ?? Infinity)
      );
    case 'choice':
      return field.choices.some(({ value }) => value === answer);
    case 'choices':
      return Array.isArray(answer) && answer.every((one) => field.choices.some(({ value }) => value === one));
    case 'yes-no':
      return typeof answer === 'boolean';
  }
}
