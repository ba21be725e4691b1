/**
 * From which app a project was made, and what it says: as it was at that moment, whatever has become of its folder since. The
 * project changes when the app is applied to it again, which gives it a new version of its protocol. A protocol that is
 * written by hand afterwards goes with the app as it was.
 */
import type { Asker } from '../asker.ts';
import type { Protocol, ProtocolInput } from '../contract/protocol-schema.ts';
import { ReadingError } from '../reading-error.ts';
import type { Projects } from '../room/projects.ts';
import type { RoomParts } from '../room/room-parts.ts';
import type { AppCode } from './app-code.ts';
import { type AppDeclaration, appSchema } from './app-schema.ts';
import type { AppShelf } from './app-shelf.ts';
import type { ModelSteps } from './app-steps.ts';
import { structureNamed } from './named-structure.ts';

export interface ProjectApp {
  readonly declaration: AppDeclaration;
  readonly digest: string;
  readonly code: AppCode | undefined;
}

/** What a hospital decides for itself. */
export interface AppChoices {
  readonly title?: string;
  readonly fourEyes?: boolean;
  /** Whole, or by name. Of an app that says itself what is drawn there are none to choose. */
  readonly structures?: readonly (string | ProtocolInput['structures'][number])[];
}

/** Undefined for a project that was made from a protocol alone. */
function projectApp({ database }: Pick<RoomParts, 'database'>, project: string): ProjectApp | undefined {
  const row = database
    .prepare('SELECT * FROM project_app WHERE project = ? ORDER BY protocol_version DESC LIMIT 1')
    .get(project);
  if (row === undefined) return undefined;
  const hasCode = row['code_sha256'] !== null;
  return {
    declaration: appSchema.parse(JSON.parse(String(row['content']))),
    digest: String(row['digest']),
    code: hasCode ? { path: String(row['code_path']), sha256: String(row['code_sha256']) } : undefined,
  };
}

/** Nothing where a project has no app, or the app none for such a model. */
export function modelSteps(
  parts: Pick<RoomParts, 'database'>,
  project: string,
  kind: 'automatic' | 'interactive',
): ModelSteps {
  const app = projectApp(parts, project);
  const { automatic, interactive } = app?.declaration.models ?? {};
  const before = (kind === 'automatic' ? automatic : interactive)?.before ?? [];
  return { before, after: kind === 'automatic' ? (automatic?.after ?? []) : [], code: app?.code };
}

/**
 * Number of the structure by the model's class, where the project's app says it; null for a class that is not drawn. What the
 * app says of classes that the model does not have is left out.
 */
export function modelClasses(
  parts: Pick<RoomParts, 'database'>,
  project: string,
  { classes, protocol }: { classes: readonly { readonly name: string }[]; protocol: Pick<Protocol, 'structures'> },
): Readonly<Record<string, number | null>> {
  const said = projectApp(parts, project)?.declaration.models.automatic?.classes ?? {};
  const numberOf = (structure: string) =>
    protocol.structures.find(({ name }) => name.toLowerCase() === structure.toLowerCase())?.number ?? null;
  return Object.fromEntries(
    classes
      .filter(({ name }) => Object.hasOwn(said, name))
      .map(({ name }) => [name, said[name] === null ? null : numberOf(said[name]!)]),
  );
}

export class ProjectApps {
  readonly shelf: AppShelf;
  readonly #parts: RoomParts;
  readonly #projects: Projects;

  constructor(parts: RoomParts, projects: Projects, shelf: AppShelf) {
    this.#parts = parts;
    this.#projects = projects;
    this.shelf = shelf;
  }

  /** Undefined for one that was made from a protocol alone. */
  of(project: string): ProjectApp | undefined {
    return projectApp(this.#parts, project);
  }

  /**
   * Makes a project of an app, or, where it is there, gives it the app's protocol as the next version.
   * @returns the version of the protocol.
   * @throws ReadingError `reading.app-unknown`, `reading.app-structure`, `reading.role-wanted`; `reading.project-exists` of
   *   `create`, `reading.project-unknown` of `revise`
   */
  async apply(
    asker: Asker,
    project: string,
    { app: name, choices, how }: { app: string; choices: AppChoices; how: 'create' | 'revise' },
  ): Promise<number> {
    const { code, declaration, digest } = this.shelf.get(name);
    const { protocol, title } = declaration;
    const input = { title, ...protocol, ...choices, structures: chosenStructures(declaration, choices.structures) };
    const content = JSON.stringify(declaration);
    return this.#projects[how](asker, project, input, { name, digest, content, code });
  }
}

/** @throws ReadingError `reading.app-structure` */
function chosenStructures(
  { protocol }: AppDeclaration,
  chosen: AppChoices['structures'] = [],
): ProtocolInput['structures'] {
  if (protocol.structures.length > 0) {
    if (chosen.length === 0) return protocol.structures;
    throw new ReadingError('reading.app-structure', 'The app says itself what is drawn: name no structures.');
  }
  if (chosen.length === 0) {
    throw new ReadingError('reading.app-structure', 'The app draws whatever it is told to: name the structures.');
  }
  return chosen.map((one, at) => (typeof one === 'string' ? structureNamed(one, at + 1) : one));
}
