export type { Admission, Door, Origin } from './admission.ts';
export { ArchiveError } from './archive-error.ts';
export type {
  AttributeMatch,
  AttributePage,
  AttributeQuery,
  AttributeSet,
  CatalogueAttribute,
  InstanceCatalogue,
  InstanceSelector,
  QueryLevel,
  StoredInstance,
} from './catalogue-query.ts';
export { catalogueAttributes } from './catalogue-query.ts';
