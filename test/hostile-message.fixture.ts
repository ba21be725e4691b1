/**
 * Messages as somebody would send them who has read the schema: right in every field, or right in all but one or two.
 * What is right comes from the schema itself, so that a field which is added to it is attacked from then on.
 */
import fc from 'fast-check';

interface JsonSchema {
  readonly [keyword: string]: unknown;
  readonly $ref?: string;
  readonly anyOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly type?: string;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: JsonSchema | boolean;
  readonly items?: JsonSchema;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly pattern?: string;
  readonly format?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly multipleOf?: number;
}

/** What of zod's schemas is needed here. */
interface ZodSchema {
  toJSONSchema(options: { io: 'input'; unrepresentable: 'any' }): object;
}

/** JSON texts that the schema allows, and JSON texts that were such until something was done to them. */
export function hostileText(schema: ZodSchema): fc.Arbitrary<string> {
  const whole = schema.toJSONSchema({ io: 'input', unrepresentable: 'any' }) as JsonSchema;
  const right = arbitraryOf(whole, whole, 5);
  const changed = fc
    .tuple(right, fc.array(fc.tuple(fc.nat(), change), { minLength: 1, maxLength: 2 }))
    .map(([message, changes]) =>
      changes.reduce((text, [at, [what, by]]) => changedText(text, at, what, by), JSON.stringify(message)),
    );
  return fc.oneof(
    { weight: 1, arbitrary: right.map((message) => JSON.stringify(message)) },
    { weight: 4, arbitrary: changed },
  );
}

// Right ----------------------------------------------------------------------------------------------------------------

function arbitraryOf(schema: JsonSchema, root: JsonSchema, depth: number): fc.Arbitrary<unknown> {
  if (schema.$ref !== undefined) {
    return depth === 0 ? fc.constant(null) : arbitraryOf(resolved(schema.$ref, root), root, depth - 1);
  }
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices !== undefined) return fc.oneof(...choices.map((each) => arbitraryOf(each, root, depth)));
  if ('const' in schema) return fc.constant(schema.const);
  if (schema.enum !== undefined) return fc.constantFrom(...schema.enum);
  switch (schema.type) {
    case 'object':
      return objectOf(schema, root, depth);
    case 'array': {
      const { items = {}, maxItems = 3, minItems = 0 } = schema;
      return fc.array(arbitraryOf(items, root, depth), {
        minLength: minItems,
        maxLength: Math.max(minItems, Math.min(maxItems, 3)),
      });
    }
    case 'string':
      return textOf(schema);
    case 'integer':
      return fc.integer(boundsOf(schema)).map((value) => value - (value % (schema.multipleOf ?? 1)));
    case 'number':
      return fc.integer(boundsOf(schema)).map((value) => value + 0.5 * Number(value > 1));
    case 'boolean':
      return fc.boolean();
    case 'null':
      return fc.constant(null);
    default:
      return fc.jsonValue({ maxDepth: 2 });
  }
}

function resolved(ref: string, root: JsonSchema): JsonSchema {
  if (ref === '#') return root;
  return ref
    .slice(2)
    .split('/')
    .reduce<JsonSchema>((place, key) => place[key] as JsonSchema, root);
}

function objectOf({ additionalProperties, properties, required = [] }: JsonSchema, root: JsonSchema, depth: number) {
  if (properties !== undefined) {
    const fields = Object.entries(properties).map(([key, each]) => [key, arbitraryOf(each, root, depth)] as const);
    return fc.record(Object.fromEntries(fields), { requiredKeys: [...required] as never });
  }
  const inner =
    typeof additionalProperties === 'object' ? arbitraryOf(additionalProperties, root, depth) : fc.jsonValue();
  return fc.dictionary(fc.stringMatching(/^[a-z]{1,8}$/), inner, { maxKeys: 3 });
}

function textOf({ format, maxLength = 40, minLength = 0, pattern }: JsonSchema): fc.Arbitrary<string> {
  if (format === 'date-time') return fc.constant('2026-11-26T12:00:00.000Z');
  if (pattern !== undefined) return fc.stringMatching(new RegExp(pattern)).filter((text) => text.length < 2000);
  return fc.string({ minLength, maxLength: Math.max(minLength, Math.min(maxLength, 40)) });
}

function boundsOf({ exclusiveMinimum, maximum, minimum }: JsonSchema): { min: number; max: number } {
  const min = Math.ceil(Math.max(minimum ?? exclusiveMinimum ?? -1000, -(2 ** 31)));
  return { min, max: Math.floor(Math.min(maximum ?? min + 2000, Math.max(min, 2 ** 31 - 1))) };
}

// Wrong ----------------------------------------------------------------------------------------------------------------

const change = fc.tuple(
  fc.constantFrom('replace' as const, 'remove' as const, 'add' as const),
  fc.constantFrom(
    ...['null', 'true', '-1', '1e400', '9007199254740993', '1e-320', '""', '[]', '{}', '"../../../etc/passwd"'],
    ...['"__proto__"', '"\\u0000"', '"\\ud800"', `"${'A'.repeat(70_000)}"`, '[[[[[[[[[[[[]]]]]]]]]]]]', '"-Infinity"'],
    ...['{"__proto__":{"isAdmitted":true}}', '{"constructor":{"prototype":{"kind":"alive"}}}', '{"toString":1}'],
  ),
);

/** In place of the `at`-th value, or beside it. */
function changedText(text: string, at: number, what: 'replace' | 'remove' | 'add', by: string): string {
  const marks: (readonly [key: string, holder: Record<string, unknown>])[] = [];
  const message: unknown = JSON.parse(text, function mark(this: Record<string, unknown>, key, value) {
    if (key !== '') marks.push([key, this]);
    return value;
  });
  if (marks.length === 0) return by;
  const [key, holder] = marks[at % marks.length]!;
  const sign = `<<${at}>>`;
  if (what === 'remove') delete holder[key];
  else if (what === 'replace') holder[key] = sign;
  else if (Array.isArray(holder)) holder.push(sign as never);
  else holder[at % 2 === 0 ? '__proto__x' : 'extra'] = sign;
  // By text, for what JSON.parse would not give and JSON.stringify would not write.
  return JSON.stringify(message)
    .replace('"__proto__x"', '"__proto__"')
    .replace(JSON.stringify(sign), () => by);
}
