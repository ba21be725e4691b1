/** Transfer syntaxes as DICOMweb names them: what a frame's media type is, and what can be given out in place of what. */

export const explicitLittleEndian = '1.2.840.10008.1.2.1';

/** Not compressed, or as a whole (deflated): the elements can be written anew. */
const plain: ReadonlySet<string> = new Set([
  '1.2.840.10008.1.2',
  explicitLittleEndian,
  '1.2.840.10008.1.2.1.99',
  '1.2.840.10008.1.2.2',
]);

/** PS3.18 table 8.7.3-5. */
const frameTypes: Readonly<Record<string, string>> = {
  '4.50': 'image/jpeg',
  '4.51': 'image/jpeg',
  '4.57': 'image/jpeg',
  '4.70': 'image/jpeg',
  '4.80': 'image/jls',
  '4.81': 'image/jls',
  '4.90': 'image/jp2',
  '4.91': 'image/jp2',
  '4.92': 'image/jpx',
  '4.93': 'image/jpx',
  '4.110': 'image/jxl',
  '4.111': 'image/jxl',
  '4.112': 'image/jxl',
  '4.201': 'image/jphc',
  '4.202': 'image/jphc',
  '4.203': 'image/jphc',
  '5': 'image/dicom-rle',
};

export function isPlain(uid: string): boolean {
  return plain.has(uid);
}

/** Of a frame as it is stored. */
export function frameTypeOf(uid: string): string {
  return frameTypes[uid.replace('1.2.840.10008.1.2.', '')] ?? 'application/octet-stream';
}

/** Those that are decoded where a client wants pixels as they are. */
export function isDecoded(uid: string): boolean {
  return plain.has(uid) || /^1\.2\.840\.10008\.1\.2\.(?:4\.(?:5[0-7]|70|8[01]|9[01]|20[1-3])|5|8\.1)$/.test(uid);
}
