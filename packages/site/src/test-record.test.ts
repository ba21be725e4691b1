import type { BlobId, EvaluateContribution, ModelName, Pseudonym } from '@consilium/protocol';
import { describe, expect, it } from 'vitest';
import { TestRecord } from './test-record.ts';
import { ToyDirectory } from './toy-hospital.fixture.ts';

const name = 'federated' as ModelName;
const weights = 'ab'.repeat(32) as BlobId;
const answer: EvaluateContribution = {
  kind: 'evaluate',
  scores: [{ case: 'case-01' as Pseudonym, regions: { tumour: { dice: 0.5, hd95Mm: null } }, pictures: [] }],
  meanDice: 0.5,
  leftOut: [],
};

describe('the record of the test', () => {
  it('gives the same weights the same answer, also after a restart', async () => {
    using directory = new ToyDirectory();
    expect(await new TestRecord(directory.path).recall(name, weights)).toBeUndefined();
    await new TestRecord(directory.path).keep(name, weights, answer);
    expect(await new TestRecord(directory.path).recall(name, weights)).toEqual(answer);
    expect(await new TestRecord(directory.path).recall('pooled' as ModelName, weights)).toBeUndefined();
  });

  it('refuses other weights under the same name', async () => {
    using directory = new ToyDirectory();
    const record = new TestRecord(directory.path);
    await record.keep(name, weights, answer);
    await expect(record.recall(name, 'cd'.repeat(32) as BlobId)).rejects.toMatchObject({
      code: 'site.test-set-already-used',
      lasting: true,
    });
  });
});
