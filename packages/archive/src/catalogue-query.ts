/**
 * How the catalogue is asked by DICOM attributes, as C-FIND (PS3.4 C.2.2.2) and QIDO-RS (PS3.18 10.6) ask, and how
 * instances are read by their UIDs. Everything here is de-identified: the UIDs, PatientID and PatientName are pseudonyms.
 */

export type QueryLevel = 'study' | 'series' | 'instance';

/**
 * The attributes by which can be asked, by keyword (PS3.6). An attribute may be asked at its own level and at those below;
 * what is counted (`computed`) is answered, and of it only ModalitiesInStudy can be asked.
 */
export const catalogueAttributes = {
  PatientID: { tag: '00100020', vr: 'LO', level: 'study', computed: false },
  PatientName: { tag: '00100010', vr: 'PN', level: 'study', computed: false },
  PatientSex: { tag: '00100040', vr: 'CS', level: 'study', computed: false },
  PatientBirthDate: { tag: '00100030', vr: 'DA', level: 'study', computed: false },
  PatientAge: { tag: '00101010', vr: 'AS', level: 'study', computed: false },
  StudyInstanceUID: { tag: '0020000D', vr: 'UI', level: 'study', computed: false },
  StudyID: { tag: '00200010', vr: 'SH', level: 'study', computed: false },
  StudyDate: { tag: '00080020', vr: 'DA', level: 'study', computed: false },
  StudyTime: { tag: '00080030', vr: 'TM', level: 'study', computed: false },
  AccessionNumber: { tag: '00080050', vr: 'SH', level: 'study', computed: false },
  StudyDescription: { tag: '00081030', vr: 'LO', level: 'study', computed: false },
  ReferringPhysicianName: { tag: '00080090', vr: 'PN', level: 'study', computed: false },
  ModalitiesInStudy: { tag: '00080061', vr: 'CS', level: 'study', computed: true },
  NumberOfStudyRelatedSeries: { tag: '00201206', vr: 'IS', level: 'study', computed: true },
  NumberOfStudyRelatedInstances: { tag: '00201208', vr: 'IS', level: 'study', computed: true },
  SeriesInstanceUID: { tag: '0020000E', vr: 'UI', level: 'series', computed: false },
  SeriesNumber: { tag: '00200011', vr: 'IS', level: 'series', computed: false },
  SeriesDate: { tag: '00080021', vr: 'DA', level: 'series', computed: false },
  SeriesTime: { tag: '00080031', vr: 'TM', level: 'series', computed: false },
  SeriesDescription: { tag: '0008103E', vr: 'LO', level: 'series', computed: false },
  ProtocolName: { tag: '00181030', vr: 'LO', level: 'series', computed: false },
  Modality: { tag: '00080060', vr: 'CS', level: 'series', computed: false },
  BodyPartExamined: { tag: '00180015', vr: 'CS', level: 'series', computed: false },
  Laterality: { tag: '00200060', vr: 'CS', level: 'series', computed: false },
  Manufacturer: { tag: '00080070', vr: 'LO', level: 'series', computed: false },
  ManufacturerModelName: { tag: '00081090', vr: 'LO', level: 'series', computed: false },
  FrameOfReferenceUID: { tag: '00200052', vr: 'UI', level: 'series', computed: false },
  PerformedProcedureStepStartDate: { tag: '00400244', vr: 'DA', level: 'series', computed: false },
  PerformedProcedureStepStartTime: { tag: '00400245', vr: 'TM', level: 'series', computed: false },
  NumberOfSeriesRelatedInstances: { tag: '00201209', vr: 'IS', level: 'series', computed: true },
  SOPInstanceUID: { tag: '00080018', vr: 'UI', level: 'instance', computed: false },
  SOPClassUID: { tag: '00080016', vr: 'UI', level: 'instance', computed: false },
  InstanceNumber: { tag: '00200013', vr: 'IS', level: 'instance', computed: false },
  Rows: { tag: '00280010', vr: 'US', level: 'instance', computed: false },
  Columns: { tag: '00280011', vr: 'US', level: 'instance', computed: false },
  BitsAllocated: { tag: '00280100', vr: 'US', level: 'instance', computed: false },
  NumberOfFrames: { tag: '00280008', vr: 'IS', level: 'instance', computed: false },
} as const satisfies Record<string, { tag: string; vr: string; level: QueryLevel; computed: boolean }>;

/** A keyword of `catalogueAttributes`. */
export type CatalogueAttribute = keyof typeof catalogueAttributes;

/** One condition on one attribute. Names of persons are compared without regard to case, all else exactly. */
export type AttributeMatch =
  | { readonly kind: 'equal'; readonly attribute: CatalogueAttribute; readonly value: string }
  /** `*` stands for any characters or none, `?` for one. */
  | { readonly kind: 'wildcard'; readonly attribute: CatalogueAttribute; readonly pattern: string }
  /** A list of UIDs, or of other values. */
  | { readonly kind: 'any-of'; readonly attribute: CatalogueAttribute; readonly values: readonly string[] }
  /** Both ends belong to it; an end left out is open. DA as YYYYMMDD, TM as HHMMSS or its beginning, IS and US as numbers. */
  | {
      readonly kind: 'range';
      readonly attribute: CatalogueAttribute;
      readonly from: string | undefined;
      readonly to: string | undefined;
    };

export interface AttributeQuery {
  readonly level: QueryLevel;
  /** All must hold. An attribute below `level` or a computed one that cannot be asked is `archive.query-unsupported`. */
  readonly matches: readonly AttributeMatch[];
  /** Matches to leave out at the beginning; 0 if not said. */
  readonly offset?: number;
  /** At most so many; as many as the archive's limit if not said or if more. */
  readonly limit?: number;
}

/** An entity with its attributes and those of the levels above; what it does not state is not there. */
export type AttributeSet = { readonly [attribute in CatalogueAttribute]?: readonly (string | number)[] };

export interface AttributePage {
  /** In an order that does not change while nothing is added: by date, then as they came. */
  readonly matches: readonly AttributeSet[];
  /** Whether there are more after these. */
  readonly hasMore: boolean;
}

/** Which instances: all of a study, of one of its series, or one. */
export interface InstanceSelector {
  readonly studyInstanceUid: string;
  readonly seriesInstanceUid?: string;
  readonly sopInstanceUid?: string;
}

export interface StoredInstance {
  readonly studyInstanceUid: string;
  readonly seriesInstanceUid: string;
  readonly sopInstanceUid: string;
  readonly sopClassUid: string;
  /** As the file is kept. */
  readonly transferSyntaxUid: string;
  readonly sizeBytes: number;
  /** Of the whole file, in hexadecimal; also its entity tag. */
  readonly sha256: string;
}

/** What DIMSE and DICOMweb need of an archive besides its `Door`. */
export interface InstanceCatalogue {
  /** @throws ArchiveError `archive.query-unsupported` */
  find(query: AttributeQuery): AttributePage;
  /** In order of series, then InstanceNumber; empty if there are none. */
  instancesOf(selector: InstanceSelector): readonly StoredInstance[];
  /**
   * The file (PS3.10), de-identified.
   * @throws ArchiveError `archive.instance-damaged` if it is no longer what was stored
   */
  readInstance(instance: StoredInstance): Promise<Uint8Array>;
}
