/** Where a site and this coordinator show each other the heads of their audit logs. */
import { type Alarm, type AuditLog, answerCheckpoint } from '@consilium/audit';
import { type CheckpointAnswerMessage, parseCheckpointOffer } from '@consilium/protocol';
import type { Identity } from '@consilium/transport';
import type { FastifyInstance, FastifyRequest } from 'fastify';

export interface CheckpointRoutesOptions {
  readonly audit: AuditLog;
  /** @throws a coded refusal if the peer is not an admitted site */
  readonly siteOf: (request: FastifyRequest) => Identity;
  /** A site's log is not what it was. */
  readonly onAlarm: (siteId: string, alarm: Alarm) => void;
}

export async function checkpointRoutes(
  app: FastifyInstance,
  { audit, onAlarm, siteOf }: CheckpointRoutesOptions,
): Promise<void> {
  app.post('/v1/checkpoints', async (request): Promise<CheckpointAnswerMessage> => {
    const { id, keyFingerprint } = siteOf(request);
    const { kind: _, ...offer } = parseCheckpointOffer(request.body);
    // A site that was admitted anew, with another key, may have another log: people have compared that key.
    const origin = `${id}@${keyFingerprint.replaceAll(' ', '').slice(0, 16)}`;
    const { alarm, answer } = await answerCheckpoint(audit, origin, offer);
    if (alarm !== null) onAlarm(id, alarm);
    return answer.kind === 'path-wanted' ? answer : { ...answer, path: [...answer.path] };
  });
}
