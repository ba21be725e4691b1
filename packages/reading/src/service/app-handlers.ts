/** Answers what is asked about apps and their tools, and makes projects of apps. */

import { runCaseTool } from '../apps/case-tool.ts';
import type { Asker } from '../asker.ts';
import type { Answer, Asked } from '../contract/route-table.ts';
import { encodeRuns } from '../label/run-length.ts';
import type { ReadingContext, Some } from './reading-context.ts';

export function appHandlers({
  room,
}: ReadingContext): Some<'listApps' | 'projectApp' | 'createProject' | 'reviseProtocol' | 'runTool'> {
  const { apps, projects } = room;
  const changed = async (
    asker: Asker,
    { body, how, project }: { body: Asked<'createProject'>['body']; how: 'create' | 'revise'; project: string },
  ) => {
    if (!('app' in body)) return { version: await projects[how](asker, project, body) };
    const { app, ...choices } = body;
    return { version: await apps.apply(asker, project, { app, choices, how }) };
  };
  return {
    listApps: () =>
      apps.shelf.list().map(({ declaration: { description, name, title }, digest }) => ({
        ...{ name, title, description, digest },
      })),
    projectApp: ({ params }) => {
      const app = apps.of(params.project);
      return app === undefined ? null : { digest: app.digest, app: app.declaration as Answer<'openapi'> };
    },
    createProject: ({ asker, body, params }) => changed(asker, { body, how: 'create', project: params.project }),
    reviseProtocol: ({ asker, body, params }) => changed(asker, { body, how: 'revise', project: params.project }),
    runTool: async ({ asker, body, params }) => {
      const { seriesInstanceUid } = room.caseOf(asker, params.project, params.case);
      const volume = await room.volumes.open(seriesInstanceUid);
      const code = apps.of(params.project)?.code;
      const { box, mask } = await runCaseTool(volume, { ...body, code });
      const last = (axis: 0 | 1 | 2) => box.start[axis] + box.size[axis] - 1;
      const runs = Buffer.from(encodeRuns(mask)).toString('base64');
      return { first: box.start, last: [last(0), last(1), last(2)], runs };
    },
  };
}
