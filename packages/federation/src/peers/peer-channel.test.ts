import { createHash } from 'node:crypto';
import type { Introduction, JobId, SiteId } from '@consilium/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { boxOverheadBytes, PeerChannel } from './peer-channel.ts';
import { PeerKey } from './peer-key.ts';
import { checkRoster, type PeerContext } from './peer-roster.ts';

const context: PeerContext = { project: 'kidney', jobId: 'job-1' as JobId, purpose: 'overlap' };
const [a, b, c] = ['a', 'b', 'c'] as SiteId[] as [SiteId, SiteId, SiteId];

/** Certificates have no part in a box: the test of the transport package has real ones. */
function channelsOf(sites: readonly SiteId[], of: PeerContext = context, salt = ''): Map<SiteId, PeerChannel> {
  const keys = new Map(
    sites.map((siteId) => [
      siteId,
      new PeerKey(
        createHash('sha256')
          .update(salt + siteId)
          .digest(),
      ),
    ]),
  );
  const roster: Introduction[] = [...keys].map(([siteId, { publicKey }]) => ({
    siteId,
    publicKey: Buffer.from(publicKey).toString('base64'),
    certificate: siteId,
    signature: '',
  }));
  return new Map(
    [...keys].map(([siteId, key]) => {
      const checked = checkRoster(roster, {
        context: of,
        self: { siteId, publicKey: key.publicKey },
        verifier: { proven: ({ certificate }) => ({ siteId: certificate, keyFingerprint: '' }) },
        minimumSites: 2,
      });
      return [siteId, new PeerChannel(checked, key)];
    }),
  );
}

const channels = channelsOf([a, b, c]);
const unreadable = expect.objectContaining({ code: 'federation.box-unreadable' });
const text = (value: string) => new TextEncoder().encode(value);

describe('a channel between sites', () => {
  it('brings whatever one says to the other, and says it in the same bytes each time', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 2000 }), fc.string(), (bytes, step) => {
        const box = channels.get(a)!.seal(bytes, { to: b, step });
        expect(box.length).toBe(bytes.length + boxOverheadBytes);
        expect(channels.get(b)!.open(box, { from: a, step })).toEqual(bytes);
        expect(channels.get(a)!.seal(bytes, { to: b, step })).toEqual(box);
      }),
      { numRuns: 50 },
    );
  });

  it('uses no nonce twice for different things', () => {
    const nonces = Array.from({ length: 200 }, (_, index) =>
      Buffer.from(
        channels
          .get(a)!
          .seal(text(String(index)), { to: b, step: '1' })
          .subarray(0, 12),
      ).toString('hex'),
    );
    expect(new Set(nonces).size).toBe(nonces.length);
  });

  it('refuses a box that was altered in any byte, shortened at any byte, or made longer', () => {
    const box = channels.get(a)!.seal(text('nine bytes'), { to: b, step: '1' });
    const open = (received: Uint8Array) => () => channels.get(b)!.open(received, { from: a, step: '1' });
    expect(open(box)).not.toThrow();
    for (let index = 0; index < box.length; index++) {
      expect(open(box.with(index, box[index]! ^ 1))).toThrow(unreadable);
      expect(open(box.subarray(0, index))).toThrow(unreadable);
    }
    expect(open(Uint8Array.of(...box, 0))).toThrow(unreadable);
  });

  it('refuses a box of another step, sender, receiver, job or purpose', () => {
    const box = channels.get(a)!.seal(text('once'), { to: b, step: '1' });
    const others: (() => unknown)[] = [
      () => channels.get(b)!.open(box, { from: a, step: '2' }),
      () => channels.get(b)!.open(box, { from: c, step: '1' }),
      () => channels.get(c)!.open(box, { from: a, step: '1' }),
      () => channels.get(a)!.open(box, { from: b, step: '1' }), // given back to whom it came from
      ...[
        { ...context, jobId: 'job-2' as JobId },
        { ...context, purpose: 'secure-aggregation' as const },
        { ...context, project: 'liver' },
      ].map((of) => () => channelsOf([a, b, c], of).get(b)!.open(box, { from: a, step: '1' })),
    ];
    for (const open of others) expect(open).toThrow(unreadable);
  });

  it('does not open between sites that were shown different others', () => {
    const box = channels.get(a)!.seal(text('to three'), { to: b, step: '1' });
    const two = channelsOf([a, b]);
    expect(() => two.get(b)!.open(box, { from: a, step: '1' })).toThrow(unreadable);
  });

  it('knows nobody who takes no part', () => {
    const unknown = expect.objectContaining({ code: 'federation.peer-unknown' });
    for (const to of ['d', a] as SiteId[]) {
      expect(() => channels.get(a)!.seal(text(''), { to, step: '1' })).toThrow(unknown);
      expect(() => channels.get(a)!.open(new Uint8Array(99), { from: to, step: '1' })).toThrow(unknown);
    }
  });
});
