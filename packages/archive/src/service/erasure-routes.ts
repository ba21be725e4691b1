/** Routes by which subjects are erased and let in again. */
import type { FastifyInstance } from 'fastify';
import * as api from '../api.ts';
import { type ConsoleContext, type Named, parsed } from './console-context.ts';

export function erasureRoutes(app: FastifyInstance, { archive, pulls }: ConsoleContext): void {
  app.post('/pseudonym', async ({ body }) => {
    const { issuer, patientId } = parsed(api.pseudonymSchema, body);
    const pseudonym = archive.pseudonymOfPatient(patientId, issuer);
    return { pseudonym, isHere: archive.catalogue.studiesOf(pseudonym).length > 0 };
  });
  app.get('/erasures', async (): Promise<readonly api.ErasedSubject[]> => archive.erasure.list());
  app.post<Named>('/subjects/:id/erase', async ({ body, params: { id } }): Promise<api.ErasedSubject> => {
    const { reason } = parsed(api.erasureSchema, body);
    const studies = new Set(archive.catalogue.studiesOf(id).map(({ studyInstanceUid }) => studyInstanceUid));
    await pulls.forget(({ studyInstanceUid }) => studies.has(archive.pseudonymOf(studyInstanceUid)));
    return archive.erasure.erase(id, reason);
  });
  app.post<Named>('/subjects/:id/allow', async ({ body, params: { id } }) => {
    await archive.erasure.allow(id, parsed(api.erasureSchema, body).reason);
    return {};
  });
}
