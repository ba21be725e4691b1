import { createHash } from 'node:crypto';
import type { SiteId, Split } from '@consilium/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { commonPart } from './common-part.ts';
import { fillerPoint, Mask, pointBytes, pointOf } from './masked-identifier.ts';
import { laterPart, OverlapExchange } from './overlap-exchange.ts';

const [a, b] = ['a', 'b'] as SiteId[] as [SiteId, SiteId];
const secretOf = (name: string) => new Uint8Array(createHash('sha256').update(name).digest());
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
const malformed = expect.objectContaining({ code: 'federation.points-malformed' });

describe('identifiers as points', () => {
  it('are those of RFC 9380, appendix J.1.1', () => {
    const suite = 'QUUX-V01-CS02-with-P256_XMD:SHA-256_SSWU_RO_';
    for (const [text, x] of [
      ['', '2c15230b26dbc6fc9a37051158c95b79656e17a1a920b11394ca91c44247d3e4'],
      ['abc', '0bb8b87485551aa43ed54f009230450b492fead5f1cc91658775dac4a3388a0f'],
      ['abcdef0123456789', '65038ac8f2b1def042a5df0b33b1f4eca6bff7cb0f9c6c1526811864e544ed80'],
      [`q128_${'q'.repeat(128)}`, '4be61ee205094282ba8a2042bcb48d88dfbb609301c49aa8b078533dc65a0b5d'],
      [`a512_${'a'.repeat(512)}`, '457ae2981f70ca85d8e24c308b14db22f3e3862c5ea0f652ca38b5e49cd64bc5'],
    ] as const) {
      expect(hex(pointOf(text, suite))).toBe(x);
    }
  });

  it('take masks in any order, and differ under one mask if they differ', () => {
    const [one, other] = [new Mask(secretOf('one')), new Mask(secretOf('other'))];
    fc.assert(
      fc.property(fc.string(), fc.string(), (text, another) => {
        const point = pointOf(text);
        expect(one.put(other.put(point))).toEqual(other.put(one.put(point)));
        expect(one.put(point)).not.toEqual(point);
        expect(hex(one.put(pointOf(another))) === hex(one.put(point))).toBe(text === another);
      }),
      { numRuns: 30 },
    );
  });

  it('are hidden among points that are nobody’s, which take masks as well', () => {
    const mask = new Mask(secretOf('one'));
    const fillers = Array.from({ length: 50 }, (_, number) => hex(fillerPoint(secretOf('one'), number)));
    expect(new Set(fillers).size).toBe(50);
    for (const filler of fillers) expect(() => mask.put(Buffer.from(filler, 'hex'))).not.toThrow();
  });

  it('are refused where they are no points of the curve', () => {
    const mask = new Mask(secretOf('one'));
    const offCurve = new Uint8Array(pointBytes).fill(255);
    for (const junk of [offCurve, new Uint8Array(0), new Uint8Array(31).fill(5), new Uint8Array(33).fill(5)]) {
      expect(() => mask.put(junk)).toThrow(malformed);
    }
  });
});

const capacity = 16;
const person = fc.constantFrom(...Array.from({ length: 24 }, (_, index) => `p${index}`));
const part = fc.constantFrom<Split>('train', 'validation', 'test');
const hospital = fc.dictionary(person, part, { maxKeys: 10 });

/** Both ends of an exchange between two hospitals; what they have sent each other. */
function compare(sets: Readonly<Record<string, Readonly<Record<string, Split>>>>) {
  const [one, other] = Object.keys(sets) as [SiteId, SiteId];
  const ends = [one, other].map((siteId) => {
    const persons = Object.keys(sets[siteId]!);
    const exchange = new OverlapExchange({ secret: secretOf(siteId), siteId, capacity });
    const list = exchange.masked(persons);
    const partAt = list.order.map((index) => (index < 0 ? null : sets[siteId]![persons[index]!]!));
    return { siteId, persons, exchange, list, partAt };
  });
  const [left, right] = ends as [(typeof ends)[0], (typeof ends)[0]];
  const pairs = [
    [left, right],
    [right, left],
  ] as const;
  const returned = pairs.map(([own, peer]) => peer.exchange.returned(own.list.bytes));
  const labelled = pairs.map(([own, peer], index) =>
    own.exchange.labelled({ own: returned[index]!, theirs: peer.list.bytes }, { to: peer.siteId, partAt: own.partAt }),
  );
  const found = pairs.map(([own, peer], index) => {
    const places = own.exchange.found(returned[index]!, { from: peer.siteId, labelled: labelled[1 - index]! });
    return Object.fromEntries([...places].map(([place, at]) => [own.persons[own.list.order[place]!], at]));
  });
  return { found, sent: [left.list.bytes, right.list.bytes, ...returned, ...labelled] };
}

describe('two sites that compare their patients', () => {
  it('each find whom they share, with the part at the other, and nobody else', () => {
    fc.assert(
      fc.property(hospital, hospital, (ofA, ofB) => {
        const { found } = compare({ [a]: ofA, [b]: ofB });
        const shared = Object.keys(ofA).filter((each) => Object.hasOwn(ofB, each));
        expect(found[0]).toEqual(Object.fromEntries(shared.map((each) => [each, ofB[each]])));
        expect(found[1]).toEqual(Object.fromEntries(shared.map((each) => [each, ofA[each]])));
      }),
      { numRuns: 25 },
    );
  });

  it('say things of the same size whatever they hold, and the same when they say it again', () => {
    const nobody = compare({ [a]: {}, [b]: {} });
    const all = Object.fromEntries(Array.from({ length: capacity }, (_, index) => [`p${index}`, 'test' as const]));
    const same = compare({ [a]: all, [b]: all });
    expect(same.sent.map(({ length }) => length)).toEqual(nobody.sent.map(({ length }) => length));
    expect(compare({ [a]: all, [b]: all }).sent).toEqual(same.sent);
  });

  it('tell one who returns points of its own choice no part of anybody', () => {
    const exchange = new OverlapExchange({ secret: secretOf('a'), siteId: a, capacity });
    const { order } = exchange.masked(['p1', 'p2', 'p3']);
    const partAt = order.map((index) => (index < 0 ? null : ('test' as const)));
    const mallory = new OverlapExchange({ secret: secretOf('mallory'), siteId: b, capacity });
    const theirs = mallory.masked(['p9']).bytes;
    const known = new Uint8Array(
      Buffer.concat(Array.from({ length: capacity }, (_, index) => pointOf(`known ${index}`))),
    );
    const told = exchange.labelled({ own: known, theirs }, { to: b, partAt });
    expect(mallory.found(known, { from: a, labelled: told }).size).toBe(0);
  });

  it('refuse lists of another length, and points that are none', () => {
    const exchange = new OverlapExchange({ secret: secretOf('a'), siteId: a, capacity });
    const list = exchange.masked(['p1']).bytes;
    for (const wrong of [list.subarray(1), new Uint8Array(0), list.with(0, 255).fill(255, 0, 32)]) {
      expect(() => exchange.returned(wrong)).toThrow(malformed);
    }
    expect(() => exchange.found(list, { from: b, labelled: list })).toThrow(malformed);
  });
});

describe('the part of a patient who is nowhere yet', () => {
  it('is the same for all who know the patient and each other, in about the shares that sites draw', () => {
    const roster = { digest: 'ab'.repeat(32) };
    const drawn = Array.from({ length: 4000 }, (_, index) => commonPart(roster, `p${index}`));
    const share = (of: Split) => drawn.filter((each) => each === of).length / drawn.length;
    expect(share('test')).toBeCloseTo(0.25, 1);
    expect(share('validation')).toBeCloseTo(0.15, 1);
    expect(commonPart({ digest: 'ab'.repeat(32) }, 'p1')).toBe(drawn[1]);
    const others = drawn.filter((each, index) => each !== commonPart({ digest: 'cd'.repeat(32) }, `p${index}`));
    expect(others.length).toBeGreaterThan(1000);
  });

  it('gives way to a test anywhere', () => {
    expect(laterPart('train', 'test')).toBe('test');
    expect(laterPart('test', 'validation')).toBe('test');
    expect(laterPart('validation', 'train')).toBe('validation');
  });
});
