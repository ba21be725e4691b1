/** `/session`: images that clients send to be looked at, not kept. */
import { z } from 'zod';
import type { ImageSession } from './image-sessions.ts';
import { malformed } from './malformed-request.ts';
import { type AddRoute, formOf, type MonaiContext, queryOf, sendFile, truth } from './monai-context.ts';

const newSession = z.object({ uncompress: truth.default(false), expiry: z.coerce.number().int().min(0).default(0) });

export function sessionRoutes(add: AddRoute, context: MonaiContext): void {
  const { sessions } = context;
  add('PUT /session/', async (turn) => {
    const { expiry, uncompress } = queryOf(newSession, turn);
    await using form = await formOf(context, turn);
    const files = form.files.filter(({ field }) => field === 'files');
    if (files.length !== 1 || uncompress) {
      throw malformed('body.files', 'must be one volume, as NIfTI or NRRD; send DICOM into the archive');
    }
    const session = await sessions.create(turn.asker, files[0]!, expiry);
    return { session_id: session.id, session_info: answerOf(session) };
  });
  add('GET /session/:session', async (turn) => {
    const { image, update_ts: isUse } = queryOf(
      z.object({ update_ts: truth.default(false), image: truth.default(false) }),
      turn,
    );
    const session = await sessions.get(turn.asker, turn.params['session']!, { isUse });
    return image ? sendFile(turn, session.path, session.fileName) : answerOf(session);
  });
  add('DELETE /session/:session', async ({ asker, params }) =>
    answerOf(await sessions.remove(asker, params['session']!)),
  );
}

/** Clients are told no path of this machine. */
function answerOf({ createdMs, expirySeconds, fileName, id, usedMs }: ImageSession): object {
  return {
    ...{ name: id, path: id, image: `${id}/${fileName}`, meta: {} },
    create_ts: Math.floor(createdMs / 1000),
    last_access_ts: Math.floor(usedMs / 1000),
    expiry: expirySeconds,
  };
}
