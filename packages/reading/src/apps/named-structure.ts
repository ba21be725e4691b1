/**
 * A structure out of its name: with the codes that DICOM has for it, or, for a name that is not known here, as tissue. Codes
 * are those of PS3.16 (2025): categories of CID 7150; types of CID 7154 (abdomen), 7155 (thorax), 7152, 7153, 7160 and 7151,
 * of CID 7159 (lesions) and 7166 (tissues).
 */
import { z } from 'zod';
import { type ProtocolInput, structureSchema } from '../contract/protocol-schema.ts';

/** A whole structure, or its name. */
export const namedStructureSchema = z.union([z.string().trim().min(1).max(64), structureSchema]);

type StructureInput = ProtocolInput['structures'][number];
type Code = StructureInput['type'];

const sct = (value: string, meaning: string): Code => ({ value, scheme: 'SCT', meaning });
const anatomical = sct('91723000', 'Anatomical Structure');
const abnormal = sct('49755003', 'Morphologically Abnormal Structure');
const tissue = sct('85756007', 'Tissue');

const organs: Readonly<Record<string, Code>> = {
  'adrenal gland': sct('23451007', 'Adrenal gland'),
  aorta: sct('15825003', 'Aorta'),
  bladder: sct('89837001', 'Bladder'),
  brain: sct('12738006', 'Brain'),
  colon: sct('71854001', 'Colon'),
  duodenum: sct('38848004', 'Duodenum'),
  gallbladder: sct('28231008', 'Gallbladder'),
  heart: sct('80891009', 'Heart'),
  kidney: sct('64033007', 'Kidney'),
  liver: sct('10200004', 'Liver'),
  lung: sct('39607008', 'Lung'),
  'lymph node': sct('59441001', 'Lymph Node'),
  oesophagus: sct('32849002', 'Esophagus'),
  pancreas: sct('15776009', 'Pancreas'),
  prostate: sct('41216001', 'Prostate'),
  'renal pelvis': sct('25990002', 'Renal pelvis'),
  spleen: sct('78961009', 'Spleen'),
  stomach: sct('69695003', 'Stomach'),
  trachea: sct('44567001', 'Trachea'),
  ureter: sct('87953007', 'Ureter'),
  uterus: sct('35039007', 'Uterus'),
  vertebra: sct('51282000', 'Vertebra'),
};
const lesions: Readonly<Record<string, Code>> = {
  abscess: sct('44132006', 'Abscess'),
  cyst: sct('367643001', 'Cyst'),
  lesion: sct('52988006', 'Lesion'),
  mass: sct('4147007', 'Mass'),
  necrosis: sct('6574001', 'Necrosis'),
  nodule: sct('27925004', 'Nodule'),
  tumour: sct('108369006', 'Neoplasm'),
};
const tissues: Readonly<Record<string, Code>> = {
  artery: sct('51114001', 'Artery'),
  bone: sct('3138006', 'Bone'),
  fat: sct('55603005', 'Fat'),
  muscle: sct('91727004', 'Muscle'),
  vein: sct('29092000', 'Vein'),
};
const otherSpellings: Readonly<Record<string, string>> = {
  esophagus: 'oesophagus',
  neoplasm: 'tumour',
  tumor: 'tumour',
};

/** Of Okabe and Ito: told apart also by those who see few colours. */
const colours = ['#e69f00', '#56b4e9', '#009e73', '#f0e442', '#0072b2', '#d55e00', '#cc79a7'] as const;

/** @param number in the voxels. */
export function structureNamed(name: string, number: number): StructureInput {
  const plain = name.trim().toLowerCase();
  const known = otherSpellings[plain] ?? plain;
  const place = { number, name: name.trim(), colour: colours[(number - 1) % colours.length]! };
  // Own properties only: a structure may be named "constructor".
  const codeIn = (codes: Readonly<Record<string, Code>>) => (Object.hasOwn(codes, known) ? codes[known] : undefined);
  const organ = codeIn(organs);
  if (organ !== undefined) return { ...place, category: anatomical, type: organ };
  const lesion = codeIn(lesions);
  if (lesion !== undefined) return { ...place, category: abnormal, type: lesion };
  return { ...place, category: tissue, type: codeIn(tissues) ?? tissue };
}
