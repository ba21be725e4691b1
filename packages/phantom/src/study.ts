/**
 * One synthetic study of a simulated hospital: image, the site's labels, and the truth. A pure function of its options:
 * the same seed gives the same bytes on every machine.
 */
import type { Image, LabelMap } from '@consilium/imaging';
import { createRandom, type Random } from '@consilium/numerics';
import { paintPatient } from './anatomy.ts';
import { type Grid, geometryOf } from './canvas.ts';
import { drawLabels } from './labelling.ts';
import { drawPatient, type Patient, quantised } from './patient.ts';
import { PhantomError } from './phantom-error.ts';
import { scan } from './scanner.ts';
import { type SiteProfile, siteProfiles } from './site-profile.ts';
import type { Kvp, Phase, Subtype } from './tissue.ts';
import { referenceLabels, type Truth, truthOf } from './truth.ts';

interface MassInfo {
  readonly side: 'left' | 'right';
  readonly volumeMl: number;
  readonly diameterMm: number;
  /** LPS `[x, y, z]` of the centre, mm. */
  readonly centreMm: readonly [number, number, number];
}

interface TumourInfo extends MassInfo {
  readonly subtype: Subtype;
  readonly exophyticShare: number;
  readonly necroticShare: number;
}

/** What is known of a made-up patient; written as `case.json`. */
export interface PhantomInfo {
  readonly synthetic: true;
  readonly generator: string;
  readonly patientId: string;
  readonly seed: number;
  readonly siteIndex: number;
  readonly studyIndex: number;
  readonly site: string;
  readonly detail: 'tiny' | 'small' | 'full';
  readonly sex: 'female' | 'male';
  readonly ageYears: number;
  readonly bodyMassIndex: number;
  readonly phase: Phase;
  readonly kvp: Kvp;
  readonly manufacturer: string;
  readonly model: string;
  readonly kernel: string;
  readonly sliceThicknessMm: number;
  /** Of the largest tumour. */
  readonly subtype: Subtype;
  readonly tumours: readonly TumourInfo[];
  readonly cysts: readonly MassInfo[];
  readonly tumourVolumeMl: number;
}

export interface PhantomStudy {
  /** Int16 HU, `[z, y, x]`. */
  readonly image: Image;
  /** Classes as the site draws them. */
  readonly label: LabelMap;
  /** Classes as they are. */
  readonly reference: LabelMap;
  readonly info: PhantomInfo;
}

export interface StudyOptions {
  readonly seed: number;
  readonly siteIndex: number;
  readonly studyIndex: number;
  /** In place of the built-in profile of `siteIndex`. */
  readonly profile?: SiteProfile;
  /** 'small': the kidneys' region at about 3 mm, for rehearsals of minutes. 'tiny': at twice that. 'full': the site's matrix and field of view. */
  readonly detail: 'tiny' | 'small' | 'full';
}

export function makeStudy(options: StudyOptions): PhantomStudy {
  const profile = profileOf(options);
  const random = createRandom(options.seed, 'phantom', options.siteIndex, options.studyIndex);
  const patient = drawPatient(profile, random.fork('patient'));
  const grid = gridOf(profile, options.detail, patient);
  const truth = truthOf(patient, grid, random.fork('truth'));
  const painted = paintPatient(
    { patient, truth, grid, borderMm: borderOf(profile, grid), table: profile.scanner.table },
    random.fork('anatomy'),
  );
  const voxels = scan(painted, { grid, profile, patient, sliceSpacingMm: grid.spacingMm[0] }, random.fork('scanner'));
  const isocentre = isocentreOf(random.fork('table'));
  const geometry = geometryOf(grid, isocentre);
  return {
    image: { geometry, voxels },
    label: { geometry, voxels: drawLabels(truth, grid, profile.labelling, random.fork('labels')) },
    reference: { geometry, voxels: referenceLabels(truth, grid) },
    info: infoOf(options, { profile, patient, truth, isocentre }),
  };
}

function profileOf({ seed, siteIndex, studyIndex, profile }: StudyOptions): SiteProfile {
  for (const [name, value] of Object.entries({ seed, siteIndex, studyIndex })) {
    if (!Number.isSafeInteger(value) || value < 0) {
      throw new PhantomError('phantom.option-not-whole', `${name} must be a whole number from 0 on`);
    }
  }
  const chosen = profile ?? siteProfiles[siteIndex];
  if (!chosen) {
    throw new PhantomError('phantom.site-unknown', `there are ${siteProfiles.length} site profiles, numbered from 0`);
  }
  return chosen;
}

/** Slices over kidneys and masses with a margin; in the plane the kidneys' region or the whole field of view. */
function gridOf(profile: SiteProfile, detail: StudyOptions['detail'], patient: Patient): Grid {
  const { protocol } = profile;
  const ends = [...patient.kidneys, ...patient.masses].map(({ centreMm, radiiMm }) => ({
    low: centreMm[2] - radiiMm[2],
    high: centreMm[2] + radiiMm[2],
  }));
  const low = Math.max(-130, Math.min(...ends.map((end) => end.low)) - 14);
  const high = Math.min(130, Math.max(...ends.map((end) => end.high)) + 14);
  const middleZ = quantised((low + high) / 2);
  if (detail !== 'full') {
    const { sliceSpacingMm, pixelMm, size } = protocol.small;
    const slices = Math.min(48, Math.max(24, Math.round(146 / sliceSpacingMm)));
    // The same region; a tiny study has an eighth of the voxels.
    const coarser = detail === 'tiny' ? 2 : 1;
    const voxels = [slices, size[0], size[1]].map((count) => Math.round(count / coarser));
    const spacingMm = [sliceSpacingMm, pixelMm, pixelMm].map((mm) => mm * coarser);
    return centred(voxels as unknown as Grid['size'], spacingMm as unknown as Grid['spacingMm'], [0, -18, middleZ]);
  }
  const { sliceSpacingMm, matrix } = protocol;
  const slices = Math.min(100, Math.max(24, Math.round((high - low) / sliceSpacingMm)));
  const pixelMm = quantised(protocol.fieldOfViewMm / matrix);
  return centred(
    [slices, matrix, matrix],
    [sliceSpacingMm, pixelMm, pixelMm],
    [0, quantised(patient.body.centreYMm + 8), middleZ],
  );
}

function centred(size: Grid['size'], spacingMm: Grid['spacingMm'], middleMm: readonly [number, number, number]): Grid {
  const first = (world: 0 | 1 | 2): number => {
    const axis = (2 - world) as 0 | 1 | 2;
    return quantised(middleMm[world] - ((size[axis] - 1) / 2) * spacingMm[axis]);
  };
  return { size, spacingMm, firstMm: [first(0), first(1), first(2)] };
}

/** Width over which a border is blurred by the finite pixel, mm; the kernel's own blur comes later. */
function borderOf(profile: SiteProfile, grid: Grid): number {
  return Math.max(grid.spacingMm[2], 0.8 * profile.scanner.blurMm);
}

function isocentreOf(random: Random): readonly [number, number, number] {
  return [
    quantised(random.between(-12, 12)),
    quantised(random.between(-190, -150)),
    quantised(random.between(-600, -100)),
  ];
}

function infoOf(
  options: StudyOptions,
  drawn: {
    readonly profile: SiteProfile;
    readonly patient: Patient;
    readonly truth: Truth;
    readonly isocentre: readonly [number, number, number];
  },
): PhantomInfo {
  const { profile, patient, truth, isocentre } = drawn;
  const massInfo = ({ mass, volumeMl }: Truth['masses'][number]): MassInfo => ({
    side: mass.side,
    volumeMl: hundredths(volumeMl),
    diameterMm: hundredths(mass.diameterMm),
    centreMm: [0, 1, 2].map((axis) =>
      hundredths((mass.centreMm[axis] as number) + (isocentre[axis] as number)),
    ) as unknown as MassInfo['centreMm'],
  });
  const tumours = truth.masses
    .filter(({ mass }) => mass.kind === 'tumour')
    .map((item) => ({
      ...massInfo(item),
      subtype: item.mass.subtype ?? 'clear-cell',
      exophyticShare: hundredths(item.mass.exophytic),
      necroticShare: hundredths(item.mass.necrosis),
    }));
  const largest = [...tumours].sort((a, b) => b.volumeMl - a.volumeMl)[0];
  return {
    synthetic: true,
    generator: 'Consilium phantom 1',
    patientId: `SYNTH-s${options.siteIndex}-${String(options.studyIndex).padStart(4, '0')}`,
    seed: options.seed,
    siteIndex: options.siteIndex,
    studyIndex: options.studyIndex,
    site: profile.name,
    detail: options.detail,
    sex: patient.sex,
    ageYears: patient.ageYears,
    bodyMassIndex: hundredths(patient.bodyMassIndex),
    phase: patient.contrast.phase,
    kvp: patient.kvp,
    manufacturer: profile.scanner.manufacturer,
    model: profile.scanner.model,
    kernel: profile.scanner.kernel,
    sliceThicknessMm: profile.protocol.sliceThicknessMm,
    subtype: largest?.subtype ?? 'clear-cell',
    tumours,
    cysts: truth.masses.filter(({ mass }) => mass.kind === 'cyst').map(massInfo),
    tumourVolumeMl: hundredths(tumours.reduce((sum, tumour) => sum + tumour.volumeMl, 0)),
  };
}

function hundredths(value: number): number {
  return Math.round(value * 100) / 100;
}
