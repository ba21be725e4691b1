/** A project as its documentation says: services as processes of their own, each in its directory, run by commands. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CommandProcess, type Ended } from './command.fixture.ts';
import { freePort } from './free-port.fixture.ts';

export class ServicesProject implements AsyncDisposable {
  readonly root: string;
  /** Services by the name of their directory. */
  readonly running = new Map<string, CommandProcess>();
  readonly #env: NodeJS.ProcessEnv;
  readonly #ownGroups: boolean;

  /** `root`: all directories are in it. `ownGroups`: see `CommandProcess`. */
  constructor(root: string, { ownGroups = false }: { readonly ownGroups?: boolean } = {}) {
    mkdirSync(root, { recursive: true });
    this.root = root;
    this.#ownGroups = ownGroups;
    this.#env = { CONSILIUM_THREADS: '1', NODE_COMPILE_CACHE: join(root, 'compiled') };
  }

  /** A command that goes on. */
  begin(...args: readonly string[]): CommandProcess {
    return new CommandProcess(args, { cwd: this.root, env: this.#env });
  }

  run(...args: readonly string[]): Promise<Ended> {
    return this.begin(...args).ended;
  }

  /** Of a command that must succeed, what it says in JSON. */
  async told(...args: readonly string[]) {
    const { code, stdout, stderr } = await this.run(...args, '--json');
    if (code !== 0) throw new Error(`${args.join(' ')} ended with ${code}\n${stdout}\n${stderr}`);
    return JSON.parse(stdout.trim().split('\n').at(-1)!);
  }

  /** On a free port of this machine, which is told. */
  async initCoordinator(): Promise<number> {
    const port = await freePort();
    const listen = ['--host', '127.0.0.1', '--port', String(port)];
    const names = ['--directory', 'coordinator', '--project', 'kidney', '--name', '127.0.0.1'];
    await this.told('coordinator', 'init', ...names, ...listen);
    return port;
  }

  async startCoordinator(): Promise<void> {
    const coordinator = this.start('coordinator', 'coordinator', 'start', '--directory', 'coordinator');
    await coordinator.until(({ stdout }) => stdout.includes('listening'));
  }

  async startSite(site: string): Promise<void> {
    await this.start(site, 'site', 'start', '--directory', site, '--json').until(({ lines }) =>
      lines.some(({ event }) => event === 'connected'),
    );
  }

  async invite(site: string, ...more: readonly string[]): Promise<string> {
    return (await this.told('member', 'invite', '--site', site, ...more)).invitation;
  }

  /** As the site, and as the administrator who hears the fingerprint by telephone. */
  async joinAs(site: string, data: string, ...more: readonly string[]): Promise<void> {
    const invitation = await this.invite(site);
    const joining = this.begin('site', 'join', invitation, '--directory', site, '--data', data, ...more, '--json');
    const { fingerprint } = await joining.until(({ lines }) => lines[0] as { fingerprint: string } | undefined);
    await this.told('member', 'admit', site, '--fingerprint', fingerprint.toUpperCase());
    const { code, stderr } = await joining.ended;
    if (code !== 0) throw new Error(stderr);
  }

  /** Fingerprints and prepares as always; the plan that is trained is small enough for a second. */
  async planTiny(job: string, from: Readonly<Record<string, unknown>>, ...more: readonly string[]): Promise<void> {
    writeFileSync(join(this.root, 'tiny-plan.json'), JSON.stringify(tiny(from)));
    await this.told('job', 'plan', job, '--plan', 'tiny-plan.json', ...more);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.running.values()].map((each) => each.kill('SIGTERM')));
  }

  /** A service, under the name of its directory. */
  start(name: string, ...args: readonly string[]): CommandProcess {
    const started = new CommandProcess(args, { cwd: this.root, env: this.#env, ownGroup: this.#ownGroups });
    this.running.set(name, started);
    return started;
  }
}

function tiny(plan: Readonly<Record<string, unknown>>): object {
  const levels = (one: number, two: number) => [Array(3).fill(one), Array(3).fill(two)];
  const network = {
    ...(plan['network'] as object),
    channels: [4, 8],
    strides: levels(1, 2),
    kernelSizes: levels(3, 3),
    blocksPerLevel: [1, 1],
    decoderBlocksPerLevel: [1],
  };
  return { ...plan, patchSize: [16, 16, 16], network };
}

/** Where nothing listens at the moment. */
