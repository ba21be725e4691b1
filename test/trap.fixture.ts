/** A port at which nobody has any business: it counts who comes. */
import { type AddressInfo, createServer, type Server } from 'node:net';

export class Trap implements AsyncDisposable {
  visits = 0;
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async set(): Promise<Trap> {
    const server = createServer((socket) => {
      trap.visits++;
      socket.destroy();
    });
    const trap = new Trap(server);
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    return trap;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await new Promise((closed) => this.#server.close(closed));
  }
}
