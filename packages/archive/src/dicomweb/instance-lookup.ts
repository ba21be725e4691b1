/** The instances that the path of an address means. */
import type { FastifyRequest } from 'fastify';
import { ArchiveError } from '../archive-error.ts';
import type { InstanceCatalogue, InstanceSelector, StoredInstance } from '../catalogue-query.ts';

interface PathParameters {
  readonly study?: string;
  readonly series?: string;
  readonly instance?: string;
}

/** @throws ArchiveError `archive.not-found` */
export function instancesOf(request: FastifyRequest, catalogue: InstanceCatalogue): readonly StoredInstance[] {
  const { instance, series, study } = request.params as PathParameters;
  const selector: InstanceSelector = {
    studyInstanceUid: study!,
    ...(series === undefined ? {} : { seriesInstanceUid: series }),
    ...(instance === undefined ? {} : { sopInstanceUid: instance }),
  };
  const found = catalogue.instancesOf(selector);
  if (found.length === 0) throw new ArchiveError('archive.not-found', 'The archive has no such instances.');
  return found;
}

/** @param root address of DICOMweb. */
export function instanceUrl(root: string, instance: StoredInstance): string {
  const { seriesInstanceUid, sopInstanceUid, studyInstanceUid } = instance;
  return `${root}/studies/${studyInstanceUid}/series/${seriesInstanceUid}/instances/${sopInstanceUid}`;
}
