/** A proxy that a hospital may have: CONNECT only, for those who know the password, to one port. */
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';

export class ConnectProxy implements AsyncDisposable {
  tunnels = 0;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor({ login, allowedPort }: { login: string; allowedPort: number }) {
    const expected = `Basic ${Buffer.from(login).toString('base64')}`;
    this.#server = createServer((_, response) => void response.writeHead(405).end());
    this.#server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
    });
    this.#server.on('connect', ({ url, headers }, near: Socket) => {
      const port = Number(url!.split(':').at(-1));
      near.on('error', () => {});
      if (headers['proxy-authorization'] !== expected) return near.end('HTTP/1.1 407 No\r\n\r\n');
      if (port !== allowedPort) return near.end('HTTP/1.1 403 No\r\n\r\n');
      const far = connect(port, '127.0.0.1', () => {
        this.tunnels++;
        near.write('HTTP/1.1 200 OK\r\n\r\n');
        far.pipe(near).pipe(far);
      });
      far.on('error', () => near.end('HTTP/1.1 502 No\r\n\r\n'));
      near.on('close', () => far.destroy());
    });
  }

  static async start(options: { login: string; allowedPort: number }): Promise<ConnectProxy> {
    const proxy = new ConnectProxy(options);
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
