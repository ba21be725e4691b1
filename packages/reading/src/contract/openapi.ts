/** The OpenAPI 3.1 document of the interface, made from the table of its routes. */
import { z } from 'zod';
import { errorSchema } from './reading-schemas.ts';
import { type RouteContract, routeTable } from './route-table.ts';

type Json = Readonly<Record<string, unknown>>;

/** @param prefix under which the routes are served. */
export function openapiDocument(prefix: string): Json {
  const paths: Record<string, Record<string, Json>> = {};
  for (const [operationId, route] of Object.entries(routeTable) as [string, RouteContract][]) {
    const path = prefix + route.path.replace(/:(\w+)/g, '{$1}');
    paths[path] ??= {};
    paths[path][route.method.toLowerCase()] = operationOf(operationId, route);
  }
  return {
    openapi: '3.1.0',
    info: { title: 'Consilium reading room', version: '1' },
    components: { securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } } },
    security: [{ bearer: [] }],
    paths,
  };
}

function operationOf(operationId: string, route: RouteContract): Json {
  const { answer, body, summary } = route;
  const failed = {
    description: 'Refused; see docs/errors/reading.md.',
    content: json(schemaOf(errorSchema, 'output')),
  };
  const content =
    typeof answer === 'string'
      ? { [answer]: { schema: { type: 'string', format: 'binary' } } }
      : json(schemaOf(answer, 'output'));
  return {
    operationId,
    summary,
    parameters: [...parametersOf(route.params, 'path'), ...parametersOf(route.query, 'query')],
    ...(body === undefined ? {} : { requestBody: { required: true, content: bodyOf(body) } }),
    responses: { 200: { description: 'Done.', content }, default: failed },
  };
}

function bodyOf(body: NonNullable<RouteContract['body']>): Json {
  if (body !== 'file') return json(schemaOf(body, 'input'));
  return { 'application/octet-stream': { schema: { type: 'string', format: 'binary' } } };
}

function json(schema: Json): Json {
  return { 'application/json': { schema } };
}

function schemaOf(schema: z.ZodType, io: 'input' | 'output'): Json {
  const { $schema: _, ...described } = z.toJSONSchema(schema, { io, unrepresentable: 'any' });
  return described;
}

function parametersOf(schema: z.ZodType | undefined, place: 'path' | 'query'): readonly Json[] {
  if (schema === undefined) return [];
  const { properties = {}, required = [] } = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' });
  return Object.entries(properties).map(([name, property]) => ({
    ...{ name, in: place, required: place === 'path' || required.includes(name) },
    schema: property,
  }));
}
