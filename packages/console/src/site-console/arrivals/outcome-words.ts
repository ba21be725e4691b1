/** Why a file was ignored, in words. Codes of refusals have pages of their own. */
export const ignoredWords: Readonly<Record<string, string>> = {
  dicomdir: 'A directory of a CD: it is not needed.',
  hidden: 'A hidden file of the operating system.',
  zip: 'A zip within a zip: unpack it and send it by itself.',
  reference: 'A reference for scoring, not for training: it is left out on purpose.',
  'label-without-image': 'A segmentation whose image is not there: send both together.',
  'label-beside-another': 'A second segmentation of the same image: the first was taken.',
  'not-an-image': 'Neither DICOM, nor NIfTI, nor NRRD.',
};
