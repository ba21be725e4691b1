/** Apps: what is taken for one, what a project made from one is, and code of their own. */
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ReadingRoom } from '../reading-room.ts';
import { openReadingDatabase } from '../store/reading-database.ts';
import {
  lead,
  openToyArchive,
  openToyRoom,
  readerA,
  renalProtocol,
  ToyClock,
  ToyDirectory,
} from '../toy-room.fixture.ts';
import { runAppCode } from './app-code.ts';
import { checkApp, readApp } from './app-folder.ts';
import { AppShelf } from './app-shelf.ts';
import { finishedLabel, preparedImage } from './app-steps.ts';
import { postStepSchema } from './model-step.ts';
import { structureNamed } from './named-structure.ts';
import { modelClasses, modelSteps } from './project-apps.ts';

const scratch = mkdtempSync(join(tmpdir(), 'consilium-apps-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

let count = 0;
function folderOf(yaml: string, code?: string): string {
  const folder = join(scratch, `app-${count++}`);
  mkdirSync(folder);
  writeFileSync(join(folder, 'app.yaml'), yaml);
  if (code !== undefined) writeFileSync(join(folder, 'transforms.mjs'), code);
  return folder;
}

const liver = `
name: liver
title: Liver
protocol:
  structures:
    - number: 1
      name: Liver
      colour: "#b04030"
      category: { value: "91723000", scheme: SCT, meaning: Anatomical Structure }
      type: { value: "10200004", scheme: SCT, meaning: Liver }
`;
const codeOf = async (code: string) => (await readApp(folderOf(`${liver}code: transforms.mjs\n`, code))).code!;
const refusal = (work: Promise<unknown>): Promise<readonly [code: string, message: string]> =>
  work.then(
    () => ['done', ''] as const,
    (error: { code: string; message: string }) => [error.code, error.message] as const,
  );

describe('an app', () => {
  it.each(readdirSync(new URL('../../apps', import.meta.url)))('comes with Consilium: %s', async (name) => {
    const { declaration } = await checkApp(new URL(`../../apps/${name}`, import.meta.url).pathname);
    expect(declaration.name).toBe(name);
  });

  it('is named by what it says and does', async () => {
    const digests = await Promise.all([
      readApp(folderOf(liver)),
      readApp(folderOf(`# another comment${liver}`)),
      readApp(folderOf(liver.replace('#b04030', '#b04031'))),
      readApp(folderOf(`${liver}code: transforms.mjs\n`, 'export const a = 1;')),
      readApp(folderOf(`${liver}code: transforms.mjs\n`, 'export const a = 2;')),
    ]);
    const [first, second, ...others] = digests.map(({ digest }) => digest);
    expect(second).toBe(first);
    expect(new Set([first, ...others]).size).toBe(4);
  });

  it.each([
    ['is no YAML', 'name: [', 'not YAML'],
    ['lacks a title', 'name: liver', 'title'],
    ['has a field that there is not', `${liver}colour: red`, 'colour'],
    ['names a structure that it does not draw', `${liver}tools: [{ tool: scribbles, structure: Spleen }]`, 'tools.0'],
    [
      'cleans up what it does not draw',
      `${liver}models: { automatic: { after: [{ do: keep-near, structures: all, of: [Spleen], withinMm: 3 }] } }`,
      'models.automatic.after.0',
    ],
    [
      'maps a class to nothing',
      `${liver}models: { automatic: { classes: { a: Spleen } } }`,
      'models.automatic.classes',
    ],
    ['has its own step but no code', `${liver}models: { automatic: { after: [{ do: own, function: f }] } }`, '"code"'],
    ['clicks without a model', `${liver}tools: [{ tool: click }]`, 'models.interactive'],
    ['reaches out of its folder', `${liver}code: ../transforms.mjs`, '"code"'],
    ['has two structures of one number', `${liver}${liver.slice(liver.indexOf('    - '))}`, 'protocol.structures'],
    ['names code that is not there', `${liver}code: other.mjs`, 'not in the folder'],
  ])('is refused if it %s', async (_, yaml, named) => {
    const [code, message] = await refusal(readApp(folderOf(yaml)));
    expect(code).toBe('reading.app-malformed');
    expect(message).toContain(named);
  });

  it('is refused without its file, and if its code has no such function or cannot be loaded', async () => {
    expect((await refusal(readApp(scratch)))[0]).toBe('reading.app-missing');
    const yaml = `${liver}code: transforms.mjs\ntools: [{ tool: own, function: grow, title: Grow }]`;
    expect((await refusal(checkApp(folderOf(yaml, 'export function shrink() {}'))))[0]).toBe(
      'reading.app-code-missing',
    );
    expect((await refusal(checkApp(folderOf(yaml, 'export function ('))))[0]).toBe('reading.app-code-failed');
    expect((await checkApp(folderOf(yaml, 'export function grow() {}'))).declaration.name).toBe('liver');
  });

  it('takes the place of a shipped one, and one that is broken keeps none from being offered', async () => {
    const troubles: string[] = [];
    const own = folderOf(liver.replace('name: liver', 'name: renal-mass'));
    const folders = [own, folderOf('name: ['), folderOf(liver), folderOf(liver)];
    const shelf = await AppShelf.open(folders, (error) => troubles.push((error as { code: string }).code));
    expect(troubles).toEqual(['reading.app-malformed', 'reading.app-twice']);
    expect(shelf.list().map(({ declaration }) => declaration.name)).toEqual([
      'automatic',
      'click-refined',
      'liver',
      'region-growing',
      'renal-mass',
      'scribbles',
    ]);
    expect(shelf.get('renal-mass').folder).toBe(own);
    expect(() => shelf.get('spleen')).toThrow(expect.objectContaining({ code: 'reading.app-unknown' }));
  });
});

describe('structures by name', () => {
  it('have the codes that DICOM has for them, in any spelling, and are tissue otherwise', () => {
    expect(structureNamed(' Tumor', 2)).toMatchObject({
      ...{ number: 2, name: 'Tumor', category: { value: '49755003' } },
      type: { value: '108369006', scheme: 'SCT', meaning: 'Neoplasm' },
    });
    expect(structureNamed('LIVER', 1).type.value).toBe('10200004');
    for (const name of ['Thingummy', 'constructor']) expect(structureNamed(name, 3).type.value).toBe('85756007');
  });
});

describe('code of an app', () => {
  const label = {
    layers: [Uint8Array.of(0, 1, 1, 0)],
    geometry: { size: [1, 1, 4], spacingMm: [1, 1, 1] },
    structures: [{ number: 1, name: 'Liver', layer: 0 }],
  } as const;
  const own = (name: string) => [postStepSchema.parse({ do: 'own', function: name, options: { by: 1 } })];

  it('changes a label or an image, in its place among the steps', async () => {
    const code = await codeOf(`
      export function shift({ layers, structures }, { by }) {
        return layers.map((voxels) => voxels.map((_, at) => voxels[at - by] ?? 0));
      }
      export async function brighter({ voxels }, { by }) { return voxels.map((hu) => hu + by); }`);
    const largest = postStepSchema.parse({ do: 'keep-largest', structures: ['liver'] });
    expect(await finishedLabel(label, { after: [largest, ...own('shift')], code })).toEqual([
      Uint8Array.of(0, 0, 1, 1),
    ]);
    expect(label.layers[0]).toEqual(Uint8Array.of(0, 1, 1, 0));
    const image = { voxels: Int16Array.of(-2000, 0, 40, 3000), geometry: label.geometry };
    const before = [
      { do: 'clip', low: -1000, high: 1000 },
      { do: 'own', function: 'brighter', options: { by: 5 } },
    ] as const;
    expect(await preparedImage(image, { before, code })).toEqual(Int16Array.of(-995, 5, 45, 1005));
    expect(image.voxels[0]).toBe(-2000);
  });

  it.each([
    ['throws', 'export function f() { throw new Error("secret"); }', 'reading.app-code-failed'],
    ['ends its thread', 'export function f() { process.exit(0); }', 'reading.app-code-failed'],
    ['answers nothing', 'export function f() {}', 'reading.app-code-failed'],
    ['answers another grid', 'export const f = () => [new Uint8Array(3)];', 'reading.app-code-failed'],
    [
      'answers a structure that is not drawn',
      'export const f = () => [Uint8Array.of(9, 9, 9, 9)];',
      'reading.app-code-failed',
    ],
    ['answers what cannot be sent', 'export const f = () => [() => 1];', 'reading.app-code-failed'],
    ['is not there', 'export const g = 1;', 'reading.app-code-missing'],
  ])('is refused where it %s, with nothing of what it said', async (_, text, wanted) => {
    const [code, message] = await refusal(finishedLabel(label, { after: own('f'), code: await codeOf(text) }));
    expect(code).toBe(wanted);
    expect(message).not.toContain('secret');
  });

  it('is ended when its time is up, and not run if it is another than it was', async () => {
    const code = await codeOf('export function f() { for (;;); }');
    expect((await refusal(runAppCode(code, { function: 'f', arguments: [], msMax: 300 })))[0]).toBe(
      'reading.app-code-slow',
    );
    writeFileSync(code.path, 'export function f() { return 1; }');
    expect((await refusal(runAppCode(code, { function: 'f', arguments: [] })))[0]).toBe('reading.app-changed');
    rmSync(code.path);
    expect((await refusal(runAppCode(code, { function: 'f', arguments: [] })))[0]).toBe('reading.app-changed');
  });
});

describe('a project made from an app', () => {
  const directory = new ToyDirectory();
  let room: ReadingRoom;
  let close: () => Promise<void>;

  beforeAll(async () => {
    const yaml = `${liver}models: { automatic: { classes: { LIVER_1: Liver, bowel: null, spleen: null } } }`;
    const clock = new ToyClock();
    const archive = await openToyArchive(directory.path, clock);
    room = await openToyRoom(archive, directory.path, clock, { apps: [folderOf(yaml)] });
    close = async () => {
      await room[Symbol.asyncDispose]();
      await archive[Symbol.asyncDispose]();
    };
  });
  afterAll(async () => {
    await close();
    directory[Symbol.dispose]();
  });

  const create = (project: string, app: string, choices = {}) =>
    room.apps.apply(lead, project, { app, choices, how: 'create' });

  it('has the app’s protocol, and knows the app as it was then', async () => {
    expect(await create('masses', 'renal-mass', { fourEyes: false, title: 'Masses' })).toBe(1);
    const { protocol } = room.projects.protocol('masses');
    expect([protocol.title, protocol.fourEyes, protocol.models.next]).toEqual([
      'Masses',
      false,
      'uncertainty-diversity',
    ]);
    expect(protocol.structures.map(({ name }) => name)).toEqual(['Kidney', 'Tumour', 'Cyst']);
    const app = room.apps.of('masses')!;
    expect([app.digest, app.declaration]).toEqual([
      room.apps.shelf.get('renal-mass').digest,
      room.apps.shelf.get('renal-mass').declaration,
    ]);
    const [event] = room.events(lead, 'masses', { since: 0, limit: 1 });
    expect(event).toMatchObject({ kind: 'protocol', facts: { app: 'renal-mass', appDigest: app.digest } });
    await room.projects.create(lead, 'plain', renalProtocol);
    expect(room.apps.of('plain')).toBeUndefined();
  });

  it('goes over to another version of the app when it is applied again, and its tasks keep theirs', async () => {
    expect(await room.apps.apply(lead, 'masses', { app: 'liver', choices: {}, how: 'revise' })).toBe(2);
    expect(room.apps.of('masses')!.declaration.name).toBe('liver');
    expect(room.projects.protocol('masses', 1).protocol.structures.length).toBe(3);
  });

  it('draws what it is told to where the app leaves that open, and not otherwise', async () => {
    await create('lesions', 'scribbles', { structures: ['Liver', 'Lesion'] });
    expect(room.projects.protocol('lesions').protocol.structures.map(({ type }) => type.value)).toEqual([
      '10200004',
      '52988006',
    ]);
    const refused = async (work: Promise<unknown>) => (await refusal(work))[0];
    expect(await refused(create('more', 'scribbles'))).toBe('reading.app-structure');
    expect(await refused(create('more', 'renal-mass', { structures: ['Liver'] }))).toBe('reading.app-structure');
    expect(await refused(create('more', 'nothing'))).toBe('reading.app-unknown');
    expect(await refused(create('lesions', 'renal-mass'))).toBe('reading.project-exists');
    const asReader = room.apps.apply(readerA, 'more', { app: 'renal-mass', choices: {}, how: 'create' });
    await expect(asReader).rejects.toMatchObject({ code: 'reading.role-wanted' });
  });

  it('tells models which class is which structure, and what is done around them', async () => {
    using database = openReadingDatabase(join(directory.path, 'reading'));
    await create('livers', 'liver');
    const { protocol } = room.projects.protocol('livers');
    const classes = [{ name: 'LIVER_1' }, { name: 'bowel' }, { name: 'stomach' }];
    expect(modelClasses({ database }, 'livers', { classes, protocol })).toEqual({ LIVER_1: 1, bowel: null });
    await create('renal', 'renal-mass');
    expect(modelSteps({ database }, 'renal', 'automatic').after[0]).toEqual({ do: 'inside-body', structures: 'all' });
    expect(modelSteps({ database }, 'renal', 'interactive')).toEqual({ before: [], after: [], code: undefined });
    expect(modelSteps({ database }, 'plain', 'automatic')).toEqual({ before: [], after: [], code: undefined });
  });
});
