/** What the archive's findings mean for training, and what can be done, by their codes. */
export const findingWords: Readonly<Record<string, string>> = {
  'volume.duplicate': 'A cohort takes only the first of series that show the same, unless told otherwise.',
  'volume.of-other-subject':
    'Two subjects have a series with equal pixels: one patient under two names, perhaps. If both are in one cohort, the same patient may train and test. Find out at the PACS, and leave one out.',
  'volume.several': 'Which volume a segmentation belongs to is not known. Export each volume as a series of its own.',
  'volume.slices-missing':
    'The volume would have a hole. Fetch the series again; if it stays, slices are missing at the PACS.',
  'volume.slices-apart':
    'What lies between the slices was not seen. Small tumours can be missed; leave such series out if others of the study are denser.',
  'volume.slices-overlap': 'Nothing to do: the volume is read as it is.',
  'volume.spacing-uneven': 'Distances between slices vary. A little is usual; volumes in ml are a little off.',
  'volume.gantry-tilt':
    'The slices are sheared. Training sees the tilt as it is; leave it out if others of the study are not tilted.',
  'volume.slices-shifted': 'The slices do not lie one above the other. Have the series exported again.',
  'volume.positions-repeat':
    'Several images claim the same place. Usually phases were mixed in one series: export them apart.',
  'volume.single-slice': 'One slice is no volume to train on.',
  'volume.localizer': 'Nothing to do: scouts are left out.',
  'volume.localizer-left-out': 'Nothing to do: scouts are left out.',
  'volume.secondary-capture': 'Nothing to do: such pictures are no volumes.',
  'volume.screen-save': 'Nothing to do: such pictures are no volumes.',
  'volume.series-split': 'Only the largest volume is used. Look at whether it is the one that you want.',
  'volume.others-left-out': 'Look at the count of slices if you expected more.',
  'volume.duplicate-left-out': 'Nothing to do: each slice is used once.',
  'volume.rescale-missing':
    'Values may not be in HU. Compare the brightness of air and fat with other series; mark it as failed if they differ.',
  'volume.rescale-varies': 'Usual for PET; for CT it is unusual: look at the picture.',
  'volume.not-hounsfield': 'Training expects HU for CT. Mark it as failed if it is a map of something else.',
  'volume.padding-replaced': 'Nothing to do: what lies outside the field of view became air.',
  'volume.acquisition-varies':
    'Parts were scanned differently. Look at the picture; mark it as failed if it is patched together.',
  'volume.burned-in-annotation':
    'Look at the picture. If a name is to be read there, erase the subject and tell who sent it.',
  'volume.lossy-compression': 'Fine detail is lost. Fetch the original, if there is one.',
  'volume.identifiers-missing': 'Nothing to do: the archive gave its own.',
  'volume.derived-image':
    'It was computed, as a subtraction or a projection is. Mark it as failed if it is not to be trained on.',
  'volume.no-geometry': 'Where its pixels lie in the patient is not stated, so no segmentation can lie on it.',
  'volume.colour': 'Coloured pictures are no volumes to train on.',
  'volume.too-large': 'It has more voxels than are read. Export a smaller stretch.',
  'volume.modality-not-read': 'Nothing to do: it is kept, and not trained on.',
  'label.off-grid':
    'The segmentation lies on other voxels than its series. Export it anew from the program that drew it, on the grid of the image.',
  'label.empty': 'Nothing is drawn in it. If the patient has no tumour that may be right; else take the right file.',
  'label.unreadable': 'Export the segmentation anew; DICOM SEG, NIfTI and NRRD are read.',
  'label.phase-contradicts':
    'The words of the series and the brightness of the kidneys say different phases. Look at the picture and set the phase right on the page of the series.',
  unfit: 'A person marked it. The reason stands with each series.',
};
