/** A file of a crate, and what is said of it. */

export interface CrateFile {
  /** With slashes, relative to the crate. */
  readonly path: string;
  readonly bytes: Uint8Array;
  readonly name: string;
  readonly description?: string;
  /** MIME type; by the path's ending unless told. */
  readonly encodingFormat?: string;
  /** What it follows: a URI. */
  readonly conformsTo?: string;
}

const formats: readonly (readonly [RegExp, string])[] = [
  [/\.json$/, 'application/json'],
  [/\.jsonl$/, 'application/jsonl'],
  [/\.md$/, 'text/markdown'],
  [/\.html$/, 'text/html'],
  [/\.csv$/, 'text/csv'],
  [/\.tsv$/, 'text/tab-separated-values'],
  [/\.svg$/, 'image/svg+xml'],
  [/\.png$/, 'image/png'],
  [/\.ya?ml$/, 'application/yaml'],
  [/\.py$/, 'text/x-python'],
  [/\.m?js$/, 'text/javascript'],
  [/\.ts$/, 'text/x-typescript'],
  [/\.wasm$/, 'application/wasm'],
  [/\.dcm$/, 'application/dicom'],
  [/\.nii\.gz$/, 'application/gzip'],
  [/\.pem$/, 'application/x-pem-file'],
  [/\.sh$/, 'application/x-sh'],
  [/(?:^|\/)LICENSE$|\.txt$/, 'text/plain'],
];

export function formatOf({ path, encodingFormat }: Pick<CrateFile, 'path' | 'encodingFormat'>): string {
  return encodingFormat ?? formats.find(([pattern]) => pattern.test(path))?.[1] ?? 'application/octet-stream';
}
