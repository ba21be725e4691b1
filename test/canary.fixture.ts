/**
 * A patient who must not be heard of outside: what there is to find of him, in whatever form it might leave, and files in
 * which he lies.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { constants, inflateRawSync, inflateSync, zstdDecompressSync } from 'node:zlib';
import {
  axisAligned,
  type Image,
  readDicomSeries,
  renalSegments,
  writeDicomSegmentation,
  writeDicomSeries,
} from '@consilium/imaging';
import { createRandom } from '@consilium/numerics';

const family = 'Zitronenfalter';
const given = 'Adalbert';
const idPrefix = 'QX7-ZITRON';
const uidRoot = '1.2.276.99.4712';
const birthDate = '19470311';
const studyDate = '20251119';
/** HU of voxels side by side, as no other image has them. */
const pixels = Int16Array.from({ length: 16 }, (_, at) => createRandom(1, 'canary', at).integer(-900, 1200));
const size = [16, 24, 24] as const;

// Files ----------------------------------------------------------------------------------------------------------------

/** Studies of the patient and of siblings, one a directory named after each, as DICOM with a segmentation. */
export async function writeCanaries(
  directory: string,
  { site, count }: { site: number; count: number },
): Promise<void> {
  for (let index = 0; index < count; index++) {
    const place = join(directory, `${family}_${given}_${birthDate}_${index}`);
    mkdirSync(place, { recursive: true });
    const { slices, segmentation } = await studyOf(site, index);
    slices.forEach((bytes, z) => {
      writeFileSync(join(place, `${z}.dcm`), bytes);
    });
    writeFileSync(join(place, 'seg.dcm'), segmentation);
  }
}

async function studyOf(site: number, index: number) {
  const { image, labels } = imagesOf(site, index);
  const uid = `${uidRoot}.${site}.${index}`;
  const slices = writeDicomSeries(image, {
    seriesInstanceUid: `${uid}.2`,
    frameOfReferenceUid: `${uid}.3`,
    seriesDescription: `${family} portal venous`,
    // The first is at both sites.
    patient: {
      id: index === 0 ? `${idPrefix}-0` : `${idPrefix}-${site}-${index}`,
      name: `${family}^${given}${'I'.repeat(index)}`,
      birthDate,
      sex: 'M',
    },
    study: {
      ...{ instanceUid: `${uid}.1`, id: '1', date: studyDate, time: '030405' },
      ...{ accessionNumber: `${idPrefix}ACC`, referringPhysician: `${family}^Doc`, description: `CT for ${family}` },
    },
    acquisition: {
      ...{ manufacturer: 'SIEMENS', model: 'Toy', kvp: 120, kernel: 'B30f', sliceThicknessMm: 5 },
      ...{ contrastAgent: undefined, comments: undefined },
    },
  });
  const segmentation = await writeDicomSegmentation(
    labels,
    renalSegments({ algorithmType: 'MANUAL' }),
    (await readDicomSeries(slices)).series,
    {
      ...{ seriesInstanceUid: `${uid}.4`, sopInstanceUid: `${uid}.5` },
      ...{ contentDate: studyDate, contentTime: '120000' },
    },
  );
  return { slices, segmentation };
}

/** A kidney of 150 HU with a tumour of 80 HU, in fat, and the row of pixels in each slice. */
function imagesOf(site: number, index: number) {
  const random = createRandom(2, site, index);
  const geometry = axisAligned({ size, spacingMm: [5, 5, 5], originMm: [0, 0, 0] });
  const voxels = new Int16Array(size[0] * size[1] * size[2]);
  const label = new Uint8Array(voxels.length);
  const tumourX = random.integer(9, 15);
  for (let at = 0; at < voxels.length; at++) {
    const [z, y, x] = [Math.floor(at / 576), Math.floor(at / 24) % 24, at % 24];
    const isKidney = (z - 8) ** 2 + (y - 12) ** 2 + (x - 12) ** 2 < 49;
    label[at] = (z - 8) ** 2 + (y - 12) ** 2 + (x - tumourX) ** 2 < 10 ? 2 : isKidney ? 1 : 0;
    voxels[at] = [-100, 150, 80][label[at]!]! + Math.round(12 * random.normal());
  }
  for (let z = 0; z < size[0]; z++) voxels.set(pixels, z * 576 + 2 * 24);
  return { image: { geometry, voxels } satisfies Image, labels: { geometry, voxels: label } };
}

// What there is to find --------------------------------------------------------------------------------------------------

const texts = [family, given, idPrefix, uidRoot];
const [year, month, day] = [birthDate.slice(0, 4), birthDate.slice(4, 6), birthDate.slice(6)];
/** As written in one country or another, and backwards. */
const dates = [
  ...[birthDate, `${day}${month}${year}`, `${month}${day}${year}`, studyDate].flatMap((date) => [
    date,
    backwards(date),
  ]),
  ...['-', '.', '/'].flatMap((dot) => [[year, month, day].join(dot), [day, month, year].join(dot)]),
];
const stored = pixels.map((value) => value + 1024);
const runs: readonly Uint8Array[] = [
  ...[pixels, stored].flatMap((values) => [bytesOf(values), swapped(values)]),
  bytesOf(Float32Array.from(pixels)),
];
/** What is searched for in lower case, and what to the byte; each with its name. */
const words = new Map(
  texts
    .flatMap((text) => [text, backwards(text)])
    .flatMap((text) =>
      ['utf8', 'utf16le'].flatMap((encoding) => {
        const bytes = Buffer.from(text, encoding as BufferEncoding);
        return [
          [bytes.toString('latin1').toLowerCase(), `${text} as ${encoding}`] as const,
          [bytes.toString('hex'), `${text} as hex of ${encoding}`] as const,
        ];
      }),
    ),
);
const exact = new Map([
  ...texts.flatMap((text) => inBase64(Buffer.from(text)).map((part) => [part, `${text} in base64`] as const)),
  ...dates.flatMap((date) => inBase64(Buffer.from(date)).map((part) => [part, `${date} in base64`] as const)),
  ...runs.flatMap((run) => [
    [Buffer.from(run.subarray(0, 16)).toString('latin1'), 'the pixels'] as const,
    ...inBase64(run.subarray(0, 24)).map((part) => [part, 'the pixels in base64'] as const),
  ]),
]);
const inHex = new Map(runs.map((run) => [Buffer.from(run.subarray(0, 16)).toString('hex'), 'the pixels in hex']));

/** What of the patient is in these bytes, also within what is compressed or in base64 in them. */
export function sightings(bytes: Uint8Array, depth = 2): readonly string[] {
  const text = Buffer.from(bytes).toString('latin1');
  const small = text.toLowerCase();
  const found = new Set<string>();
  for (const [word, name] of [...words, ...inHex]) if (small.includes(word)) found.add(name);
  for (const [part, name] of exact) if (text.includes(part)) found.add(name);
  for (const date of dates) {
    // Digits are everywhere: alone they have to stand.
    if (new RegExp(`(?<![0-9]|[0-9]\\.)${date.replaceAll('.', '\\.')}(?![0-9])`).test(text)) found.add(date);
    for (const [encoding, written] of [
      ['utf16le', Buffer.from(date, 'utf16le').toString('latin1')],
      ['hex', Buffer.from(date).toString('hex')],
    ] as const) {
      if (small.includes(written)) found.add(`${date} as ${encoding}`);
    }
  }
  if (depth > 0)
    for (const inner of within(bytes, text)) for (const each of sightings(inner, depth - 1)) found.add(each);
  return [...found];
}

const unpackers = [
  // Not gunzip: it minds what comes after.
  { magic: [0x1f, 0x8b, 0x08], unpack: inflateRawSync, header: 10 },
  ...[0x01, 0x5e, 0x9c, 0xda].map((level) => ({ magic: [0x78, level], unpack: inflateSync, header: 0 })),
] as const;

function* within(bytes: Uint8Array, text: string): Generator<Uint8Array> {
  const buffer = Buffer.from(bytes);
  for (const { header, magic, unpack } of unpackers) {
    for (let at = buffer.indexOf(Buffer.from(magic)); at >= 0; at = buffer.indexOf(Buffer.from(magic), at + 1)) {
      const part = attempt(() =>
        unpack(buffer.subarray(at + header), { finishFlush: constants.Z_SYNC_FLUSH, maxOutputLength: 2 ** 26 }),
      );
      if (part !== null && part.length > 0) yield part;
    }
  }
  const zstd = Buffer.from([0x28, 0xb5, 0x2f, 0xfd]);
  for (let at = buffer.indexOf(zstd); at >= 0; at = buffer.indexOf(zstd, at + 1)) {
    const part = attempt(() => zstdDecompressSync(buffer.subarray(at)));
    if (part !== null) yield part;
  }
  const unescaped = text.replace(/\\u([0-9a-fA-F]{4})/g, (_, code) => String.fromCharCode(Number.parseInt(code, 16)));
  if (unescaped !== text) yield Buffer.from(unescaped, 'latin1');
  for (const [run] of text.matchAll(/[A-Za-z0-9+/_-]{24,}/g)) yield Buffer.from(run, 'base64');
}

function attempt(unpack: () => Uint8Array): Uint8Array | null {
  try {
    return unpack();
  } catch {
    return null;
  }
}

/** The three ways in which a text can lie in base64, without the ends that its neighbours decide. */
function inBase64(bytes: Uint8Array): readonly string[] {
  return [0, 1, 2].map((before) => {
    const whole = Buffer.concat([Buffer.alloc(before), bytes])
      .toString('base64')
      .replace(/=+$/, '');
    return whole.slice(before === 0 ? 0 : before + 1, whole.length - 1);
  });
}

function backwards(text: string): string {
  return [...text].reverse().join('');
}

function bytesOf(values: Int16Array | Float32Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

function swapped(values: Int16Array): Uint8Array {
  return Buffer.from(bytesOf(values)).swap16();
}

/** The same, in each form in which it might leave. */
export const planted: readonly (readonly [form: string, bytes: Uint8Array])[] = [
  ['a name', Buffer.from(`cannot read /data/${family}/1.dcm`)],
  ['a name in capitals', Buffer.from(family.toUpperCase())],
  ['a name as UTF-16', Buffer.from(family, 'utf16le')],
  ['a name in base64', Buffer.from(Buffer.from(`x ${family} y`).toString('base64'))],
  ['a name in hex', Buffer.from(Buffer.from(family).toString('hex'))],
  ['a name backwards', Buffer.from(backwards(family))],
  ['an id', Buffer.from(`{"case":"${idPrefix}-1"}`)],
  ['a UID', Buffer.from(`${uidRoot}.1.2`)],
  ['a date', Buffer.from(`born ${birthDate}.`)],
  ['a date, turned round', Buffer.from(`${day}.${month}.${year}`)],
  ['a date, backwards', Buffer.from(backwards(birthDate))],
  ['pixels', bytesOf(pixels)],
  ['pixels as they are stored', bytesOf(stored)],
  ['pixels, big-endian', swapped(pixels)],
  ['pixels as floats', bytesOf(Float32Array.from(pixels))],
  ['pixels in base64', Buffer.from(Buffer.from(bytesOf(pixels)).toString('base64'))],
];
