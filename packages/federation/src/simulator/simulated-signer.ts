/** Certificates and signatures of simulated sites: whoever knows the project's secret signs for all, and nobody else can. */
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { SiteId } from '@consilium/protocol';
import type { SiteSigner } from '../secure-sum/site-session.ts';

const projectSecret = 'the secret of the simulated project';

export function simulatedSigner(siteId: SiteId): SiteSigner {
  const signed = (by: string, statement: Uint8Array) =>
    new Uint8Array(createHmac('sha512', `${projectSecret} ${by}`).update(statement).digest());
  return {
    siteId,
    project: 'simulated',
    certificate: siteId,
    sign: (statement) => signed(siteId, statement),
    proven: ({ certificate, statement, signature }) => {
      const right = signed(certificate, statement);
      const isRight = right.length === signature.length && timingSafeEqual(right, signature);
      return isRight ? { siteId: certificate, keyFingerprint: certificate } : null;
    },
  };
}
