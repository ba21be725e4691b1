/** A wire between a client and a port that can be cut and put right, counts what passes, and can swallow everything. */
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

export class TcpRelay implements AsyncDisposable {
  /** Bytes that passed, both ways. */
  bytes = 0;
  connections = 0;
  /** Cuts all connections once, when so many bytes have passed. */
  cutAtBytes = Number.POSITIVE_INFINITY;
  /** Lets nothing through, yet keeps the connections. */
  isStalled = false;
  cuts = 0;
  target: number;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(target: number) {
    this.target = target;
    this.#server = createServer((near) => {
      this.connections++;
      const far = connect(this.target, '127.0.0.1');
      this.#join(near, far);
      this.#join(far, near);
    });
  }

  static async start(target: number): Promise<TcpRelay> {
    const relay = new TcpRelay(target);
    await new Promise<void>((resolve) => relay.#server.listen(0, '127.0.0.1', resolve));
    return relay;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  cut(): void {
    this.cuts++;
    for (const socket of this.#sockets) socket.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #join(from: Socket, to: Socket): void {
    this.#sockets.add(from);
    from.on('error', () => {});
    from.on('close', () => {
      this.#sockets.delete(from);
      to.destroy();
    });
    from.on('data', (bytes) => {
      if (this.isStalled) return;
      this.bytes += bytes.length;
      if (this.bytes >= this.cutAtBytes) {
        this.cutAtBytes = Number.POSITIVE_INFINITY;
        return this.cut();
      }
      if (!to.write(bytes)) {
        from.pause();
        to.once('drain', () => from.resume());
      }
    });
  }
}
