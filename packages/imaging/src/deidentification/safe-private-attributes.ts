/**
 * Private attributes that hold no identity (PS3.15 Table E.3.10-1), as far as they belong to CT, MR and PET: what is
 * needed to tell how an image was made or, for PET and MR, what its pixels mean. The list is the standard's; its
 * attributes for ultrasound and mammography are left out here and so are removed.
 */

export interface SafePrivateAttribute {
  /** Values are checked against it whatever the file says. */
  readonly vr: 'CS' | 'DS' | 'FD' | 'FL' | 'IS' | 'LO' | 'SH' | 'SL' | 'SS';
}

/** By private creator, then by group and the low byte of the element, as `0019xx23`. */
export function safePrivateAttribute(creator: string, tag: number): SafePrivateAttribute | undefined {
  const group = Math.floor(tag / 65_536)
    .toString(16)
    .padStart(4, '0');
  const element = (tag % 256).toString(16).padStart(2, '0');
  const vr = safePrivate[creator]?.[`${group}xx${element}`];
  return vr && { vr };
}

const safePrivate: Readonly<Record<string, Readonly<Record<string, SafePrivateAttribute['vr']>>>> = {
  // SUV factor, activity concentration factor
  'Philips PET Private Group': { '7053xx00': 'DS', '7053xx09': 'DS' },
  // Scale intercept and slope
  'Philips MR Imaging DD 001': { '2005xx0d': 'FL', '2005xx0e': 'FL' },
  // Diffusion b-factor and direction
  'Philips Imaging DD 001': { '2001xx03': 'FL', '2001xx04': 'CS' },
  // B value, directionality, gradient direction, b matrix
  'SIEMENS MR HEADER': { '0019xx0c': 'IS', '0019xx0d': 'CS', '0019xx0e': 'FD', '0019xx27': 'FD' },
  // DLP; phantom type, acquisition duration; acquisition type, table velocity, pitch, rotation time
  ELSCINT1: {
    ...{ '00e1xx21': 'DS', '01e1xx26': 'CS', '01e1xx50': 'DS' },
    ...{ '01f1xx01': 'CS', '01f1xx07': 'DS', '01f1xx26': 'DS', '01f1xx27': 'DS' },
  },
  // Table speed, mid-scan time, rotation speed, internal name of the pulse sequence
  GEMS_ACQU_01: { '0019xx23': 'DS', '0019xx24': 'DS', '0019xx27': 'DS', '0019xx9e': 'LO' },
  // Images in the series
  GEMS_SERS_01: { '0025xx07': 'SL' },
  // Pitch ratio, b value, scanner table entry and gantry position
  GEMS_PARM_01: { '0043xx27': 'SH', '0043xx39': 'IS', '0043xx6f': 'DS' },
  // Macro rows at the detector, their width at the isocentre
  GEMS_HELIOS_01: { '0045xx01': 'SS', '0045xx02': 'FL' },
};
