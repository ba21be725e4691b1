/** What is asked and answered about apps and their tools. */
import { z } from 'zod';
import { appName, toolSchema } from '../apps/app-schema.ts';
import { namedStructureSchema } from '../apps/named-structure.ts';
import { protocolSchema } from './protocol-schema.ts';

const digest = z.string().describe('SHA-256 of what the app says and of its code.');

export const appAnswer = z.object({ digest, app: z.json().describe('The declaration: `app.yaml` as it was read.') });
export const appListAnswer = z
  .array(z.object({ name: z.string(), title: z.string(), description: z.string(), digest }))
  .readonly();

const fromAppSchema = z.strictObject({
  app: appName,
  title: z.string().trim().min(1).max(200).exactOptional(),
  fourEyes: z.boolean().exactOptional(),
  structures: z
    .array(namedStructureSchema)
    .min(1)
    .max(100)
    .exactOptional()
    .describe('Of an app that draws whatever it is told to: whole, or by name.'),
});
/** A protocol, or an app that has one. */
export const protocolBody = z.union([fromAppSchema, protocolSchema]);

const voxels = z
  .array(z.tuple([z.int().min(0), z.int().min(0), z.int().min(0)]))
  .max(100_000)
  .describe('[z, y, x] of the case.');
export const toolBody = z.object({
  tool: toolSchema.describe('With its settings; as the app has it, or otherwise. An own tool has to be the app’s.'),
  inside: voxels.min(1).describe('Voxels of the structure: clicks or scribbles.'),
  outside: voxels.default([]),
});
export const toolAnswer = z.object({
  first: z.tuple([z.number(), z.number(), z.number()]).readonly().describe('[z, y, x], inside.'),
  last: z.tuple([z.number(), z.number(), z.number()]).readonly(),
  runs: z.base64().describe('Of the box in order z, y, x: 1 where the tool finds the structure; see run-length.ts.'),
});
