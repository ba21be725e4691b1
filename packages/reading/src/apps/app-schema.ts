/**
 * An annotation app: what is drawn, with which tools and models, and how cases are ordered and models judged, as one small
 * file, `app.yaml`. Structures, form, order and rules are those of a reading protocol.
 */
import { z } from 'zod';
import { protocolSchema, structureSchema } from '../contract/protocol-schema.ts';
import { postStepSchema, preStepSchema } from './model-step.ts';

const text = (max: number) => z.string().trim().min(1).max(max);
export const appName = z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'must be of a-z, 0-9 and "-"');
const structure = text(64);
const functionName = z.string().regex(/^[A-Za-z_]\w{0,63}$/, 'must be the name of a function');

/** Tools that the annotator offers, with what they begin with. Without a structure, for whichever is drawn. */
export const toolSchema = z.discriminatedUnion('tool', [
  z.strictObject({
    tool: z.enum(['brush', 'scissors', 'fill', 'islands', 'margin', 'logic', 'smooth', 'interpolation']),
  }),
  z.strictObject({
    ...{ tool: z.literal('threshold'), structure: structure.exactOptional() },
    /** HU, both inside. */
    ...{ low: z.number(), high: z.number() },
  }),
  z.strictObject({
    ...{ tool: z.literal('region-growing'), structure: structure.exactOptional() },
    /** Standard deviations to each side of the mean. */
    multiplier: z.number().positive().max(20).default(2.5),
    iterations: z.int().min(0).max(20).default(4),
    radius: z.int().min(0).max(5).default(1),
    marginMm: z.number().min(0).max(500).default(60),
  }),
  z.strictObject({
    ...{ tool: z.literal('scribbles'), structure: structure.exactOptional() },
    smoothness: z.number().min(0).max(100).default(4),
    /** Around the scribbles, the part of the image that is cut. */
    marginMm: z.number().min(0).max(500).default(30),
  }),
  /** Clicks that the interactive model answers. */
  z.strictObject({ tool: z.literal('click'), structure: structure.exactOptional() }),
  /** A function of the app's own code. */
  z.strictObject({
    ...{ tool: z.literal('own'), function: functionName, title: text(100), structure: structure.exactOptional() },
    options: z.record(text(64), z.json()).default({}),
    marginMm: z.number().min(0).max(500).default(30),
  }),
]);

/** What is done to the image before a model sees it, besides what the model's plan says. */
const before = z.array(preStepSchema).max(20).default([]);

const automaticSchema = z.strictObject({
  before,
  /** Structure by the model's class, where their names are not alike; null for a class that is not drawn. */
  classes: z.record(text(64), structure.nullable()).default({}),
  /** What is done to the model's label before a reader sees it. */
  after: z.array(postStepSchema).max(20).default([]),
});

const declarationSchema = z.strictObject({
  name: appName,
  /** Shown to people, and the title of projects made from it. */
  title: text(200),
  description: z.string().max(10_000).default(''),
  protocol: z
    .strictObject(protocolSchema.shape)
    .omit({ title: true })
    // Without any, they are given when a project is made: an app for whatever is to be drawn.
    .extend({ structures: z.array(structureSchema).max(100).default([]) })
    .prefault({}),
  tools: z
    .array(toolSchema)
    .max(50)
    .default([{ tool: 'brush' }]),
  models: z
    .strictObject({
      automatic: automaticSchema.exactOptional(),
      /** Its answers are taken as they are: they change a part of what a reader draws. */
      interactive: z.strictObject({ before }).exactOptional(),
    })
    .default({}),
  /** A module in the app's folder whose functions `own` steps and tools name. */
  code: z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]*\.mjs$/, 'must be the name of an .mjs file in the folder')
    .exactOptional(),
});

export type AppDeclaration = z.output<typeof declarationSchema>;
export type AppTool = z.output<typeof toolSchema>;

/** Where a structure is named that is not there. */
function danglingName({ models: { automatic }, protocol, tools }: AppDeclaration): string | undefined {
  const drawn = new Set(protocol.structures.map(({ name }) => name.toLowerCase()));
  const named: [path: string, name: string][] = [];
  for (const [at, tool] of tools.entries()) {
    if ('structure' in tool && tool.structure !== undefined) named.push([`tools.${at}.structure`, tool.structure]);
  }
  for (const name of Object.values(automatic?.classes ?? {})) {
    if (name !== null) named.push(['models.automatic.classes', name]);
  }
  for (const [at, step] of (automatic?.after ?? []).entries()) {
    const names = step.do === 'own' ? [] : [step.structures, 'of' in step ? step.of : []].flat();
    for (const name of names) if (name !== 'all') named.push([`models.automatic.after.${at}`, name]);
  }
  return named.find(([, name]) => !drawn.has(name.trim().toLowerCase()))?.[0];
}

/** Functions of the app's own code that its steps and tools name. */
export function ownFunctions({ models: { automatic, interactive }, tools }: AppDeclaration): readonly string[] {
  const steps = [...(automatic?.before ?? []), ...(automatic?.after ?? []), ...(interactive?.before ?? [])];
  return [
    ...tools.flatMap((tool) => (tool.tool === 'own' ? [tool.function] : [])),
    ...steps.flatMap((step) => (step.do === 'own' ? [step.function] : [])),
  ];
}

/** With what a schema of one field cannot hold. */
export const appSchema = declarationSchema.check(({ issues, value }) => {
  const refuse = (path: string, message: string) =>
    issues.push({ code: 'custom', message, path: path.split('.'), input: value });
  const { structures } = value.protocol;
  const protocol = protocolSchema.safeParse({ ...value.protocol, title: value.title });
  if (structures.length > 0)
    for (const { message, path } of protocol.error?.issues ?? []) refuse(['protocol', ...path].join('.'), message);
  const dangling = danglingName(value);
  if (dangling !== undefined) refuse(dangling, 'names a structure that the protocol does not draw');
  if (value.code === undefined && ownFunctions(value).length > 0)
    refuse('code', 'is missing: a step or tool is its own');
  if (value.tools.some(({ tool }) => tool === 'click') && value.models.interactive === undefined) {
    refuse('models.interactive', 'is missing: the click tool asks it');
  }
});
