/** Routes of QIDO-RS (PS3.18 10.6). */
import type { FastifyInstance } from 'fastify';
import type { AttributeSet, QueryLevel } from '../catalogue-query.ts';
import type { DicomwebContext } from './dicomweb-options.ts';
import { acceptedTypes, includes } from './media-type.ts';
import { qidoAnswer } from './qido-answer.ts';
import { parseQido } from './qido-query.ts';
import { notAcceptable } from './wado.ts';

const routes: readonly [path: string, level: QueryLevel][] = [
  ['/studies', 'study'],
  ['/series', 'series'],
  ['/instances', 'instance'],
  ['/studies/:study/series', 'series'],
  ['/studies/:study/instances', 'instance'],
  ['/studies/:study/series/:series/instances', 'instance'],
];

export function qidoRoutes(app: FastifyInstance, { catalogue, rootUrlOf }: DicomwebContext): void {
  for (const [path, level] of routes) {
    app.get(path, { config: { dicomweb: 'read' } }, async (request, reply) => {
      const accepted = acceptedTypes(request.headers.accept);
      const isJson = accepted.some(
        (range) => includes(range, 'application/dicom+json') || includes(range, 'application/json'),
      );
      if (!isJson) throw notAcceptable();
      const { series, study } = request.params as { study?: string; series?: string };
      const within = {
        ...(study === undefined ? {} : { StudyInstanceUID: study }),
        ...(series === undefined ? {} : { SeriesInstanceUID: series }),
      };
      const qido = parseQido(level, request.query as Record<string, string | string[]>, within);
      const { hasMore, matches } = catalogue.find(qido.query);
      if (hasMore && qido.query.limit === undefined) {
        reply.header('Warning', '299 consilium "There are more results; use offset and limit"');
      }
      const root = rootUrlOf(request);
      const answers = matches.map((found) => qidoAnswer(found, qido, entityUrl(root, found, level)));
      return reply.type('application/dicom+json').send(JSON.stringify(answers));
    });
  }
}

function entityUrl(root: string, found: AttributeSet, level: QueryLevel): string {
  const study = `${root}/studies/${found.StudyInstanceUID?.[0]}`;
  if (level === 'study') return study;
  const series = `${study}/series/${found.SeriesInstanceUID?.[0]}`;
  return level === 'series' ? series : `${series}/instances/${found.SOPInstanceUID?.[0]}`;
}
