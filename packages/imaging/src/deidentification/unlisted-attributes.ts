/**
 * What may stay of attributes that PS3.15 Table E.1-1 does not list. The standard lets them be; here free text is
 * cleaned, names, addresses and bulk data of unknown use go, and unknown UIDs are remapped.
 */
import type { Keyword } from '../dicom/dictionary.ts';
import type { AttributeRule } from './confidentiality-rules.ts';

export interface UnlistedAttribute {
  readonly keyword: Keyword;
  readonly vr: string;
  /** Whether the attribute is of a code of a well-known scheme. */
  readonly isStandardCode: boolean;
  readonly shiftsDates: boolean;
}

export function unlistedRule({ keyword, vr, isStandardCode, shiftsDates }: UnlistedAttribute): AttributeRule {
  const rule = (action: AttributeRule['action'], reason: string, otherwise: AttributeRule['otherwise'] = 'empty') => ({
    ...{ action, reason, otherwise },
  });
  switch (vr) {
    case 'SQ':
      return rule('descend', 'unlisted sequence');
    case 'DA':
    case 'DT':
    case 'TM':
      return rule(shiftsDates ? 'shift' : 'empty', 'unlisted date');
    case 'UI':
      return namesClass(keyword) ? rule('retain', 'unlisted UID') : rule('remap', 'unlisted UID');
    case 'PN':
    case 'AE':
      return rule('empty', 'unlisted name');
    case 'UR':
      return rule('remove', 'unlisted address');
    case 'LT':
    case 'ST':
    case 'UC':
    case 'UT':
      return rule(keyword === 'LongCodeValue' ? 'retain' : 'clean', 'unlisted text', 'replace');
    case 'LO':
    case 'SH': {
      const staysAsItIs = technical.has(keyword) || (keyword === 'CodeMeaning' && isStandardCode);
      return rule(staysAsItIs ? 'retain' : 'clean', 'unlisted text', 'replace');
    }
    case 'OB':
    case 'OD':
    case 'OF':
    case 'OL':
    case 'OV':
    case 'OW':
    case 'UN':
      return keptBulk.has(keyword) ? rule('retain', 'pixels and tables') : rule('remove', 'unlisted bulk data');
    default:
      return rule('retain', 'unlisted value');
  }
}

/** Whether the value of an attribute is a code's, which must not be cut. */
export function wellFormedCode(keyword: Keyword, values: readonly string[], isStandardCode: boolean): boolean {
  if (keyword === 'CodingSchemeDesignator') return values.every((value) => standardSchemes.has(value));
  return (
    isStandardCode &&
    keyword === 'CodeValue' &&
    values.every((value) => /^[A-Za-z0-9][A-Za-z0-9._-]{0,15}$/.test(value))
  );
}

/** PS3.16 section 8, the schemes in use for images. */
export const standardSchemes: ReadonlySet<string> = new Set([
  ...[
    'SCT',
    'SRT',
    'SNM3',
    'DCM',
    'UCUM',
    'LN',
    'RADLEX',
    'FMA',
    'UMLS',
    'NCIt',
    'MDC',
    'ICDO3',
    'I10',
    'I9C',
    'ACR',
    'BI',
  ],
  ...['ISO639_1', 'ISO639_2', 'ISO3166_1', 'RXNORM', 'MSH', 'NEU', 'IBSI', 'PUBCHEM_CID'],
]);

/** UIDs of classes, syntaxes and dictionaries, which are the same for everybody. */
function namesClass(keyword: Keyword): boolean {
  return /SOPClass|TransferSyntax|^(CodingScheme|Context|MappingResource|ContextGroupExtensionCreator)UID/.test(
    keyword,
  );
}

/** Kept as they are but for the values of this file's identity: what an image was made with. */
const technical: ReadonlySet<Keyword> = new Set<Keyword>([
  ...(['Manufacturer', 'ManufacturerModelName', 'SoftwareVersions', 'ManufacturerModelVersion'] as const),
  ...(['CodeValue', 'CodingSchemeDesignator', 'CodingSchemeVersion'] as const),
  ...(['ConvolutionKernel', 'FilterType', 'SequenceName', 'PulseSequenceName', 'ImagedNucleus'] as const),
  ...(['ReceiveCoilName', 'TransmitCoilName', 'StackID', 'RescaleType', 'ModalityLUTType'] as const),
  ...(['DimensionIndexPrivateCreator', 'FunctionalGroupPrivateCreator', 'DimensionDescriptionLabel'] as const),
  ...(['AlgorithmVersion', 'DetectorManufacturerName', 'DetectorManufacturerModelName'] as const),
]);

/** Terms of the standard that decide how a file is read; they stay even if a person is called so. */
export const definedTerms: ReadonlySet<string> = new Set(
  `
  TEXT NUM CODE DATETIME DATE TIME UIDREF PNAME COMPOSITE IMAGE WAVEFORM SCOORD SCOORD3D TCOORD CONTAINER TABLE CONTAINS SEPARATE
  CONTINUOUS COMPLETE PARTIAL VERIFIED UNVERIFIED ORIGINAL PRIMARY DERIVED SECONDARY AXIAL LOCALIZER MIXED VOLUME NONE YES NO
  MONOCHROME1 MONOCHROME2 RGB YBR_FULL YBR_FULL_422 YBR_RCT YBR_ICT PALETTE CT MR PT NM SEG SR PR KO REG CR DX MG XA RF
  RTSTRUCT RTPLAN RTDOSE RTIMAGE HFS HFP HFDR HFDL FFS FFP FFDR FFDL BINARY FRACTIONAL LABELMAP PROBABILITY OCCUPANCY MANUAL
  AUTOMATIC SEMIAUTOMATIC POINT OPEN_PLANAR OPEN_NONPLANAR CLOSED_PLANAR CLOSEDPLANAR_XOR PHYSICAL EFFECTIVE GY RELATIVE PLAN BEAM
  M F O HEAD NECK CHEST ABDOMEN PELVIS KIDNEY SPINE EXTREMITY L R B U 00 01 COLOR MONOCHROME PRODUCT RESEARCH
  `
    .trim()
    .split(/\s+/),
);

/** Pixels, colours, and coordinates; ICC profiles, which hold free text, are not among them. */
export const keptBulk: ReadonlySet<Keyword> = new Set<Keyword>([
  ...([
    'PixelData',
    'FloatPixelData',
    'DoubleFloatPixelData',
    'ExtendedOffsetTable',
    'ExtendedOffsetTableLengths',
  ] as const),
  ...([
    'RedPaletteColorLookupTableData',
    'GreenPaletteColorLookupTableData',
    'BluePaletteColorLookupTableData',
  ] as const),
  ...(['AlphaPaletteColorLookupTableData', 'SegmentedRedPaletteColorLookupTableData'] as const),
  ...(['SegmentedGreenPaletteColorLookupTableData', 'SegmentedBluePaletteColorLookupTableData'] as const),
  ...(['LUTData', 'PointCoordinatesData', 'DoublePointCoordinatesData', 'TrianglePointIndexList'] as const),
  ...(['LongTrianglePointIndexList', 'AnnotationIndexList', 'VectorCoordinateData'] as const),
  ...(['LongPrimitivePointIndexList', 'PrimitivePointIndexList', 'WaveformData', 'VectorGridData'] as const),
  ...(['ChannelMinimumValue', 'ChannelMaximumValue', 'WaveformPaddingValue', 'FloatingPointValues'] as const),
]);
