/**
 * Flower as its documentation deploys it: a SuperLink and a SuperNode a client, TLS between them, the app submitted by
 * `flwr run`. https://flower.ai/docs/framework/how-to-run-flower-with-deployment-engine.html
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { makeCertificates } from './certificates.ts';
import { Deployment, freePort, type System } from './deployment.ts';

const app = fileURLToPath(new URL('flower_peer', import.meta.url));

/** @param bin the directory of `flower-superlink` and the rest */
export function flower(bin: string): System {
  return {
    name: 'Flower',
    async run({ model, steps, rounds }) {
      await using deployment = new Deployment();
      const { ca, of } = makeCertificates(deployment.directory, ['server']);
      const home = join(deployment.directory, 'flwr');
      const env = {
        PATH: `${bin}:${process.env['PATH']}`,
        FLWR_HOME: home,
        FLWR_TELEMETRY_ENABLED: '0',
        FLWR_DISABLE_UPDATE_CHECK: '1',
      };
      const port = await freePort();
      const { certificate, key } = of('server');
      const identity = ['--ssl-ca-certfile', ca, '--ssl-certfile', certificate, '--ssl-keyfile', key];
      const noPackages = '--disable-runtime-dependency-installation';
      deployment.start('server', 'flower-superlink', [...identity, noPackages, '--port', `${port}`], { env });
      await deployment.logged('server', 'Uvicorn running');
      for (const [name, step] of steps) {
        const link = ['--root-certificates', ca, '--superlink', `localhost:${port}`];
        const own = ['--port', String(await freePort()), '--node-config', `step=${step.toFixed(9)}`];
        deployment.start(name, 'flower-supernode', [...link, ...own], { env });
      }
      mkdirSync(home, { recursive: true });
      const connection = `address = "localhost:${port}"\nroot-certificates = "${ca}"\n`;
      writeFileSync(join(home, 'config.toml'), `[superlink]\ndefault = "bench"\n\n[superlink.bench]\n${connection}`);
      const counts = `rounds=${rounds + 1} clients=${steps.size}`;
      const config = `model="${model}" marks="${deployment.marks}" ${counts}`;
      await deployment.operate('flwr', ['run', app, 'bench', '--run-config', config], env);
      return await deployment.rounds(rounds);
    },
  };
}
