import { createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { MetricsServer } from './metrics-server.ts';

async function serve(text: () => Promise<string> = async () => 'one 1\n') {
  const errors: unknown[] = [];
  const server = await MetricsServer.listen({
    port: 0,
    text,
    health: () => ({ connected: true }),
    onError: (error) => errors.push(error),
  });
  const get = (path: string, init?: RequestInit) => fetch(`http://127.0.0.1:${server.port}${path}`, init);
  return { server, get, errors };
}

describe('the metrics server', () => {
  it('answers Prometheus, and whether it is alive, and nothing else', async () => {
    const { server, get } = await serve();
    await using _ = server;
    const metrics = await get('/metrics');
    expect(metrics.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/);
    expect(await metrics.text()).toBe('one 1\n');
    expect(await (await get('/healthz')).json()).toEqual({ connected: true });
    expect((await get('/')).status).toBe(404);
    expect((await get('/metrics', { method: 'POST' })).status).toBe(405);
  });

  it('survives numbers that cannot be had, and says nothing of why', async () => {
    const { server, get, errors } = await serve(() => Promise.reject(new Error('/a/path')));
    await using _ = server;
    const answer = await get('/metrics');
    expect(answer.status).toBe(500);
    expect(await answer.text()).not.toContain('/a/path');
    expect(errors).toHaveLength(1);
  });

  it('is refused a port that is taken, by a code', async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const { port } = other.address() as { port: number };
    const options = { port, text: async () => '', health: () => ({}) };
    await expect(MetricsServer.listen(options)).rejects.toMatchObject({ code: 'transport.metrics-port-taken' });
    other.close();
  });
});
