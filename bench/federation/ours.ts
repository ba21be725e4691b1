/** Ours: a coordinator's process and a process a site, or all sites in one, over mutual TLS, with ledger and hashes on. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Deployment, freePort, type System } from './deployment.ts';

const program = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

/**
 * @param sites where the sites run: a process each, or all in one to save memory
 * @param job what of the job is not as always
 */
export function consilium(sites: 'a process each' | 'one process', job: object = {}): System {
  return {
    name: 'Consilium',
    async run({ model, steps, rounds }) {
      await using deployment = new Deployment();
      const { directory, marks } = deployment;
      const env = { FEDERATION_BENCH_JOB: JSON.stringify(job) };
      const start = (part: string, file: string, args: string[]): unknown =>
        deployment.start(part, process.execPath, [...process.execArgv, program(file), ...args], { env });
      const names = [...steps.keys()];
      const port = await freePort();
      start('server', 'coordinator-process.ts', [directory, `${port}`, model, `${rounds + 2}`, marks, ...names]);
      await deployment.logged('server', 'ready');
      const site = (name: string): string[] => [join(directory, 'sites', name), `${steps.get(name)}`];
      if (sites === 'one process') start('sites', 'site-process.ts', names.flatMap(site));
      else for (const name of names) start(name, 'site-process.ts', site(name));
      // The model is evaluated after the last.
      return await deployment.rounds(rounds, 1);
    },
  };
}
