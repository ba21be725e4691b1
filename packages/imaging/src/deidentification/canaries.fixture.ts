/**
 * Identity planted in a DICOM file wherever there is room for it, and the search for what is left of it. Every canary is
 * a made-up word that tells where it was planted.
 */
import { encodeDataset } from '../dicom/data-writer.ts';
import { type DataElement, Dataset } from '../dicom/dataset.ts';
import { dictionary, isPrivate, type Keyword, plainVr } from '../dicom/dictionary.ts';
import { type DicomRecord, datasetOf } from '../dicom/encode.ts';
import { type DicomFile, formatPart10 } from '../dicom/part10.ts';

/** The patient of every planted file: also found where technical text names them. */
const owner = {
  PatientName: 'Quastelhuber^Ottokar',
  PatientID: 'PX77120943',
  PatientBirthDate: '19561203',
  AccessionNumber: 'ACZQ4711XL',
  PatientAddress: 'Hinterzartenweg 17, 69115 Schlumpfhausen',
  PatientTelephoneNumbers: '+49 6221 5550199',
} satisfies DicomRecord;

/** Of other people and places, of whom the file says nothing else. */
function canary(index: number): string {
  const letters = [17_576, 676, 26, 1].map((unit) => String.fromCharCode(97 + (Math.floor(index / unit) % 26)));
  return `Zwi${letters.join('')}mann`;
}

const keywords = Object.keys(dictionary) as Keyword[];
const foreignUidRoot = '1.2.276.99.4711';
/** What decides how a file is read, or what it is. */
const decisive: ReadonlySet<string> = new Set<Keyword>([
  ...([
    'SOPClassUID',
    'SOPInstanceUID',
    'StudyInstanceUID',
    'SeriesInstanceUID',
    'SpecificCharacterSet',
    'Modality',
  ] as const),
  ...(['ImageType', 'BurnedInAnnotation', 'ConversionType', 'PhotometricInterpretation', 'NumberOfFrames'] as const),
  ...(['CodingSchemeDesignator', 'PixelData', 'FloatPixelData', 'DoubleFloatPixelData'] as const),
  ...(['ExtendedOffsetTable', 'ExtendedOffsetTableLengths'] as const),
]);
/** Text that is kept but for the file's own people (see the guide): here it names the owner. */
const technical =
  /^(Manufacturer(ModelName|ModelVersion)?|SoftwareVersions|CodeValue|LongCodeValue|CodingSchemeVersion|ConvolutionKernel|FilterType|(Pulse)?SequenceName|ImagedNucleus|(Receive|Transmit)CoilName|StackID|RescaleType|ModalityLUTType|\w+PrivateCreator|DimensionDescriptionLabel|AlgorithmVersion|DetectorManufacturer\w*|EthnicGroup\w*)$/;
/** Bulk that is pixels, tables or coordinates, and cannot be told from text. */
const pixelLike =
  /^(LUTData|\w*Palette\w*|\w*PointIndexList|AnnotationIndexList|(Double)?PointCoordinatesData|VectorGridData|VectorCoordinateData|Waveform\w+|Channel\w+imumValue|FloatingPointValues)$/;

/** A value for every attribute of the dictionary in which text fits. */
function plantedElements(taken: ReadonlySet<number>): readonly DataElement[] {
  everywhere ??= allPlanted();
  return everywhere.filter(({ tag }) => !taken.has(tag) || ownerTags.has(tag));
}

function allPlanted(): readonly DataElement[] {
  const record: Record<string, DicomRecord[Keyword]> = {};
  for (const [index, keyword] of keywords.entries()) {
    const [tag, vr] = dictionary[keyword];
    const essential = decisive.has(keyword) || tag < 0x0008_0000;
    if (essential) continue;
    const value = plantedValue(keyword, plainVr(vr), index);
    if (value !== undefined) record[keyword] = value;
  }
  return datasetOf({ ...record, ...owner }).elements;
}

let everywhere: readonly DataElement[] | undefined;
const ownerTags: ReadonlySet<number> = new Set(Object.keys(owner).map((keyword) => dictionary[keyword as Keyword][0]));

function plantedValue(keyword: Keyword, vr: string, index: number): DicomRecord[Keyword] {
  const word = canary(index);
  switch (vr) {
    case 'AE':
    case 'SH':
    case 'LO':
      return technical.test(keyword) ? `Quastelhuber ${foreignUidRoot}.${index}` : word;
    case 'PN':
      return `${word}^${word}`;
    case 'CS':
      return 'QUASTELHUBER';
    case 'ST':
    case 'LT':
    case 'UC':
    case 'UT':
      return technical.test(keyword)
        ? 'Quastelhuber'
        : `Seen by Dr. ${word}, born 03.12.1956, tel. 06221 5550199, liver 5 mm`;
    case 'UR':
      return `https://${word}.example/77120943`;
    case 'UI':
      return `${foreignUidRoot}.${index}`;
    case 'DA':
      return '19561203';
    case 'DT':
      return '19561203112233.5+0100';
    case 'DS':
    case 'IS':
    case 'TM':
    case 'AS':
      return word;
    case 'OB':
    case 'OW':
    case 'OD':
    case 'OF':
    case 'OL':
    case 'OV':
    case 'UN':
      return pixelLike.test(keyword) ? undefined : new TextEncoder().encode(word.padEnd(16, ' '));
    default:
      return undefined;
  }
}

/** The word that is planted in an attribute. */
export function canaryOf(keyword: Keyword): string {
  return canary(keywords.indexOf(keyword));
}

/** The host with canaries at the top, in sequences of three kinds, in private attributes and everywhere else. */
export function planted(host: DicomFile): Uint8Array {
  const { data } = host;
  const top = new Map(data.elements.map((element) => [element.tag, element]));
  const replaced = (element: DataElement): boolean => ['PN', 'LO', 'LT', 'ST', 'UT', 'UC', 'SH'].includes(element.vr);
  const kept = data.elements.filter((element) => !replaced(element) || isPrivate(element.tag));
  const taken = new Set(kept.map(({ tag }) => tag));
  for (const element of plantedElements(taken)) top.set(element.tag, element);
  for (const element of hidingPlaces(data)) top.set(element.tag, element);
  const { littleEndian, explicit } = data;
  const elements = [...top.values()].sort((a, b) => a.tag - b.tag);
  const meta = datasetOf({
    FileMetaInformationVersion: new Uint8Array([0, 1]),
    MediaStorageSOPClassUID: data.text('SOPClassUID'),
    MediaStorageSOPInstanceUID: data.text('SOPInstanceUID'),
    TransferSyntaxUID: host.transferSyntaxUid,
    ImplementationClassUID: `${foreignUidRoot}.1`,
    ImplementationVersionName: canary(1),
    SourceApplicationEntityTitle: canary(2),
    SendingApplicationEntityTitle: canary(3),
    PrivateInformationCreatorUID: `${foreignUidRoot}.2`,
    PrivateInformation: ascii(canary(4)),
  });
  const preamble = new Uint8Array(128);
  preamble.set(ascii(`Quastelhuber ${canary(5)}`));
  return formatPart10({ ...host, preamble, meta, data: new Dataset(elements, { littleEndian, explicit }) });
}

/** Sequences, private blocks, curves, overlays, padding. */
function hidingPlaces(data: Dataset): readonly DataElement[] {
  const { littleEndian, explicit } = data;
  const own = (elements: readonly DataElement[], parent: { undefinedLength: boolean }): Dataset =>
    new Dataset(elements, { littleEndian, explicit, ...parent });
  const all = plantedElements(new Set());
  const inner = own(
    [...all, element(0x0009_0010, 'LO', ascii(canary(6))), element(0x0009_1001, 'UN', ascii(canary(7)))],
    {
      undefinedLength: true,
    },
  );
  const japanese = own(
    [
      element(dictionary.SpecificCharacterSet[0], 'CS', ascii('ISO_IR 13')),
      element(dictionary.PatientComments[0], 'LT', new Uint8Array([...hiddenBytes.katakana, 0x20])),
      element(dictionary.SegmentDescription[0], 'ST', new Uint8Array([...hiddenBytes.katakana, 0x20])),
    ],
    { undefinedLength: false },
  );
  const nested = own([sequence(dictionary.ContentSequence[0], 'SQ', [japanese])], { undefinedLength: false });
  const implicit = new Dataset(
    plantedElements(new Set()).filter(({ vr }) => vr !== 'UN'),
    { explicit: false },
  );
  const bare = encodeDataset(
    new Dataset([sequence(dictionary.ContentSequence[0], 'SQ', [implicit])], { explicit: false }),
  );
  const places = [
    sequence(dictionary.ReferencedSeriesSequence[0], 'SQ', [nested, japanese]),
    sequence(dictionary.ContributingEquipmentSequence[0], 'SQ', [nested]),
    { ...sequence(dictionary.DerivationImageSequence[0], 'SQ', [nested]), undefinedLength: true },
    sequence(dictionary.ContentSequence[0], 'SQ', [inner, nested]),
    element(0x0009_0010, 'LO', ascii(canary(8))),
    element(0x0009_1010, 'LO', ascii('Quastelhuber Ottokar')),
    element(0x0009_1011, 'OB', new Uint8Array(Buffer.from(canary(9), 'utf16le'))),
    element(0x0009_1012, 'UN', bare),
    sequence(0x0009_1013, 'SQ', [inner]),
    element(0x0043_0010, 'LO', ascii('GEMS_PARM_01')),
    element(0x0043_1027, 'SH', ascii(canary(10))),
    element(0x0043_1039, 'IS', ascii('5550199\\Quastelhuber')),
    element(0x0043_106f, 'DS', ascii(canary(11))),
    element(0x5000_3000, 'OW', ascii(canary(12))),
    element(0x6000_3000, 'OW', ascii(canary(13))),
    element(0x6000_4000, 'LT', ascii(canary(14))),
    element(0x6002_0022, 'LO', ascii(canary(15))),
    element(0x0008_fff0, 'LO', ascii(canary(16))),
    element(dictionary.ModelGroupUID[0], 'UI', ascii('Quastelhuber')),
    element(dictionary.RedPaletteColorLookupTableDescriptor[0], 'US', ascii(canary(17).padEnd(12))),
    element(dictionary.SliceThickness[0], 'DS', ascii(`5\0${canary(18)}`)),
    element(0xfffc_fffc, 'OB', ascii(canary(19))),
  ];
  // Implicit VR has no UN with items, and big endian none of another order.
  if (explicit && littleEndian)
    places.push({ ...sequence(dictionary.SourceImageSequence[0], 'UN', [implicit]), undefinedLength: true });
  return places;
}

/** Text in bytes that no search for ASCII finds. */
const hiddenBytes = {
  /** "Yamada" in half-width katakana. */
  katakana: [0xd4, 0xcf, 0xc0, 0xde, 0xd4, 0xcf, 0xc0, 0xde],
} as const;

/** @returns what is left of the planted identity, and where it was planted. */
export function leaksIn(bytes: Uint8Array): readonly string[] {
  const plain = Buffer.from(bytes).toString('latin1');
  // UTF-16 of either order is ASCII with NULs between; a name may also have been cut by padding.
  const texts = [plain, plain.replaceAll('\0', '')];
  const leaks = new Set<string>();
  for (const text of texts) {
    for (const match of text.matchAll(/Zwi([a-z]{4})mann/gi)) {
      const index = [...match[1]!.toLowerCase()].reduce((sum, letter) => sum * 26 + letter.charCodeAt(0) - 97, 0);
      leaks.add(`${match[0]} planted in ${index < 20 ? `hiding place ${index}` : keywords[index]}`);
    }
    for (const match of text.matchAll(
      /quastelhuber|ottokar|(?<!\d)77120943|ACZQ4711XL|Hinterzarten\w*|(?<!\d)69115(?!\d)|Schlumpf\w*|(?<!\d)5550199|(?<!\d)19561203|03\.12\.1956/gi,
    )) {
      leaks.add(`${match[0]} of the owner`);
    }
    for (const match of text.matchAll(/1\.2\.276\.99\.4711\.(\d+)/g))
      leaks.add(`UID planted in ${keywords[Number(match[1])]}`);
  }
  if (Buffer.from(bytes).includes(Buffer.from(hiddenBytes.katakana))) leaks.add('a name in katakana');
  return [...leaks];
}

/** The file's own UIDs, which must not be found either. */
export function ownUids(data: Dataset): readonly string[] {
  return (['StudyInstanceUID', 'SeriesInstanceUID', 'SOPInstanceUID', 'FrameOfReferenceUID'] as const).flatMap(
    (keyword) => data.texts(keyword),
  );
}

function element(tag: number, vr: string, source: Uint8Array): DataElement {
  return {
    tag,
    vr,
    source,
    start: 0,
    end: source.length,
    items: undefined,
    fragments: undefined,
    undefinedLength: false,
  };
}

function sequence(tag: number, vr: string, items: readonly Dataset[]): DataElement {
  return { ...element(tag, vr, new Uint8Array(0)), items };
}

function ascii(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
