/**
 * One DICOM file without identity: the Basic Application Level Confidentiality Profile of PS3.15 annex E with the options
 * of a profile. A function of the file, the profile and the secret alone, so that files may come in any order, twice or
 * years apart and still meet under one subject, study and series.
 */
import { type DataElement, Dataset } from '../dicom/dataset.ts';
import { dictionary, type Keyword, transferSyntaxes } from '../dicom/dictionary.ts';
import { type DicomRecord, datasetOf, implementation } from '../dicom/encode.ts';
import { type DicomFile, formatPart10, parsePart10 } from '../dicom/part10.ts';
import { ImagingError } from '../imaging-error.ts';
import { ChangeLog } from './change-log.ts';
import { tableRules } from './confidentiality-rules.ts';
import type { Deidentification, DeidentificationOptions, OriginalIdentity } from './deidentification.ts';
import { folded } from './folded-text.ts';
import { HeaderRewriter } from './header-rewriter.ts';
import { identifyingValuesOf } from './identifying-values.ts';
import { type CleanedPixels, cleanedPixels } from './pixel-cleaner.ts';
import { pixelDecision } from './pixel-policy.ts';
import type { DeidentificationProfile } from './profile.ts';
import { Pseudonyms } from './pseudonyms.ts';
import { safeWords } from './safe-words.ts';
import { withStatedUids } from './stated-uids.ts';
import { subjectKeyOf } from './subject-key.ts';

const secretBytesMin = 32;

/**
 * What cannot be de-identified is refused, with `imaging.dicom-*` or `imaging.deidentification-*`.
 * @throws RangeError for a secret shorter than 32 bytes, and what `decodePixels` throws besides ImagingErrors
 */
export async function deidentify(bytes: Uint8Array, options: DeidentificationOptions): Promise<Deidentification> {
  if (options.secret.length < secretBytesMin) throw new RangeError('the secret of pseudonyms is shorter than 32 bytes');
  try {
    return await deidentifiedFile(withStatedUids(parsePart10(bytes)), options);
  } catch (error) {
    if (!(error instanceof ImagingError)) throw error;
    return { kind: 'refused', reason: { code: error.code, message: error.message, detail: error.detail } };
  }
}

async function deidentifiedFile(file: DicomFile, options: DeidentificationOptions): Promise<Deidentification> {
  const profile = completed(options.profile ?? {});
  const { data } = file;
  const decision = pixelDecision(data, profile.pixelRules);
  if (decision.kind === 'refused') return decision;
  for (const keyword of ['StudyInstanceUID', 'SeriesInstanceUID', 'SOPInstanceUID'] as const)
    data.requiredText(keyword);
  const log = new ChangeLog();
  const { burnedInText } = profile;
  const pixels = await cleanedPixels(file, { decision, burnedInText, decodePixels: options.decodePixels, log });
  if (pixels.kind === 'refused') return pixels;
  const pseudonyms = new Pseudonyms(options.secret);
  const identity = identityOf(data, pseudonyms, profile);
  const { subject, dateShiftDays } = identity.pseudonyms;
  const ruleOf = tableRules(profile);
  const rewriter = new HeaderRewriter({
    ruleOf,
    pseudonyms,
    cleaning: { words: wordsOf(profile), identifying: identifyingValuesOf(data, ruleOf) },
    subject,
    dateShiftDays,
    keepsSafePrivate: profile.privateAttributes === 'safe',
    log,
  });
  const header = withPixels(data, pixels);
  const marked = merged(
    rewriter.rewritten(header),
    datasetOf({ ...marksOf(profile, pixels), PatientID: subject, PatientName: subject }),
  );
  const result = fileOf(marked, syntaxOf(file, pixels));
  return {
    kind: 'deidentified',
    bytes: formatPart10(result),
    subject,
    changes: log.changes(),
    identity,
  };
}

/**
 * Plain pixels go to explicit little endian. Big-endian ones of more than 16 bits stay: programs disagree on the order of
 * their words.
 */
function syntaxOf({ data, transferSyntaxUid }: DicomFile, { isNative }: CleanedPixels): string {
  const isWide = (data.number('BitsAllocated') ?? 0) > 16;
  return !isNative || (isWide && !data.littleEndian) ? transferSyntaxUid : transferSyntaxes.explicitLittleEndian;
}

type CompleteProfile = Required<DeidentificationProfile>;

function completed(profile: DeidentificationProfile): CompleteProfile {
  return {
    dates: profile.dates ?? 'shifted',
    descriptors: profile.descriptors ?? 'cleaned',
    patientCharacteristics: profile.patientCharacteristics ?? 'kept',
    deviceIdentity: profile.deviceIdentity ?? 'removed',
    institution: profile.institution ?? 'removed',
    privateAttributes: profile.privateAttributes ?? 'safe',
    safeWords: profile.safeWords ?? [],
    pixelRules: profile.pixelRules ?? [],
    burnedInText: profile.burnedInText ?? 'refused',
  };
}

function wordsOf(profile: CompleteProfile): ReadonlySet<string> {
  return profile.safeWords.length === 0 ? safeWords : new Set([...safeWords, ...profile.safeWords.map(folded)]);
}

function identityOf(data: Dataset, pseudonyms: Pseudonyms, { dates }: CompleteProfile): OriginalIdentity {
  const facts = (keywords: readonly Keyword[]): Record<string, string> =>
    Object.fromEntries(
      keywords.flatMap((keyword) =>
        data
          .texts(keyword)
          .slice(0, 1)
          .map((text) => [keyword, text]),
      ),
    );
  const { key, subjectFrom } = subjectKeyOf(data);
  return {
    subject: facts(['PatientID', 'IssuerOfPatientID', 'PatientName', 'PatientBirthDate', 'PatientSex']),
    study: facts(['StudyInstanceUID', 'AccessionNumber', 'StudyID', 'StudyDate']),
    series: facts(['SeriesInstanceUID', 'SOPInstanceUID']),
    subjectFrom,
    pseudonyms: {
      subject: pseudonyms.subject(key),
      studyInstanceUid: pseudonyms.uid(data.requiredText('StudyInstanceUID')),
      seriesInstanceUid: pseudonyms.uid(data.requiredText('SeriesInstanceUID')),
      sopInstanceUid: pseudonyms.uid(data.requiredText('SOPInstanceUID')),
      dateShiftDays: dates === 'shifted' ? pseudonyms.dateShiftDays(key) : 0,
    },
  };
}

/** The file's data set with its pixels as they are now; plain pixels have no table of offsets. */
function withPixels(data: Dataset, { element, changed, isNative }: CleanedPixels): Dataset {
  const elements = data.elements
    .filter(({ tag }) => !(isNative && offsetTables.has(tag)))
    .map((own) => (element !== undefined && own.tag === element.tag ? element : own));
  const { littleEndian, explicit } = data;
  return merged(new Dataset(elements, { littleEndian, explicit }), changed);
}

const offsetTables: ReadonlySet<number> = new Set([
  ...[dictionary.ExtendedOffsetTable[0], dictionary.ExtendedOffsetTableLengths[0]],
]);

/** Attributes of `more` in place of the others'; their values are of bytes or text, which have no byte order. */
function merged(data: Dataset, more: Dataset): Dataset {
  const tags = new Set(more.elements.map(({ tag }) => tag));
  const elements: DataElement[] = [...data.elements.filter(({ tag }) => !tags.has(tag)), ...more.elements];
  const { littleEndian, explicit } = data;
  return new Dataset(
    elements.sort((a, b) => a.tag - b.tag),
    { littleEndian, explicit },
  );
}

/** What a de-identified file has to say of itself (PS3.15 E.1.1, PS3.16 CID 7050). */
function marksOf(profile: CompleteProfile, { isChecked, isNative }: CleanedPixels): DicomRecord {
  const code = (value: string, meaning: string): DicomRecord => ({
    CodeValue: value,
    CodingSchemeDesignator: 'DCM',
    CodeMeaning: meaning,
  });
  const codes = [
    code('113100', 'Basic Application Confidentiality Profile'),
    ...(isChecked ? [code('113101', 'Clean Pixel Data Option')] : []),
    code('113103', 'Clean Graphics Option'),
    code('113104', 'Clean Structured Content Option'),
    ...(profile.descriptors === 'cleaned' ? [code('113105', 'Clean Descriptors Option')] : []),
    ...(profile.dates === 'shifted'
      ? [code('113107', 'Retain Longitudinal Temporal Information Modified Dates Option')]
      : []),
    ...(profile.patientCharacteristics === 'kept' ? [code('113108', 'Retain Patient Characteristics Option')] : []),
    ...(profile.deviceIdentity === 'kept' ? [code('113109', 'Retain Device Identity Option')] : []),
    ...(profile.privateAttributes === 'safe' ? [code('113111', 'Retain Safe Private Option')] : []),
    ...(profile.institution === 'kept' ? [code('113112', 'Retain Institution Identity Option')] : []),
  ];
  return {
    PatientIdentityRemoved: 'YES',
    DeidentificationMethod: 'Consilium: PS3.15 Table E.1-1, 2024e',
    DeidentificationMethodCodeSequence: codes,
    LongitudinalTemporalInformationModified: profile.dates === 'shifted' ? 'MODIFIED' : 'REMOVED',
    ...(isChecked && isNative ? { BurnedInAnnotation: 'NO' } : {}),
  };
}

/** With a preamble of zeros and meta information that names only this program. */
function fileOf(data: Dataset, transferSyntaxUid: string): DicomFile {
  const meta = datasetOf({
    FileMetaInformationVersion: new Uint8Array([0, 1]),
    MediaStorageSOPClassUID: data.text('SOPClassUID'),
    MediaStorageSOPInstanceUID: data.text('SOPInstanceUID'),
    TransferSyntaxUID: transferSyntaxUid,
    ...implementation,
  });
  return { data, meta, transferSyntaxUid, preamble: new Uint8Array(128) };
}
