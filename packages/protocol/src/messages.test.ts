import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  checkProtocolVersion,
  parseCoordinatorMessage,
  parseHello,
  parseSiteMessage,
  parseVerdict,
} from './messages.ts';
import { ProtocolError } from './protocol-error.ts';

const blob = 'ab'.repeat(32);
const base = { taskId: 'federated/1/train/site-1', jobId: 'federated', attempt: 1 };
const plan = { version: 1, spacingMm: [3, 2, 2], note: null };
const encoding = { numbers: 'int8', onlyChanged: true };

const train = {
  ...base,
  kind: 'train',
  round: 1,
  plan,
  model: blob,
  weights: blob,
  steps: 5,
  firstStep: 0,
  totalSteps: 50,
  seed: 1,
  proximalMu: 0,
  control: blob,
  keepLocal: ['*.norm.*'],
  personalLambda: 0.1,
  reply: encoding,
};
const evaluate = {
  ...base,
  kind: 'evaluate',
  plan,
  model: blob,
  weights: blob,
  split: 'test',
  modelName: 'local-site-1',
  pictures: true,
};
const variables = ['tumour-volume-ml'];
const edges = { 'tumour-volume-ml': [0, 10, 100] };
const statistics = (question: Record<string, unknown>) => ({ ...base, kind: 'statistics', minimumCount: 5, question });

const fromCoordinator: Record<string, unknown>[] = [
  { kind: 'welcome', protocolVersion: 1, coordinatorTime: '2026-11-25T12:00:00.000Z' },
  { kind: 'task', task: { ...base, kind: 'fingerprint' } },
  { kind: 'task', task: { ...base, kind: 'prepare', plan } },
  { kind: 'task', task: train },
  { kind: 'task', task: { ...train, control: null, keepLocal: [], personalLambda: null } },
  { kind: 'task', task: evaluate },
  { kind: 'task', task: statistics({ kind: 'summary', variables, range: 'none' }) },
  { kind: 'task', task: statistics({ kind: 'summary', variables, range: { widenedByMax: 0.2 } }) },
  { kind: 'task', task: statistics({ kind: 'histogram', edges }) },
  { kind: 'abort', taskId: base.taskId },
];
/** With the fields that may be absent. */
const withOptional: Record<string, unknown>[] = [
  { kind: 'task', task: { ...evaluate, keepLocal: ['head.*'], personal: true } },
  { kind: 'task', task: { ...evaluate, traceparent: `00-${'1f'.repeat(16)}-${'2e'.repeat(8)}-01` } },
];
const counts = { train: 3, validation: 1, test: 2 };
const leftOut = [{ case: 'case-03', code: 'imaging.nifti-truncated', message: 'The file ends early.' }];
const contribution = (value: Record<string, unknown>) => ({
  kind: 'contribution',
  taskId: base.taskId,
  attempt: 2,
  contribution: value,
});
const answer = (kind: string, value: unknown) =>
  contribution({ kind: 'statistics', answer: { kind, variables: { 'tumour-volume-ml': value, other: null } } });
const failure = { code: 'engine.loss-not-finite', message: 'NaN', lasting: false };
const fromSite: Record<string, unknown>[] = [
  { kind: 'alive' },
  { kind: 'progress', taskId: base.taskId, progress: { kind: 'step', step: 1, of: 5, loss: 0.7 } },
  { kind: 'progress', taskId: base.taskId, progress: { kind: 'case', done: 1, of: 5 } },
  contribution({ kind: 'fingerprint', fingerprint: { spacings: [1, 2] }, cases: counts, leftOut }),
  contribution({
    ...{ kind: 'fingerprint', fingerprint: {}, cases: counts, leftOut },
    description: {
      ...{ minimumCount: 3, groups: { vendor: { siemens: 4 } } },
      features: [{ name: 'class-1-hu-mean', phase: null, count: 3, sum: 9, squaredDeviations: 2 }],
    },
  }),
  contribution({ kind: 'prepare', cases: counts, leftOut }),
  contribution({ kind: 'train', weights: blob, encoding, controlChange: blob, cases: 3, steps: 5, meanLoss: 0.5 }),
  contribution({ kind: 'train', weights: blob, encoding, controlChange: null, cases: 3, steps: 5, meanLoss: 0.5 }),
  contribution({
    kind: 'evaluate',
    scores: [{ case: 'site-1.case-03', regions: { tumour: { dice: 0.5, hd95Mm: null } }, pictures: ['a-case-03.png'] }],
    meanDice: 0.5,
    leftOut: [],
  }),
  answer('summary', { count: 7, sum: 70, squaredDeviations: 3, range: { min: 1, max: 20 } }),
  answer('summary', { count: 7, sum: 70, squaredDeviations: 3, range: null }),
  answer('histogram', { count: 12, bins: [null, 7, 5, null] }),
  { kind: 'failure', taskId: base.taskId, attempt: 1, failure },
];
/** What a coordinator says of revoked members. */
const revocations = { number: 1, keys: ['ab'.repeat(32)], signature: `${'A'.repeat(86)}==` };
/** With the fields that may be absent. */
const withOptionalFromSite: Record<string, unknown>[] = [
  {
    kind: 'progress',
    taskId: base.taskId,
    progress: { kind: 'step', step: 2, of: 5, loss: 0.7, stepsPerSecond: 1.5, residentBytes: 2 ** 31 },
  },
  contribution({
    ...{ kind: 'evaluate', scores: [], meanDice: null, leftOut: [] },
    reliability: { tumour: Array.from({ length: 10 }, () => ({ voxels: 4, probability: 1.5, reference: 2 })) },
  }),
];
const hello = { kind: 'hello', protocolVersion: 1, holding: [base.taskId] };
const verdicts: Record<string, unknown>[] = [
  { kind: 'accepted' },
  { kind: 'refused', code: 'federation.weights-not-finite', message: 'No.' },
  { kind: 'closed' },
  { kind: 'not-asked' },
  { kind: 'blobs-wanted', blobs: [blob] },
];
/** Every message and the function that reads it. */
const messages = [
  [parseCoordinatorMessage, { kind: 'revocations', revocations }] as const,
  ...fromCoordinator.map((message) => [parseCoordinatorMessage, message] as const),
  ...fromSite.map((message) => [parseSiteMessage, message] as const),
  ...verdicts.map((message) => [parseVerdict, message] as const),
  [parseHello, hello] as const,
];

/** Every path to a value inside a message, such as ['task', 'round']. */
function pathsIn(value: unknown, path: string[] = []): string[][] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [path];
  return Object.entries(value).flatMap(([key, inner]) => pathsIn(inner, [...path, key]));
}

function without(message: Record<string, unknown>, path: readonly string[]): unknown {
  const copy = structuredClone(message);
  let place = copy as Record<string, unknown>;
  for (const key of path.slice(0, -1)) place = place[key] as Record<string, unknown>;
  delete place[path.at(-1)!];
  return copy;
}

/** What may be missing, or holds what may be. */
const opaque = new Set(['plan', 'fingerprint', 'description', 'tumour-volume-ml', 'other']);

describe('messages', () => {
  it.each([
    ...messages,
    ...withOptional.map((message) => [parseCoordinatorMessage, message] as const),
    ...withOptionalFromSite.map((message) => [parseSiteMessage, message] as const),
    [
      parseCoordinatorMessage,
      { kind: 'welcome', protocolVersion: 1, coordinatorTime: '2026-01-01T00:00:00Z', revocations },
    ] as const,
    [
      parseSiteMessage,
      {
        kind: 'failure',
        taskId: base.taskId,
        attempt: 1,
        failure: { ...failure, worthRetrying: true, stack: ['train (train.ts:3)'] },
      },
    ] as const,
  ])('survive the journey as JSON and parse to themselves (%o, %o)', (parse, message) => {
    expect(parse(JSON.parse(JSON.stringify(message)))).toEqual(message);
  });

  it.each(messages)('are refused with any one required field missing (%o, %o)', (parse, message) => {
    for (const path of pathsIn(message)) {
      if (path.length === 0 || path.some((key) => opaque.has(key))) continue;
      expect(() => parse(without(message, path)), path.join('.')).toThrow(ProtocolError);
    }
  });

  it('a task may come with short manifests of what it names, not with long ones', () => {
    const manifestOf = (count: number) => ({ bytes: count * 8 * 2 ** 20, chunks: Array<string>(count).fill(blob) });
    const message = { kind: 'task', task: train, manifests: [manifestOf(64)] };
    expect(parseCoordinatorMessage(message)).toEqual(message);
    expect(() => parseCoordinatorMessage({ ...message, manifests: [manifestOf(65)] })).toThrow(ProtocolError);
  });

  it('of any other kind or form are refused with a coded error and never anything else', () => {
    fc.assert(
      fc.property(fc.anything(), (junk) => {
        for (const parse of [parseCoordinatorMessage, parseSiteMessage, parseHello, parseVerdict]) {
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
    expect(() => parseSiteMessage({ kind: 'failure', taskId: base.taskId, attempt: 1, failure: secret })).toThrow(
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

  it('carry no statistics that cannot be meant', () => {
    const ask = (question: Record<string, unknown>) => () =>
      parseCoordinatorMessage({ kind: 'task', task: statistics(question) });
    expect(ask({ kind: 'histogram', edges: { v: [1, 1] } })).toThrow(ProtocolError);
    expect(ask({ kind: 'histogram', edges: { v: [1] } })).toThrow(ProtocolError);
    expect(ask({ kind: 'summary', variables: ['/etc/passwd'], range: 'none' })).toThrow(ProtocolError);
    expect(ask({ kind: 'summary', variables, range: 'exact' })).toThrow(ProtocolError);
  });

  it('of another protocol version are refused by that name', () => {
    checkProtocolVersion(1);
    expect(() => checkProtocolVersion(2)).toThrow(expect.objectContaining({ code: 'protocol.version-unsupported' }));
  });
});
