/** What the routes work with, and who may ask. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Asker } from '../asker.ts';
import type { Answer, Asked, RouteName, routeTable } from '../contract/route-table.ts';
import type { ReadingRoom } from '../reading-room.ts';

export interface ReadingContext {
  readonly room: ReadingRoom;
  /** The one place that says who asks. Throws if it is nobody who may. */
  readonly identify: (request: FastifyRequest) => Asker | Promise<Asker>;
  /** For streams of events: whether who listens would still be let in. */
  readonly isStillIn: (request: FastifyRequest) => boolean;
  /** Of an uploaded label. */
  readonly fileBytesMax: number;
  /** Ends streams of events. */
  readonly signal: AbortSignal;
}

export interface Turn<N extends RouteName> extends Asked<N> {
  readonly asker: Asker;
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
}

/** Routes that answer bytes give them, or have sent their answer themselves. */
type Given<N extends RouteName> = (typeof routeTable)[N]['answer'] extends string
  ? Uint8Array | FastifyReply
  : Answer<N>;

export type Handlers = { readonly [N in RouteName]: (turn: Turn<N>) => Given<N> | Promise<Given<N>> };
export type Some<N extends RouteName> = Pick<Handlers, N>;
