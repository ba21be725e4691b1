import { describe, expect, it } from 'vitest';
import { identifierOf, type PatientFacts } from './patient-identifier.ts';

const byNumber = (facts: PatientFacts, issuer?: string) => identifierOf(facts, { kind: 'patient-id', issuer });
const byName = (facts: PatientFacts) => identifierOf(facts, { kind: 'name-birth-date-sex', issuer: undefined });
const person = { PatientName: 'Weiß^Anna', PatientBirthDate: '19560102', PatientSex: 'F' };

describe('an identifier of a patient', () => {
  it('by number is the same however it was typed, and names who gave it', () => {
    const same = [
      { PatientID: 'K 123/a', IssuerOfPatientID: 'City' },
      { PatientID: ' k123/A ', IssuerOfPatientID: 'CITY ' },
      { PatientID: 'Ｋ１２３/a', IssuerOfPatientID: 'city' }, // as wide characters
    ].map((facts) => byNumber(facts));
    expect(new Set(same).size).toBe(1);
    expect(byNumber({ PatientID: 'K123/A' }, 'city')).toBe(same[0]);
    expect(byNumber({ PatientID: 'K123/A', IssuerOfPatientID: 'Other' }, 'city')).not.toBe(same[0]);
  });

  it('by number is none without a number, or without who gave it', () => {
    for (const facts of [
      { PatientID: '1' },
      { IssuerOfPatientID: 'City' },
      { PatientID: ' ', IssuerOfPatientID: 'City' },
    ]) {
      expect(byNumber(facts)).toBeUndefined();
    }
    expect(byNumber({}, 'City')).toBeUndefined();
  });

  it('cannot be made to look like another by where it is divided', () => {
    expect(byNumber({ PatientID: 'b"c', IssuerOfPatientID: 'a' })).not.toBe(
      byNumber({ PatientID: 'c', IssuerOfPatientID: 'a","b' }),
    );
  });

  it.each([
    ['umlauts written out', { ...person, PatientName: 'WEISS^ANNA' }],
    ['further names and titles', { ...person, PatientName: 'Weiß^Anna^Maria^Dr.' }],
    ['other alphabets beside', { ...person, PatientName: 'Weiß^Anna=ヴァイス^アンナ' }],
    ['signs and spaces', { ...person, PatientName: ' Weiß ^Anna.' }],
    ['another way to write a date', { ...person, PatientBirthDate: '1956-01-02' }],
    ['a small letter', { ...person, PatientSex: 'f' }],
  ])('by name is the same with %s', (_, facts) => {
    expect(byName(facts)).toBe(byName(person));
    expect(byName(person)).toBeDefined();
  });

  it.each([
    ['Müller', 'MUELLER'],
    ['Müller', 'Mu\u0308ller'],
    ['Nuñez', 'NUNEZ'],
    ['Ångström', 'AANGSTROEM'],
    ["O'Neill-Smith", 'ONEILLSMITH'],
  ])('takes %s and %s for one name', (one, other) => {
    const named = (family: string) => byName({ ...person, PatientName: `${family}^A` });
    expect(named(one)).toBe(named(other));
  });

  it('by name is none where anything is missing, and another where anything differs', () => {
    for (const facts of [
      { ...person, PatientName: 'Weiß' },
      { ...person, PatientName: '' },
      { ...person, PatientBirthDate: '1956' },
      { ...person, PatientSex: '' },
      {},
    ]) {
      expect(byName(facts)).toBeUndefined();
    }
    for (const facts of [
      { ...person, PatientName: 'Weiß^Anne' },
      { ...person, PatientBirthDate: '19560103' },
      { ...person, PatientSex: 'M' },
    ]) {
      expect(byName(facts)).not.toBe(byName(person));
    }
  });
});
