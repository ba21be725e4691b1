/**
 * What a hospital chooses about de-identification: the Basic Application Level Confidentiality Profile with options
 * (PS3.15 annex E). What is left out is the safe choice. UIDs are never retained.
 */
import type { PixelRule } from './pixel-rules.ts';

export interface DeidentificationProfile {
  /**
   * `shifted` (default): Retain Longitudinal Temporal Information with Modified Dates (E.3.6): every date of a subject is
   * moved into the past by the same keyed number of whole days, times stay. `removed`: dates and times go as by the basic profile.
   */
  readonly dates?: 'shifted' | 'removed';
  /** `cleaned` (default): Clean Descriptors (E.3.5): of free text stays what a list of safe words knows. */
  readonly descriptors?: 'cleaned' | 'removed';
  /** `kept` (default): Retain Patient Characteristics (E.3.7): sex, age up to 90 years, size, weight, and the like. */
  readonly patientCharacteristics?: 'kept' | 'removed';
  /** `removed` (default), or `kept`: Retain Device Identity (E.3.8): station, serial numbers. */
  readonly deviceIdentity?: 'kept' | 'removed';
  /** `removed` (default), or `kept`: Retain Institution Identity (E.3.11). */
  readonly institution?: 'kept' | 'removed';
  /** `safe` (default): Retain Safe Private (E.3.10): of private attributes those that PS3.15 lists as safe. */
  readonly privateAttributes?: 'safe' | 'removed';
  /** Further words that may stay in descriptors, such as a hospital's names of protocols. Case is ignored. */
  readonly safeWords?: readonly string[];
  /** Where text is burned into pixels, besides the rules built in (E.3.1). The first that matches is taken. */
  readonly pixelRules?: readonly PixelRule[];
  /**
   * What is done where the pixels themselves look as if text were burned in: `refused` (default), `blanked`: the lines
   * found are made black, or `unchecked`.
   */
  readonly burnedInText?: 'refused' | 'blanked' | 'unchecked';
}
