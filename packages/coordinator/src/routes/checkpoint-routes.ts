/** Where a site and this coordinator show each other the heads of their audit logs. */
import { type Alarm, type AuditLog, answerCheckpoint } from '@consilium/audit';
import { type CheckpointAnswerMessage, parseCheckpointOffer } from '@consilium/protocol';
import { type Identity, Refusal } from '@consilium/transport';
import type { FastifyInstance, FastifyRequest } from 'fastify';

export interface CheckpointRoutesOptions {
  readonly audit: AuditLog;
  /** @throws a coded refusal if the peer is not an admitted site */
  readonly siteOf: (request: FastifyRequest) => Identity;
  /** Milliseconds. */
  readonly nowMs: () => number;
  /** A site's log is not what it was. */
  readonly onAlarm: (siteId: string, alarm: Alarm) => void;
}

/** Each is an entry of this log: a site may not fill the disk. Sites show theirs at each connection and each hour. */
const everyMsMin = 2000;

export async function checkpointRoutes(
  app: FastifyInstance,
  { audit, nowMs, onAlarm, siteOf }: CheckpointRoutesOptions,
): Promise<void> {
  const shownMs = new Map<string, number>();
  app.post('/v1/checkpoints', async (request): Promise<CheckpointAnswerMessage> => {
    const { id, keyFingerprint } = siteOf(request);
    const { kind: _, ...offer } = parseCheckpointOffer(request.body);
    // A site that was admitted anew, with another key, may have another log: people have compared that key.
    const origin = `${id}@${keyFingerprint.replaceAll(' ', '').slice(0, 16)}`;
    if (nowMs() - (shownMs.get(origin) ?? Number.NEGATIVE_INFINITY) < everyMsMin) {
      throw new Refusal(
        429,
        'coordinator.too-often',
        'The head of the log was shown a moment ago. Show the next later.',
      );
    }
    const { alarm, answer } = await answerCheckpoint(audit, origin, offer);
    if (answer.kind === 'checkpoint') shownMs.set(origin, nowMs());
    if (alarm !== null) onAlarm(id, alarm);
    return answer.kind === 'path-wanted' ? answer : { ...answer, path: [...answer.path] };
  });
}
