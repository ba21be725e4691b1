/** From what a subject's pseudonym follows: `new Pseudonyms(secret).subject(key)`. */
import type { Dataset } from '../dicom/dataset.ts';
import type { Keyword } from '../dicom/dictionary.ts';
import type { OriginalIdentity } from './deidentification.ts';
import { folded } from './folded-text.ts';

/** Issuer and ID; without an ID name and birth date; without either each study is a subject of its own. */
export function subjectKeyOf(data: Dataset): { key: string; subjectFrom: OriginalIdentity['subjectFrom'] } {
  const text = (keyword: Keyword): string => (data.text(keyword) ?? '').normalize('NFC').trim();
  const id = text('PatientID');
  if (id !== '') return { key: JSON.stringify(['id', text('IssuerOfPatientID'), id]), subjectFrom: 'patient-id' };
  const name = folded(text('PatientName'))
    .replace(/[\^\s=]+/g, ' ')
    .trim();
  const birthDate = text('PatientBirthDate');
  if (name !== '' && birthDate !== '') {
    return { key: JSON.stringify(['name', name, birthDate]), subjectFrom: 'name-and-birth-date' };
  }
  return { key: JSON.stringify(['study', text('StudyInstanceUID')]), subjectFrom: 'study' };
}
