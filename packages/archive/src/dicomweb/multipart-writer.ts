/** Writes `multipart/related` (PS3.18 8.6.1.2) piece by piece: a part is read when the one before has gone out. */
export interface WrittenPart {
  readonly contentType: string;
  readonly location?: string;
  readonly bytes: Uint8Array;
}

export async function* writeMultipart(parts: AsyncIterable<WrittenPart>, boundary: string): AsyncGenerator<Uint8Array> {
  for await (const { contentType, location, bytes } of parts) {
    const headers = [`Content-Type: ${contentType}`, `Content-Length: ${bytes.length}`];
    if (location !== undefined) headers.push(`Content-Location: ${location}`);
    yield Buffer.from(`--${boundary}\r\n${headers.join('\r\n')}\r\n\r\n`, 'latin1');
    yield bytes;
    yield Buffer.from('\r\n', 'latin1');
  }
  yield Buffer.from(`--${boundary}--\r\n`, 'latin1');
}
