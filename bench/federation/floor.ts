/**
 * The floor: a server that streams the model to each client over mutual TLS and reads as many bytes back, each client a
 * process. Nothing is added, hashed or kept. `floor.ts server PORT BYTES CLIENTS ROUNDS MARKS`, `floor.ts client PORT BYTES NAME`.
 */
import { once } from 'node:events';
import { appendFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect, createServer, type SecureContextOptions, type TLSSocket } from 'node:tls';
import { fileURLToPath } from 'node:url';
import { makeCertificates } from './certificates.ts';
import { Deployment, freePort, type System } from './deployment.ts';

const pieceBytes = 1 << 20;

export const floor: System = {
  name: 'plain TLS',
  async run({ modelBytes, steps, rounds }) {
    await using deployment = new Deployment();
    const names = [...steps.keys()];
    makeCertificates(deployment.directory, ['server', ...names]);
    const port = String(await freePort());
    const node = (part: string, ...args: string[]): unknown =>
      deployment.start(part, process.execPath, [fileURLToPath(import.meta.url), ...args]);
    node('server', 'server', port, String(modelBytes), String(names.length), String(rounds + 1), deployment.marks);
    await deployment.logged('server', 'ready');
    for (const name of names) node(name, 'client', port, String(modelBytes), name);
    return await deployment.rounds(rounds);
  },
};

function credentials(name: string): SecureContextOptions {
  const file = (path: string): Buffer => readFileSync(join(process.cwd(), path));
  return { ca: file('ca.pem'), cert: file(`${name}.pem`), key: file(`${name}.key`), minVersion: 'TLSv1.3' };
}

async function send(socket: TLSSocket, bytes: number): Promise<void> {
  const piece = Buffer.alloc(pieceBytes);
  for (let left = bytes; left > 0; left -= pieceBytes) {
    if (!socket.write(left < pieceBytes ? piece.subarray(0, left) : piece)) await once(socket, 'drain');
  }
}

/** Calls back each time so many more bytes have come. */
function count(socket: TLSSocket, bytes: number, whenComplete: () => void): void {
  let left = bytes;
  socket.on('data', (piece: Buffer) => {
    left -= piece.length;
    if (left > 0) return;
    left += bytes;
    whenComplete();
  });
}

function serve(port: number, bytes: number, clients: number, rounds: number, marks: string): void {
  const sockets: TLSSocket[] = [];
  let [answers, round] = [0, 0];
  const begin = (): void => {
    appendFileSync(marks, `${JSON.stringify({ seconds: Date.now() / 1000, value: round })}\n`);
    answers = 0;
    if (round++ < rounds) for (const socket of sockets) void send(socket, bytes);
  };
  const server = createServer({ ...credentials('server'), requestCert: true, rejectUnauthorized: true }, (socket) => {
    socket.on('error', () => {});
    sockets.push(socket);
    count(socket, bytes, () => {
      if (++answers === clients) begin();
    });
    if (sockets.length === clients) begin();
  });
  server.listen(port, '127.0.0.1', () => console.log('ready'));
}

function answer(port: number, bytes: number, name: string): void {
  const socket = connect({ ...credentials(name), port, host: '127.0.0.1', servername: 'localhost' });
  count(socket, bytes, () => void send(socket, bytes));
}

const [part, port, bytes, ...rest] = process.argv.slice(2);
if (part === 'server') serve(Number(port), Number(bytes), Number(rest[0]), Number(rest[1]), rest[2]!);
if (part === 'client') answer(Number(port), Number(bytes), rest[0]!);
