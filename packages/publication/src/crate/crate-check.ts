/** Whether a crate is what was published: every file, the signature, and the metadata that RO-Crate wants. */
import { createHash } from 'node:crypto';
import type { FileTree } from '../file-tree.ts';
import { PublicationError } from '../publication-error.ts';
import { metadataPath } from './ro-crate.ts';
import { isSigned, keyIdOf, manifestPath, parseManifest } from './signed-manifest.ts';

const CrateFault = {
  missing: 'missing',
  altered: 'altered',
  unlisted: 'unlisted',
  unsigned: 'unsigned',
  otherKey: 'other-key',
  metadata: 'metadata',
} as const;
type CrateFault = (typeof CrateFault)[keyof typeof CrateFault];

export interface CrateReport {
  readonly name: string;
  readonly version: string;
  readonly files: number;
  readonly bytes: number;
  /** SHA-256 of the public key that signed. */
  readonly keyId: string;
  /** Empty: the crate is whole. `what`: a path in the crate, or what its metadata lack. */
  readonly faults: readonly { readonly fault: CrateFault; readonly what: string }[];
}

/**
 * @param expectedKeyId what the publisher told of the key; unless it is given, only that one key signed all is known
 * @throws PublicationError `publication.not-a-crate`
 */
export async function checkCrate(tree: FileTree, expectedKeyId?: string): Promise<CrateReport> {
  const bytes = await tree.get(manifestPath)?.read();
  const manifest = bytes === undefined ? null : parseManifest(bytes);
  if (manifest === null) {
    throw new PublicationError('publication.not-a-crate', 'There is no crate in that place: no manifest of one.');
  }
  const faults: { fault: CrateFault; what: string }[] = [];
  const keyId = keyIdOf(manifest);
  if (!isSigned(manifest)) faults.push({ fault: CrateFault.unsigned, what: manifestPath });
  if (expectedKeyId !== undefined && expectedKeyId !== keyId) {
    faults.push({ fault: CrateFault.otherKey, what: manifestPath });
  }
  const listed = new Map(Object.entries(manifest.files));
  let total = 0;
  for (const [path, { bytes: size, sha256 }] of listed) {
    const source = tree.get(path);
    total += size;
    if (source === undefined) faults.push({ fault: CrateFault.missing, what: path });
    else if (source.byteLength !== size || digestOf(await source.read()) !== sha256) {
      faults.push({ fault: CrateFault.altered, what: path });
    }
  }
  for (const path of tree.keys()) {
    if (path !== manifestPath && !listed.has(path)) faults.push({ fault: CrateFault.unlisted, what: path });
  }
  const metadata = await tree.get(metadataPath)?.read();
  faults.push(...metadataFaults(metadata, [...listed.keys()]).map((what) => ({ fault: CrateFault.metadata, what })));
  return { name: manifest.name, version: manifest.version, files: listed.size, bytes: total, keyId, faults };
}

interface Entity {
  readonly '@id'?: unknown;
  readonly '@type'?: unknown;
  readonly [property: string]: unknown;
}

/** RO-Crate 1.1: root data entity and descriptor, and each file of the manifest described. */
function metadataFaults(bytes: Uint8Array | undefined, paths: readonly string[]): string[] {
  const graph = graphOf(bytes);
  if (graph === null) return [`${metadataPath} holds no RO-Crate`];
  const byId = new Map(graph.map((entity) => [entity['@id'], entity]));
  const faults: string[] = [];
  const descriptor = byId.get(metadataPath);
  if (descriptor?.['@type'] !== 'CreativeWork') faults.push('the metadata descriptor');
  const root = byId.get('./');
  if (root?.['@type'] !== 'Dataset') faults.push('the root data entity');
  for (const property of ['name', 'description', 'datePublished', 'license']) {
    if (root?.[property] === undefined) faults.push(`${property} of the root data entity`);
  }
  for (const path of paths) {
    const id = path.split('/').map(encodeURIComponent).join('/');
    if (path !== metadataPath && !byId.has(id)) faults.push(`the description of ${path}`);
  }
  for (const entity of graph) {
    if (entity['@type'] === 'File' && !paths.includes(decodeURIComponent(String(entity['@id'])))) {
      faults.push(`the file ${String(entity['@id'])}, which is described`);
    }
  }
  return faults;
}

function graphOf(bytes: Uint8Array | undefined): readonly Entity[] | null {
  if (bytes === undefined) return null;
  try {
    const { '@graph': graph } = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
    return Array.isArray(graph) ? (graph as Entity[]) : null;
  } catch {
    return null;
  }
}

function digestOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
