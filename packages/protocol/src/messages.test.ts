import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkProtocolVersion, parseCoordinatorMessage, parseSiteMessage } from './messages.ts';
import { ProtocolError } from './protocol-error.ts';

const sha256 = 'ab'.repeat(32);
const base = { taskId: 'federated/1/train/site-1', jobId: 'federated' };
const plan = { version: 1, spacingMm: [3, 2, 2], note: null };

const fromCoordinator: Record<string, unknown>[] = [
  { kind: 'configure', protocolVersion: 1, settings: { anything: ['at all'] } },
  { kind: 'task', task: { ...base, kind: 'fingerprint' } },
  { kind: 'task', task: { ...base, kind: 'prepare', plan } },
  {
    kind: 'task',
    task: {
      ...base,
      kind: 'train',
      round: 1,
      plan,
      model: sha256,
      weights: sha256,
      steps: 5,
      firstStep: 0,
      totalSteps: 50,
      seed: 1,
      proximalMu: 0,
    },
  },
  {
    kind: 'task',
    task: {
      ...base,
      kind: 'evaluate',
      plan,
      model: sha256,
      weights: sha256,
      split: 'test',
      modelName: 'local-site-1',
      pictures: true,
    },
  },
  { kind: 'abort', taskId: base.taskId },
  { kind: 'blob', sha256, bytes: new Uint8Array([1, 2]) },
  { kind: 'blob-missing', sha256 },
  { kind: 'stop' },
];
const counts = { train: 3, validation: 1, test: 2 };
const leftOut = [{ case: 'case-03', code: 'imaging.nifti-truncated', message: 'The file ends early.' }];
const contribution = (value: Record<string, unknown>) => ({
  kind: 'contribution',
  taskId: base.taskId,
  contribution: value,
});
const fromSite: Record<string, unknown>[] = [
  { kind: 'ready', protocolVersion: 1, siteId: 'site-1' },
  { kind: 'refused', failure: { code: 'site.bad-settings', message: 'No.', lasting: true } },
  { kind: 'alive' },
  { kind: 'blob-wanted', sha256 },
  { kind: 'blob', sha256, bytes: new Uint8Array([1, 2]) },
  { kind: 'progress', taskId: base.taskId, progress: { kind: 'step', step: 1, of: 5, loss: 0.7 } },
  { kind: 'progress', taskId: base.taskId, progress: { kind: 'case', done: 1, of: 5 } },
  contribution({ kind: 'fingerprint', fingerprint: { spacings: [1, 2] }, cases: counts, leftOut }),
  contribution({ kind: 'prepare', cases: counts, leftOut }),
  contribution({ kind: 'train', weights: sha256, cases: 3, steps: 5, meanLoss: 0.5 }),
  contribution({
    kind: 'evaluate',
    scores: [{ case: 'site-1.case-03', regions: { tumour: { dice: 0.5, hd95Mm: null } }, pictures: ['a-case-03.png'] }],
    meanDice: 0.5,
    leftOut: [],
  }),
  { kind: 'failure', taskId: base.taskId, failure: { code: 'engine.loss-not-finite', message: 'NaN', lasting: false } },
];

/** Every path to a value inside a message, such as ['task', 'round']. */
function pathsIn(value: unknown, path: string[] = []): string[][] {
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return [path];
  return Object.entries(value).flatMap(([key, inner]) => pathsIn(inner, [...path, key]));
}

function without(message: Record<string, unknown>, path: readonly string[]): unknown {
  const copy = structuredClone(message);
  let place = copy as Record<string, unknown>;
  for (const key of path.slice(0, -1)) place = place[key] as Record<string, unknown>;
  delete place[path.at(-1)!];
  return copy;
}

const opaque = new Set(['plan', 'settings', 'fingerprint', 'regions', 'pictures', 'leftOut']);

describe('messages', () => {
  it.each(fromCoordinator)('of a coordinator survive a structured clone and parse to themselves: %o', (message) => {
    expect(parseCoordinatorMessage(structuredClone(message))).toEqual(message);
  });

  it.each(fromSite)('of a site survive a structured clone and parse to themselves: %o', (message) => {
    expect(parseSiteMessage(structuredClone(message))).toEqual(message);
  });

  it.each([
    ...fromCoordinator.map((message) => [parseCoordinatorMessage, message] as const),
    ...fromSite.map((message) => [parseSiteMessage, message] as const),
  ])('are refused with any one required field missing (%o, %o)', (parse, message) => {
    for (const path of pathsIn(message)) {
      if (path.length === 0 || path.some((key) => opaque.has(key))) continue;
      expect(() => parse(without(message, path)), path.join('.')).toThrow(ProtocolError);
    }
  });

  it('of any other kind or form are refused with a coded error and never anything else', () => {
    fc.assert(
      fc.property(fc.anything(), (junk) => {
        for (const parse of [parseCoordinatorMessage, parseSiteMessage]) {
          try {
            parse(junk);
          } catch (error) {
            expect(error).toMatchObject({ code: 'protocol.malformed-message' });
          }
        }
      }),
    );
  });

  it('that are refused do not have their values repeated in the error', () => {
    const secret = 'DOE^JANE';
    expect(() => parseSiteMessage({ kind: 'ready', protocolVersion: 1, siteId: secret })).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining(secret) }),
    );
  });

  it('carry no case name that could be a path or a patient', () => {
    for (const name of ['/data/case-03', 'Smith', '../case-03', 'case-3x']) {
      const message = contribution({
        kind: 'prepare',
        cases: counts,
        leftOut: [{ case: name, code: 'x', message: '' }],
      });
      expect(() => parseSiteMessage(message), name).toThrow(ProtocolError);
    }
  });

  it('of another protocol version are refused by that name', () => {
    checkProtocolVersion(1);
    expect(() => checkProtocolVersion(2)).toThrow(expect.objectContaining({ code: 'protocol.version-unsupported' }));
  });
});
