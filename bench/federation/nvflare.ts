/**
 * NVFlare as its documentation deploys it: `nvflare provision` makes a start-up kit for the server and each client (mutual
 * TLS), each kit's `start.sh` is run, and an administrator submits the job through the FLARE API.
 * https://nvflare.readthedocs.io/en/main/programming_guide/provisioning_system.html
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Deployment, freePort, type System } from './deployment.ts';

const submit = fileURLToPath(new URL('nvflare_peer/submit.py', import.meta.url));

/** The sample project of `nvflare provision --generate`, with our participants. */
function project(port: number, sites: readonly string[]): string {
  const builder = 'nvflare.lighter.impl';
  return `api_version: 3
name: bench
description: Federation bench
participants:
  - { name: localhost, type: server, org: bench, fed_learn_port: ${port} }
${sites.map((site) => `  - { name: ${site}, type: client, org: bench }`).join('\n')}
  - { name: admin@nvidia.com, type: admin, org: bench, role: project_admin }
builders:
  - path: ${builder}.workspace.WorkspaceBuilder
    args: { template_file: [master_template.yml, aws_template.yml, azure_template.yml] }
  - path: ${builder}.static_file.StaticFileBuilder
    args: { config_folder: config }
  - path: ${builder}.cert.CertBuilder
  - path: ${builder}.signature.SignatureBuilder
`;
}

/** @param bin the directory of `nvflare` and its `python3` */
export function nvflare(bin: string): System {
  return {
    name: 'NVFlare',
    async run({ model, steps, rounds }) {
      await using deployment = new Deployment();
      const env = { PATH: `${bin}:${process.env['PATH']}` };
      const sites = [...steps.keys()];
      writeFileSync(join(deployment.directory, 'project.yml'), project(await freePort(), sites));
      await deployment.operate('nvflare', ['provision', '-p', 'project.yml', '-w', 'kits', '--force'], env);
      const kit = (name: string): string => join(deployment.directory, 'kits', 'bench', 'prod_00', name);
      const start = (part: string, name: string): unknown =>
        deployment.start(part, join(kit(name), 'startup', 'start.sh'), [], { env });
      start('server', 'localhost');
      for (const site of sites) start(site, site);
      await deployment.logged('server', `Total clients: ${sites.length}`);
      // NVFlare's marks stand at the beginning of a round, so the end of the last one needs another to begin.
      const additions = [...steps].map(([site, step]) => `${site}=${step.toFixed(9)}`);
      const job = [model, String(rounds + 2), deployment.marks, ...additions];
      await deployment.operate('python3', [submit, kit('admin@nvidia.com'), ...job], {
        ...env,
        PYTHONDONTWRITEBYTECODE: '1',
      });
      return await deployment.rounds(rounds);
    },
  };
}
