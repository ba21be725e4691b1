/** SOP classes and transfer syntaxes on the network (PS3.4 B.5, PS3.6 table A-1). */

export const verificationClass = '1.2.840.10008.1.1';

export const queryClasses = {
  patient: {
    find: '1.2.840.10008.5.1.4.1.2.1.1',
    move: '1.2.840.10008.5.1.4.1.2.1.2',
    get: '1.2.840.10008.5.1.4.1.2.1.3',
  },
  study: {
    find: '1.2.840.10008.5.1.4.1.2.2.1',
    move: '1.2.840.10008.5.1.4.1.2.2.2',
    get: '1.2.840.10008.5.1.4.1.2.2.3',
  },
} as const;

/** Which storage classes are taken besides the standard's present ones. */
export interface StoragePolicy {
  /** Those that the standard has retired; old archives are full of them. */
  readonly retired: boolean;
  /** UIDs of manufacturers' own classes. */
  readonly private: readonly string[];
}

/** Whether it is a class of instances that we store. Classes the standard will add are let in by their number. */
export function isStorageClass(uid: string, policy: StoragePolicy): boolean {
  if (retiredStorageClasses.has(uid)) return policy.retired;
  if (uid.startsWith('1.2.840.10008.5.1.4.1.1.201.')) return uid === '1.2.840.10008.5.1.4.1.1.201.1';
  return uid.startsWith('1.2.840.10008.5.1.4.1.1.') || furtherStorageClasses.has(uid) || policy.private.includes(uid);
}

const furtherStorageClasses: ReadonlySet<string> = new Set([
  '1.2.840.10008.5.1.4.34.7',
  '1.2.840.10008.5.1.4.34.10',
  '1.2.840.10008.5.1.4.38.1',
  '1.2.840.10008.5.1.4.39.1',
  '1.2.840.10008.5.1.4.43.1',
  '1.2.840.10008.5.1.4.44.1',
  '1.2.840.10008.5.1.4.45.1',
]);

const retiredStorageClasses: ReadonlySet<string> = new Set(
  ['3', '5', '6', '8', '9', '10', '11', '12.3', '77.1', '77.2', '88.1', '88.2', '88.3', '88.4'].map(
    (suffix) => `1.2.840.10008.5.1.4.1.1.${suffix}`,
  ),
);

/**
 * What a C-GET offers to take where the other side does not tell the classes of what it has: an association has room for
 * 128 contexts only.
 */
export const frequentStorageClasses: readonly string[] = [
  ...[
    '1',
    '1.1',
    '1.1.1',
    '1.2',
    '1.2.1',
    '1.3',
    '2',
    '2.1',
    '2.2',
    '3.1',
    '4',
    '4.1',
    '4.2',
    '4.3',
    '4.4',
    '6.1',
    '6.2',
  ],
  ...[
    '7',
    '7.1',
    '7.2',
    '7.3',
    '7.4',
    '11.1',
    '11.2',
    '12.1',
    '12.1.1',
    '12.2',
    '12.2.1',
    '13.1.1',
    '13.1.2',
    '13.1.3',
  ],
  ...['20', '30', '66', '66.1', '66.2', '66.3', '66.4', '66.5', '66.7', '67', '77.1.1', '77.1.2', '77.1.3', '77.1.4'],
  ...[
    '77.1.5.1',
    '77.1.5.4',
    '77.1.6',
    '88.11',
    '88.22',
    '88.33',
    '88.34',
    '88.35',
    '88.50',
    '88.59',
    '88.65',
    '88.67',
  ],
  ...['104.1', '128', '128.1', '130', '481.1', '481.2', '481.3', '481.4', '481.5', '481.8', '3', '6', '5'],
].map((suffix) => `1.2.840.10008.5.1.4.1.1.${suffix}`);

export const implicitLittleEndian = '1.2.840.10008.1.2';
export const explicitLittleEndian = '1.2.840.10008.1.2.1';

/** Pixels may come in any of these: they are kept as they came. */
export const transferSyntaxes: readonly string[] = [
  explicitLittleEndian,
  ...[
    '4.201',
    '4.202',
    '4.203',
    '4.80',
    '4.81',
    '4.90',
    '4.91',
    '4.92',
    '4.93',
    '4.70',
    '4.57',
    '4.50',
    '4.51',
    '4.53',
  ],
  ...['4.55', '5', '1.99', '2', '8.1', '4.100', '4.101', '4.102', '4.103', '4.104', '4.105', '4.106', '4.107', '4.108'],
  ...['4.110', '4.111', '4.112'],
]
  .map((uid) => (uid.startsWith('1.2.840') ? uid : `1.2.840.10008.1.2.${uid}`))
  .concat(implicitLittleEndian);
