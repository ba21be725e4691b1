/** An app to begin with: a folder that is one already, and says in its comments what else can be said. */
import { ReadingError } from '../reading-error.ts';
import { appFile } from './app-folder.ts';
import { appName } from './app-schema.ts';
import { structureNamed } from './named-structure.ts';

const codeFile = 'transforms.mjs';

/**
 * @param structures names of what is drawn, at least one.
 * @returns text by file name.
 * @throws ReadingError `reading.app-malformed` for a name that an app cannot have
 */
export function newApp({ name, structures }: { name: string; structures: readonly string[] }): Map<string, string> {
  const { error } = appName.safeParse(name);
  if (error !== undefined) {
    throw new ReadingError('reading.app-malformed', `The name of an app ${error.issues[0]!.message}.`);
  }
  return new Map([
    [appFile, declarationText(name, structures)],
    [codeFile, codeText],
  ]);
}

// Strings in JSON's notation are YAML.
const quoted = (text: string) => JSON.stringify(text);
const codeOf = ({ meaning, scheme, value }: { value: string; scheme: string; meaning: string }) =>
  `{ value: ${quoted(value)}, scheme: ${scheme}, meaning: ${quoted(meaning)} }`;

function declarationText(name: string, structures: readonly string[]): string {
  const title = name.replaceAll('-', ' ').replace(/^./, (letter) => letter.toUpperCase());
  const drawn = structures.map((structure, at) => {
    const { category, colour, number, type, ...named } = structureNamed(structure, at + 1);
    return `    - number: ${number}
      name: ${quoted(named.name)}
      colour: ${quoted(colour)}
      category: ${codeOf(category)}
      type: ${codeOf(type)}`;
  });
  return `# All that can be said here: docs/guides/annotation-app.md
name: ${name}
title: ${quoted(title)}

protocol:
  # Structures of one layer exclude each other; give those that may overlap another "layer". Check the codes.
  structures:
${drawn.join('\n')}
  form: []
  models: { next: oldest }        # or random, uncertainty, uncertainty-diversity, disagreement

tools:
  - { tool: brush }
  - { tool: interpolation }
  - { tool: threshold, structure: ${quoted(structures[0]!.trim())}, low: 0, high: 200 }
  - { tool: scribbles }
  - { tool: region-growing }

models:
  automatic:
    classes: {}                   # where a model's classes are named otherwise: { its_name: ${structures[0]!.trim()} }
    before: []
    after:
      - { do: remove-islands, structures: all, belowMm3: 10 }
      # - { do: own, function: example }

code: ${codeFile}
`;
}

const codeText = `/** The app's own steps and tools: functions that app.yaml names. They never change what they are given. */

/**
 * A step after a model.
 * @param label { layers: Uint8Array[] of structures' numbers [z, y, x], geometry: { size, spacingMm }, structures, image: HU }
 * @returns layers of the same sizes.
 */
export function example({ layers }) {
  return layers;
}
`;
