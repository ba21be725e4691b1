/**
 * By what a hospital knows a patient of another hospital's again: text that both write alike, whoever typed it. It is made
 * where it is used, from what the images or the archive say, and never kept.
 */
import type { IdentifierKind } from '@consilium/protocol';

/** What was said of a patient, by DICOM keyword. */
export type PatientFacts = Readonly<Record<string, string>>;

/** undefined where too little was said to know anybody again. @param issuer of identifiers that do not name theirs */
export function identifierOf(
  facts: PatientFacts,
  { kind, issuer }: { readonly kind: IdentifierKind; readonly issuer: string | undefined },
): string | undefined {
  switch (kind) {
    case 'patient-id': {
      // A number without who gave it is another patient's at the next hospital.
      const [id, from] = [plain(facts['PatientID']), plain(facts['IssuerOfPatientID']) || plain(issuer)];
      return id === '' || from === '' ? undefined : JSON.stringify([kind, from, id]);
    }
    case 'name-birth-date-sex': {
      const [family = '', given = ''] = (facts['PatientName'] ?? '').split('=')[0]!.split('^').map(latin);
      const born = (facts['PatientBirthDate'] ?? '').replace(/[-.\s]/g, '');
      const sex = (facts['PatientSex'] ?? '').trim().toUpperCase();
      const isComplete = family !== '' && given !== '' && /^\d{8}$/.test(born) && /^[MFO]$/.test(sex);
      return isComplete ? JSON.stringify([kind, family, given, born, sex]) : undefined;
    }
  }
}

function plain(text = ''): string {
  return text.normalize('NFKC').replace(/\s/g, '').toUpperCase();
}

/** As in a passport: capital letters, umlauts written out, other marks and all that is no letter left out (ICAO 9303). */
function latin(text: string): string {
  const umlauts: Readonly<Record<string, string>> = { Ä: 'AE', Ö: 'OE', Ü: 'UE', Å: 'AA', Æ: 'AE', Ø: 'OE' };
  return text
    .normalize('NFC')
    .toUpperCase()
    .replace(/[ÄÖÜÅÆØ]/g, (letter) => umlauts[letter]!)
    .normalize('NFKD')
    .replace(/[^\p{L}\p{N}]/gu, '');
}
