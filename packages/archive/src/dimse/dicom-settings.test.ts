import { describe, expect, it } from 'vitest';
import { dicomwebSettingsSchema } from '../dicomweb/dicomweb-settings.ts';
import { dicomSettingsSchema, remotesSettingsSchema } from './dicom-settings.ts';

const peer = { name: 'Scanner 1', aeTitle: 'CT1', addresses: ['10.1.2.3', '10.2.0.0/16', 'fd00::/8'] };

describe('the settings of the network', () => {
  it('let nobody in unless they say so', () => {
    expect(dicomSettingsSchema.parse({})).toMatchObject({ aeTitle: 'CONSILIUM', port: 11112, peers: [] });
    expect(dicomwebSettingsSchema.parse({})).toMatchObject({ clients: [], corsOrigins: [] });
    expect(remotesSettingsSchema.parse(undefined)).toEqual([]);
    expect(dicomSettingsSchema.parse({ peers: [peer] }).peers).toEqual([peer]);
  });

  it.each([
    { peers: [{ ...peer, addresses: [] }] },
    { peers: [{ ...peer, addresses: ['10.1.2.3/33'] }] },
    { peers: [{ ...peer, addresses: ['scanner.example.org'] }] },
    { peers: [{ ...peer, aeTitle: 'LONGER THAN SIXTEEN' }] },
    { aeTitle: 'A\\B' },
    { aeTitle: ' SPACED ' },
    { port: 70_000 },
    { storage: { private: ['1.2.x'] } },
    { unknown: 1 },
  ])('refuse %j', (received) => {
    expect(dicomSettingsSchema.safeParse(received).success).toBe(false);
  });

  it('name remote archives differently, and hold no secret', () => {
    const dimse = { kind: 'dimse', name: 'pacs', aeTitle: 'PACS', host: 'pacs.example.org', port: 104 } as const;
    const web = {
      kind: 'dicomweb',
      name: 'vna',
      url: 'https://vna.example.org/dicom-web',
      tokenFile: 'vna.token',
    } as const;
    expect(remotesSettingsSchema.parse([dimse, web])).toMatchObject([{ retrieve: 'move' }, { name: 'vna' }]);
    expect(remotesSettingsSchema.safeParse([dimse, { ...web, name: 'pacs' }]).success).toBe(false);
    expect(remotesSettingsSchema.safeParse([{ ...web, url: 'ftp://vna' }]).success).toBe(false);
    expect(remotesSettingsSchema.safeParse([{ ...web, token: 'secret' }]).success).toBe(false);
  });
});
