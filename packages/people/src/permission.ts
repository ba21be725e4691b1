/**
 * What can be allowed, and the roles of the field as sets of it: those of an archive, and from `project.read` on those of a
 * coordinator. What a reader or reviewer may do with a single task is for
 * the reading room to say, which knows the task; here stands who may enter it at all.
 */

export const permissions = {
  'account.own': 'use the own account: sessions, tokens, removing a second factor',
  'account.secure': 'choose the own password and set up a second factor',
  'catalogue.read': 'search and see what an archive holds, without images',
  'catalogue.curate': 'change tags, notes, findings and phases of series',
  'cohort.freeze': 'freeze cohorts and draw splits',
  'identity.reveal': 'ask whom a pseudonym stands for, and look into quarantine, where names are',
  'image.read': 'read de-identified images and labels: DICOMweb, pictures, exports',
  'image.store': 'send images: uploads, imports, retrievals from a PACS, STOW-RS',
  'label.write': 'take in labels from files',
  'accounts.manage': 'make accounts, give roles, end sessions and tokens of others',
  'accounts.read': 'see who has an account, and with which roles',
  'room.enter': 'enter the reading room, where the roles decide on each task',
  'subject.erase': 'erase a subject, and let it in again',
  'project.read': 'see a project at its coordinator: sites, jobs, experiments, what privacy cost',
  'project.control': 'pause, resume and abort jobs of a project',
  'project.members': 'invite sites and people to a project, admit and revoke them',
  'project.publish': 'write what a publication of a project says',
  'experiment.write': 'bring in records of experiments',
  'audit.read': 'read who did what in a project',
} as const satisfies Readonly<Record<string, string>>;
export type Permission = keyof typeof permissions;

type OwnPermission = 'account.own' | 'account.secure';
/** What an API token may be made for: not for the account itself, so that a stolen token makes no others. */
export type Scope = Exclude<Permission, OwnPermission>;
export const scopes: readonly Scope[] = (Object.keys(permissions) as Permission[]).filter(
  (permission) => permission !== 'account.own' && permission !== 'account.secure',
);

export const Role = {
  lead: 'lead',
  engineer: 'engineer',
  administrator: 'administrator',
  dataManager: 'data-manager',
  reader: 'reader',
  reviewer: 'reviewer',
  adjudicator: 'adjudicator',
  auditor: 'auditor',
} as const;
export type Role = (typeof Role)[keyof typeof Role];

export const roleWords: Readonly<Record<Role, string>> = {
  lead: 'project lead: cohorts, reading projects, who reads what; jobs and members of the project',
  engineer: 'ML engineer: searches, cohorts, images and labels by program; jobs and experiments of the project',
  administrator: 'administrator: accounts and roles; members of the project',
  'data-manager': 'data manager: intake, quality, quarantine, identities, erasure',
  reader: 'reader: draws labels',
  reviewer: 'reviewer: approves labels or asks for changes',
  adjudicator: 'adjudicator: settles what readers disagree on',
  auditor: 'auditor: sees the catalogue, the project, its log and who has which role, changes nothing',
};

const reading = ['catalogue.read', 'image.read', 'room.enter'] as const;
const project = ['project.read', 'project.control', 'project.publish', 'experiment.write'] as const;
const permissionsOfRole: Readonly<Record<Role, readonly Permission[]>> = {
  lead: [
    ...([...reading, 'catalogue.curate', 'cohort.freeze', 'label.write', 'accounts.read'] as const),
    ...([...project, 'project.members', 'audit.read'] as const),
  ],
  engineer: ['catalogue.read', 'cohort.freeze', 'image.read', 'label.write', ...project],
  administrator: ['accounts.manage', 'accounts.read', 'project.read', 'project.members', 'audit.read'],
  'data-manager': [
    ...([
      'catalogue.read',
      'catalogue.curate',
      'cohort.freeze',
      'identity.reveal',
      'image.read',
      'image.store',
    ] as const),
    ...(['label.write', 'subject.erase', 'project.read'] as const),
  ],
  reader: reading,
  reviewer: reading,
  adjudicator: reading,
  auditor: ['catalogue.read', 'accounts.read', 'project.read', 'audit.read'],
};

/** Everybody with an account may use it. */
export function permissionsOf(roles: readonly Role[]): ReadonlySet<Permission> {
  return new Set(['account.own', 'account.secure', ...roles.flatMap((role) => permissionsOfRole[role])]);
}
