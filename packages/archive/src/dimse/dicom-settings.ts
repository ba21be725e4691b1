/** Sections `dicom` and `remotes` of an archive's settings: who may send to us, and from whom we fetch. */
import { isIP, isIPv4 } from 'node:net';
import { z } from 'zod';

/** PS3.5 table 6.2-1: at most 16 characters, no backslash and no control character; spaces at the ends mean nothing. */
const aeTitle = z
  .string()
  .regex(/^(?! )[ -[\]-~]{1,16}(?<! )$/, 'must be 1 to 16 printable characters, without a backslash or spaces around');
const uid = z.string().regex(/^(?=.{1,64}$)(?:0|[1-9]\d*)(?:\.(?:0|[1-9]\d*))+$/, 'must be a UID');
const port = z.int().min(1).max(65535);
const addresses = z.array(z.string().refine(isAddressOrNetwork, 'must be an IP address, or a network as 10.1.0.0/16'));
const path = z.string().min(1);

const tlsClient = z.strictObject({
  /** File of the authority whose certificates are believed; default: those the machine believes. */
  authority: path.optional(),
  /** Files of our own certificate and its key, where the other side wants one. */
  certificate: path.optional(),
  key: path.optional(),
  serverName: z.string().min(1).optional(),
});

export const dicomSettingsSchema = z.strictObject({
  /** The name by which others call us. */
  aeTitle: aeTitle.default('CONSILIUM'),
  host: z.string().min(1).default('0.0.0.0'),
  /** 11112 is the registered port that needs no privileges; 2762 the one for TLS. */
  port: z.int().min(0).max(65535).default(11112),
  tls: z
    .strictObject({
      certificate: path,
      key: path,
      /** File of the authority of our senders' certificates: without one, nobody is let in. */
      clientAuthority: path.optional(),
    })
    .optional(),
  /** Who may send. Nobody else is let in. */
  peers: z.array(z.strictObject({ name: z.string().min(1), aeTitle, addresses: addresses.min(1) })).default([]),
  associationsMax: z.int().min(1).max(1000).default(32),
  /** A sender that is silent for longer is let go. */
  idleSeconds: z.number().positive().default(60),
  instanceMegabytesMax: z.number().positive().max(4000).default(2000),
  /** Of memory, for instances that are on their way in; one larger instance is let through alone. */
  receivedMegabytesMax: z.number().positive().default(512),
  storage: z
    .strictObject({
      /** Storage classes that the standard has retired, as old archives hold. */
      retired: z.boolean().default(true),
      /** UIDs of manufacturers' own storage classes. */
      private: z.array(uid).default([]),
    })
    .prefault({}),
});
export type DicomSettings = z.infer<typeof dicomSettingsSchema>;

const remoteName = z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'must be of a-z, 0-9 and "-"');

export const remotesSettingsSchema = z
  .array(
    z.discriminatedUnion('kind', [
      z.strictObject({
        kind: z.literal('dimse'),
        name: remoteName,
        aeTitle,
        host: z.string().min(1),
        port,
        tls: tlsClient.optional(),
        /** By `move` it opens associations to us, and must be among the peers; by `get` it need not. */
        retrieve: z.enum(['move', 'get']).default('move'),
        /** A PACS that has to fetch from tape may be silent for long. */
        idleSeconds: z.number().positive().default(300),
      }),
      z.strictObject({
        kind: z.literal('dicomweb'),
        name: remoteName,
        /** As https://pacs.example.org/dicom-web */
        url: z.url({ protocol: /^https?$/ }),
        /** File of the authority whose certificates are believed. */
        authority: path.optional(),
        /** One of a bearer token, or a user with a password; both as files, so that settings hold no secret. */
        tokenFile: path.optional(),
        user: z.string().min(1).optional(),
        passwordFile: path.optional(),
        idleSeconds: z.number().positive().default(300),
        /** Whether approved labels of the reading room are sent there, under the patients' own names. */
        receivesLabels: z.boolean().default(false),
      }),
    ]),
  )
  .refine((remotes) => new Set(remotes.map(({ name }) => name)).size === remotes.length, 'must have different names')
  .default([]);
export type RemotesSettings = z.infer<typeof remotesSettingsSchema>;

function isAddressOrNetwork(text: string): boolean {
  const [address, prefix, more] = text.split('/') as [string, string?, string?];
  if (more !== undefined || isIP(address) === 0) return false;
  return prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= (isIPv4(address) ? 32 : 128));
}
