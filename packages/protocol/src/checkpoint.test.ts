import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseCheckpointAnswer, parseCheckpointOffer } from './checkpoint.ts';

const head = {
  ...{ log: 'ab'.repeat(32), size: 7, root: 'cd'.repeat(32), time: '2026-01-01T00:00:00.000Z' },
  signature: Buffer.alloc(64, 1).toString('base64'),
};
const publicKey = Buffer.alloc(44, 2).toString('base64');
const path = [Buffer.alloc(32, 3).toString('base64')];
const offer = { kind: 'checkpoint', publicKey, head, path, from: 3, holds: 0 };
const answers = [
  { kind: 'checkpoint', publicKey, head, path: [], kept: null },
  { kind: 'checkpoint', publicKey, head, path, kept: head },
  { kind: 'path-wanted', from: 12 },
];
const malformed = { code: 'protocol.malformed-message' };

describe('checkpoints', () => {
  it('pass as they are', () => {
    expect(parseCheckpointOffer(JSON.parse(JSON.stringify(offer)))).toEqual(offer);
    for (const answer of answers) expect(parseCheckpointAnswer(JSON.parse(JSON.stringify(answer)))).toEqual(answer);
  });

  it('have no room for anything else: no field, no length, no size', () => {
    const wrong = [
      { ...offer, note: 'Müller' },
      { ...offer, path: Array(65).fill(path[0]) },
      { ...offer, path: ['short'] },
      { ...offer, from: -1 },
      { ...offer, holds: 2 ** 31 },
      { ...offer, head: { ...head, size: 0 } },
      { ...offer, head: { ...head, root: 'CD'.repeat(32) } },
      { ...offer, head: { ...head, more: 1 } },
      { ...offer, publicKey: `${publicKey}AAAA` },
    ];
    for (const one of wrong) expect(() => parseCheckpointOffer(one)).toThrow(expect.objectContaining(malformed));
    for (const key of Object.keys(offer)) {
      expect(() => parseCheckpointOffer({ ...offer, [key]: undefined })).toThrow(expect.objectContaining(malformed));
    }
  });

  it('are refused by their code, whatever they are', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        for (const parse of [parseCheckpointOffer, parseCheckpointAnswer]) {
          expect(() => parse(value)).toThrow(expect.objectContaining(malformed));
        }
      }),
    );
  });
});
