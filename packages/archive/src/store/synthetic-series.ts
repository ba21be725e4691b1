/** Which series say of themselves that they were made artificially. */

/** Of volumes that did not come as DICOM, which has an attribute for it. */
export const syntheticTag = 'synthetic';

/** Over `series`: by Synthetic Data (0008,001C; PS3.3 C.12.1), or the tag. */
export const isSyntheticSql = `(
  EXISTS (SELECT 1 FROM tag WHERE tag.series_id = series.id AND tag.name = '${syntheticTag}') OR
  EXISTS (SELECT 1 FROM series_attribute WHERE series_attribute.series_id = series.id AND text = 'YES' AND attribute_id =
    (SELECT id FROM attribute WHERE keyword = 'SyntheticData')))`;
