/** The files of a coordinator: `coordinator.yaml`, `authority/`, and what its store keeps. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type AuditAction, AuditLog } from '@consilium/audit';
import {
  CertificateAuthority,
  type Credentials,
  createAuthority,
  IdentityDirectory,
  makeDirectory,
  writeDurably,
} from '@consilium/transport';
import { parse as parseYaml, stringify as stringifyYaml } from 'yaml';
import { CoordinatorError } from './coordinator-error.ts';
import { openDatabase } from './database.ts';
import { MemberRegistry } from './member-registry.ts';
import { type CoordinatorSettings, type CoordinatorSettingsInput, parseCoordinatorSettings } from './settings.ts';

/** Settings that may differ from those of the file, for one run. */
export type CoordinatorOverrides = Partial<Omit<CoordinatorSettingsInput, 'project' | 'names'>>;

/** Who has the coordinator's files. */
const hereService = { kind: 'person', id: 'files' } as const;
const settingsFile = 'coordinator.yaml';

/**
 * Makes the directory of a new coordinator, with its authority and its first member, whose identity goes to `admin/`.
 * Interrupted, it can be called again. @throws CoordinatorError `coordinator.directory-taken` if there is one already.
 */
export async function initCoordinator(
  directory: string,
  input: CoordinatorSettingsInput,
  options: { readonly nowMs: () => number },
): Promise<CoordinatorSettings> {
  const settings = parseCoordinatorSettings(input);
  if (existsSync(join(directory, settingsFile))) {
    throw new CoordinatorError('coordinator.directory-taken', `${directory} holds a coordinator already.`);
  }
  const { project } = settings;
  const authorityDirectory = join(directory, 'authority');
  await makeDirectory(authorityDirectory);
  if (!existsSync(join(authorityDirectory, 'certificate.pem'))) {
    const { certificate, key } = await createAuthority({ project, nowMs: options.nowMs });
    await writeDurably(join(authorityDirectory, 'key.pem'), key, { mode: 0o600 });
    await writeDurably(join(authorityDirectory, 'certificate.pem'), certificate);
  }
  const admin = await createMember(settings, { id: 'admin', identity: join(directory, 'admin') });
  await admitHere(directory, settings, { member: admin, action: 'member.admitted', ...options });
  await writeDurably(join(directory, settingsFile), stringifyYaml(input));
  return settings;
}

/**
 * Gives a member who has lost their key, or their admission, a new one: `identity` is made, and what was known of the
 * member before counts no more. For who has the coordinator's files, and with them the authority; also beside a
 * coordinator that runs. Interrupted, it can be called again.
 * @throws CoordinatorError `coordinator.identity-present`, `coordinator.bad-settings`; TransportError
 * `transport.identity-taken` if somebody else's identity is there
 */
export async function recoverMember(
  directory: string,
  { id, identity }: MemberDirectory,
  options: { readonly nowMs: () => number },
): Promise<IdentityDirectory> {
  const settings = await readCoordinatorSettings(directory);
  const member = await createMember(settings, { id, identity });
  if (member.isAdmitted) {
    const text = `${identity} holds an identity of ${id} already. Use that one; if it is let in no more, choose another directory.`;
    throw new CoordinatorError('coordinator.identity-present', text);
  }
  await admitHere(directory, settings, { member, action: 'member.recovered', ...options });
  return member;
}

interface MemberDirectory {
  readonly id: string;
  /** Where the identity is kept. */
  readonly identity: string;
}

function createMember(settings: CoordinatorSettings, { id, identity }: MemberDirectory): Promise<IdentityDirectory> {
  const { project } = settings;
  return IdentityDirectory.create(identity, { project, role: 'member', id, coordinator: coordinatorOrigin(settings) });
}

/** Invited, enrolled and admitted in one go. */
async function admitHere(
  directory: string,
  settings: CoordinatorSettings,
  {
    action,
    member,
    nowMs,
  }: { readonly action: AuditAction; readonly member: IdentityDirectory; readonly nowMs: () => number },
): Promise<void> {
  const { project } = settings;
  const authority = await CertificateAuthority.open(await readAuthority(directory), { project, nowMs });
  using database = await openDatabase(directory);
  const registry = new MemberRegistry({ database, authority, days: certificateDaysOf(settings), nowMs });
  const whom = { role: 'member', id: member.facts.id } as const;
  using audit = await AuditLog.open(join(directory, 'audit'), { nowMs, service: hereService });
  const key = { kind: 'key', id: member.fingerprint.replaceAll(' ', '') } as const;
  const subjects = [{ kind: whom.role, id: whom.id }, key];
  const { certificate } = await audit.doing({ actor: hereService, action, subjects }, () => {
    const { fingerprint } = registry.enrol(registry.invite(whom, 1), member.request);
    return registry.admit(whom.role, whom.id, fingerprint);
  });
  await member.admitted({ certificate: certificate!, authority: authority.certificate });
}

/** Where sites and members reach it. */
export function coordinatorOrigin({ names, listen, publicPort }: CoordinatorSettings): string {
  const port = publicPort ?? listen.port;
  const host = names[0]!.includes(':') ? `[${names[0]}]` : names[0]!;
  return `https://${host}${port === 443 ? '' : `:${port}`}`;
}

export function certificateDaysOf({ certificateDays, memberCertificateDays }: CoordinatorSettings) {
  return { site: certificateDays, member: memberCertificateDays };
}

/**
 * `overrides`: what takes precedence over the file.
 * @throws CoordinatorError `coordinator.bad-settings`
 */
export async function readCoordinatorSettings(
  directory: string,
  overrides: CoordinatorOverrides = {},
): Promise<CoordinatorSettings> {
  const path = join(directory, settingsFile);
  try {
    const written = parseYaml(await readFile(path, 'utf8')) as Partial<CoordinatorSettingsInput>;
    const listen = { ...written.listen, ...overrides.listen };
    const web = overrides.web === undefined ? written.web : { ...written.web, ...overrides.web };
    return parseCoordinatorSettings({ ...written, ...overrides, listen, ...(web === undefined ? {} : { web }) });
  } catch (error) {
    if (error instanceof CoordinatorError) throw error;
    const text = `${path} cannot be read, or is not YAML. Make it with "consilium coordinator init".`;
    throw new CoordinatorError('coordinator.bad-settings', text, { cause: error });
  }
}

export async function readAuthority(directory: string): Promise<Credentials> {
  const [certificate, key] = await Promise.all(
    ['certificate.pem', 'key.pem'].map((name) => readFile(join(directory, 'authority', name), 'utf8')),
  );
  return { certificate: certificate!, key: key! };
}
