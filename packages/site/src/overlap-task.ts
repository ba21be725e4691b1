/**
 * Finds the patients whom this site shares with others, and settles with them in which part such a patient is; what is
 * told of it are two counts. What was sent, and what came of it, is in the site's own record; a step done again says the
 * same.
 */
import { laterPart, OverlapExchange, type PeerChannel } from '@consilium/federation';
import type { BlobId, ContributionTo, OverlapStep, OverlapTask, SiteId, Split } from '@consilium/protocol';
import type { JobPeers } from './job-peers.ts';
import { type Comparing, type OverlapRecord, OverlapRecords, type SharedPatient } from './overlap-record.ts';
import { ownPatients, recordedParts } from './own-patients.ts';
import type { LocalLog } from './ports/local-log.ts';
import { overlapLimitsOf, type WorkerSettings } from './settings.ts';
import { SiteError } from './site-error.ts';
import type { TaskContext } from './worker-link.ts';

/** Smaller numbers of patients are not told, whatever is asked. */
const minimumCount = 3;

export interface OverlapWorkplace {
  readonly settings: WorkerSettings;
  readonly peers: JobPeers;
  readonly log: LocalLog;
}

/** What a step has at hand. */
interface Desk extends Pick<TaskContext, 'getBlob' | 'putBlob' | 'signal'> {
  readonly task: OverlapTask;
  readonly channel: PeerChannel;
  readonly exchange: OverlapExchange;
  readonly records: OverlapRecords;
}

/** @throws SiteError `site.overlap-*`, `site.peer-key-forgotten`, `site.identities-unreadable` */
export async function overlapTask(
  task: OverlapTask,
  { settings, peers, log }: OverlapWorkplace,
  { getBlob, putBlob, signal }: Pick<TaskContext, 'getBlob' | 'putBlob' | 'signal'>,
): Promise<ContributionTo<'overlap'>> {
  const { jobId, step } = task;
  const records = new OverlapRecords(settings.workDirectory);
  const kept = await records.of(jobId);
  if (step === 'find' && kept?.state.kind === 'found') {
    await peers.forget(); // it may have been interrupted
    return answerOf(task, kept.state.patients);
  }
  checkAllowed(task, settings);
  const channel = await peers.channel(task.roster, { minimumSites: task.settings.minimumSites });
  const exchange = new OverlapExchange({
    secret: peers.ownSecret('overlap'),
    siteId: channel.roster.siteId,
    capacity: task.settings.capacity,
  });
  const desk: Desk = { task, channel, exchange, records, getBlob, putBlob, signal };
  switch (step) {
    case 'mask':
      return mask(desk, settings, log);
    case 'return': {
      comparingOf(kept);
      const sent = await received(desk, 'mask');
      return sealed(desk, sent.keys(), (to) => exchange.returned(sent.get(to)!));
    }
    case 'label': {
      const { patients, owners, order } = comparingOf(kept);
      const partAt = order.map((index) => (index < 0 ? null : partOf(owners[index]!, patients)));
      const [lists, returned] = [await received(desk, 'mask'), await received(desk, 'return')];
      const others = [...returned.keys()].filter((other) => lists.has(other));
      return sealed(desk, others, (to) =>
        exchange.labelled({ own: returned.get(to)!, theirs: lists.get(to)! }, { to, partAt }),
      );
    }
    case 'find': {
      const patients = await find(desk, comparingOf(kept), await recordedParts(settings.workDirectory));
      await records.keep(jobId, { ...kept!, state: { kind: 'found', patients } });
      await peers.forget();
      log.write('overlap', { jobId, elsewhere: patients.length });
      return answerOf(task, patients);
    }
  }
}

/** @throws SiteError `site.overlap-not-allowed` */
function checkAllowed({ settings: { identifier } }: OverlapTask, settings: WorkerSettings): void {
  if (overlapLimitsOf(settings).identifiers.includes(identifier)) return;
  const message = `The site does not compare its patients by ${identifier}: its settings do not allow it.`;
  throw new SiteError('site.overlap-not-allowed', message, { lasting: true });
}

async function mask(desk: Desk, settings: WorkerSettings, log: LocalLog): Promise<ContributionTo<'overlap'>> {
  const { task, channel, records } = desk;
  const { jobId } = task;
  const kept = await records.of(jobId);
  const comparing = kept === undefined ? await begin(desk, settings, log) : comparingOf(kept);
  const list = new Uint8Array(Buffer.from(comparing.list, 'base64'));
  return sealed(desk, channel.peers, () => list);
}

/**
 * Durable when it resolves: what was sent, without an identifier.
 * @throws SiteError `site.overlap-exhausted`, `site.overlap-too-few-patients`, `site.overlap-too-many-patients`
 */
async function begin({ task, channel, exchange, records }: Desk, settings: WorkerSettings, log: LocalLog) {
  const { jobId } = task;
  const { identifier, capacity } = task.settings;
  const limits = overlapLimitsOf(settings);
  const tried = (await records.triedIn({ otherThan: jobId })) + channel.peers.length * capacity;
  if (tried > limits.identifiersMax) {
    const message = 'Other sites have tried as many identifiers as this site allows in all jobs together.';
    const detail = `${tried} with this job, of identifiersMax ${limits.identifiersMax}`;
    throw new SiteError('site.overlap-exhausted', message, { lasting: true, detail });
  }
  const { patients, owners, unknown } = await ownPatients(settings, {
    kind: identifier,
    limits,
    roster: channel.roster,
  });
  const known = `${patients.length} patients with ${owners.size} identifiers, ${unknown} without`;
  if (patients.length < limits.patientsMin) {
    const message = `The site knows fewer patients by ${identifier} than it insists on before it compares them.`;
    throw new SiteError('site.overlap-too-few-patients', message, { lasting: true, detail: known });
  }
  if (owners.size > capacity) {
    const message = 'The site has more identifiers of patients than the job has room for.';
    throw new SiteError('site.overlap-too-many-patients', message, { lasting: true, detail: known });
  }
  log.write('overlap begun', { jobId, identifier, with: channel.peers, known });
  const { bytes, order } = exchange.masked([...owners.keys()]);
  const state: Comparing = {
    kind: 'comparing',
    patients: [...patients],
    owners: [...owners.values()].map((each) => [...each]),
    list: Buffer.from(bytes).toString('base64'),
    order: [...order],
  };
  await records.keep(jobId, { identifier, peers: [...channel.peers], capacity, state });
  return state;
}

/** @throws SiteError `site.overlap-not-begun` */
function comparingOf(kept: OverlapRecord | undefined): Comparing {
  if (kept?.state.kind === 'comparing') return kept.state;
  const message = 'The site has not begun to compare its patients in this job, or has finished.';
  throw new SiteError('site.overlap-not-begun', message, { lasting: true });
}

function partOf(owners: readonly number[], patients: Comparing['patients']): Split {
  return owners.map((index) => patients[index]!.part).reduce(laterPart);
}

/** Whom others have too, in the order of this site's patients. */
async function find(
  desk: Desk,
  { patients, owners, order }: Comparing,
  recorded: ReadonlyMap<string, Split>,
): Promise<SharedPatient[]> {
  const [returned, labelled] = [await received(desk, 'return'), await received(desk, 'label')];
  const found = new Map<number, { at: SiteId[]; part: Split }>();
  for (const [from, own] of returned) {
    const labels = labelled.get(from);
    if (labels === undefined) continue;
    const here = new Map<number, Split>();
    for (const [place, part] of desk.exchange.found(own, { from, labelled: labels })) {
      for (const index of owners[order[place]!] ?? []) here.set(index, laterPart(part, here.get(index) ?? part));
    }
    for (const [index, part] of here) {
      const before = found.get(index) ?? { at: [], part: patients[index]!.part };
      found.set(index, { at: [...before.at, from], part: laterPart(part, before.part) });
    }
  }
  return [...found]
    .sort(([one], [other]) => one - other)
    .map(([index, { at, part }]) => {
      const { patient, here } = patients[index]!;
      return { patient, at, part, here: recorded.get(patient) ?? here };
    });
}

/** What the others have sealed in a step, in site order. */
async function received({ task, channel, getBlob }: Desk, step: OverlapStep): Promise<Map<SiteId, Uint8Array>> {
  const opened = new Map<SiteId, Uint8Array>();
  for (const { from, box } of task.received.filter((each) => each.step === step)) {
    opened.set(from, channel.open(await getBlob(box), { from, step }));
  }
  return opened;
}

/** One after another, so that the process is heard of in between: masking takes a while. */
async function sealed(
  { task: { step }, channel, putBlob, signal }: Desk,
  others: Iterable<SiteId>,
  message: (to: SiteId) => Uint8Array,
): Promise<ContributionTo<'overlap'>> {
  const boxes: Record<SiteId, BlobId> = {};
  for (const to of others) {
    signal.throwIfAborted();
    boxes[to] = await putBlob(channel.seal(message(to), { to, step }));
  }
  return { kind: 'overlap', step, boxes, found: null };
}

function answerOf(
  { step, settings }: { step: OverlapStep; settings: { minimumCount: number } },
  patients: readonly SharedPatient[],
): ContributionTo<'overlap'> {
  const least = Math.max(minimumCount, settings.minimumCount);
  const told = (count: number) => (count < least ? null : count);
  const leftOut = patients.filter(({ part, here }) => here !== null && here !== part);
  return {
    kind: 'overlap',
    step,
    boxes: {},
    found: { elsewhere: told(patients.length), leftOut: told(leftOut.length) },
  };
}
