/** The manifest whose canonical text this is; undefined if it is none, or damaged. */
import { canonicalManifest, type Manifest, manifestSchema } from '@consilium/protocol';

export function readManifest(text: string): Manifest | undefined {
  const [head = '', ...chunks] = text.trimEnd().split('\n');
  const parsed = manifestSchema.safeParse({ bytes: Number(head.split(' ')[2]), chunks: chunks.filter(Boolean) });
  return parsed.success && canonicalManifest(parsed.data) === text ? parsed.data : undefined;
}
