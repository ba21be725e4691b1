/** Settings that environment variables may override, for containers and service managers. */
import { type ArchivePorts, parseSecret } from '@consilium/archive';
import type { CoordinatorOverrides } from '@consilium/coordinator';
import type { SiteSettingsInput } from '@consilium/site';

interface Variable<Settings> {
  readonly name: `CONSILIUM_${string}`;
  readonly setting: string;
  readonly apply: (value: string) => Partial<Settings>;
}

const coordinatorVariables: readonly Variable<CoordinatorOverrides>[] = [
  { name: 'CONSILIUM_HOST', setting: 'listen.host', apply: (host) => ({ listen: { host } }) },
  { name: 'CONSILIUM_PORT', setting: 'listen.port', apply: (port) => ({ listen: { port: Number(port) } }) },
  { name: 'CONSILIUM_PUBLIC_PORT', setting: 'publicPort', apply: (port) => ({ publicPort: Number(port) }) },
  { name: 'CONSILIUM_JOBS_AT_ONCE', setting: 'jobsAtOnce', apply: (jobs) => ({ jobsAtOnce: Number(jobs) }) },
  { name: 'CONSILIUM_METRICS_PORT', setting: 'metricsPort', apply: (port) => ({ metricsPort: Number(port) }) },
];

const siteVariables: readonly Variable<SiteSettingsInput>[] = [
  { name: 'CONSILIUM_COORDINATOR', setting: 'coordinator', apply: (coordinator) => ({ coordinator }) },
  { name: 'CONSILIUM_PROXY', setting: 'proxy', apply: (proxy) => ({ proxy }) },
  { name: 'CONSILIUM_DATA', setting: 'data', apply: (data) => ({ data }) },
  { name: 'CONSILIUM_THREADS', setting: 'threads', apply: (threads) => ({ threads: Number(threads) }) },
  { name: 'CONSILIUM_METRICS_PORT', setting: 'metricsPort', apply: (port) => ({ metricsPort: Number(port) }) },
];

export function coordinatorOverrides(env: NodeJS.ProcessEnv): CoordinatorOverrides {
  const given = applied(coordinatorVariables, env);
  const listen = Object.assign({}, ...given.map((settings) => settings.listen ?? {}));
  return Object.assign({}, ...given, Object.keys(listen).length === 0 ? {} : { listen });
}

export function siteOverrides(env: NodeJS.ProcessEnv): Partial<SiteSettingsInput> {
  return Object.assign({}, ...applied(siteVariables, env));
}

const archiveKeyName = 'CONSILIUM_ARCHIVE_KEY';

/** The key of an archive's map of identities and quarantine. @throws ArchiveError `archive.key-malformed` */
export function archivePorts(env: NodeJS.ProcessEnv): Pick<ArchivePorts, 'identityKey'> {
  const text = env[archiveKeyName];
  return text === undefined || text === '' ? {} : { identityKey: parseSecret(text) };
}

export const archiveEnvironmentHelp = `
Environment variables:
  ${archiveKeyName}    64 hexadecimal digits instead of the file identity.key`;

function applied<Settings>(
  variables: readonly Variable<Settings>[],
  env: NodeJS.ProcessEnv,
): readonly Partial<Settings>[] {
  return variables.flatMap(({ name, apply }) => {
    const value = env[name];
    return value === undefined || value === '' ? [] : [apply(value)];
  });
}

export const coordinatorEnvironmentHelp = helpOf(coordinatorVariables, 'coordinator.yaml');
export const siteEnvironmentHelp = helpOf(siteVariables, 'site.yaml');

function helpOf(variables: readonly Pick<Variable<never>, 'name' | 'setting'>[], file: string): string {
  const lines = variables.map(({ name, setting }) => `  ${name.padEnd(24)} ${setting}`);
  return `\nEnvironment variables that take precedence over ${file}:\n${lines.join('\n')}`;
}
