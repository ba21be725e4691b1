/**
 * The coordinator's part of a secure sum: hands round what sites say to each other, and adds up what they have masked.
 * Nothing that it holds says more than the sum.
 *
 * Each of the five steps is put to those that answered the one before. Up to the masked weights a session that has become
 * too small is given up and nothing can be unmasked; a job that is resumed begins another with what was trained. After
 * that the set of sites is fixed, and the same session is resumed until enough sites have helped to unmask it.
 *
 * Ledger keys of round r, session n: `round/r/secure-<step>.n/<site>`, `round/r/secure-<step>.n.closed`, and
 * `round/r/secure-failed.n` for one that was given up.
 */
import type {
  Advertisement,
  BlobId,
  Contribution,
  ContributionTo,
  Json,
  SecureAggregation,
  SecureSession,
  SiteId,
  TaskBody,
} from '@consilium/protocol';
import { lackingBlobs } from '../blob.ts';
import { type Acceptance, type InquiryOptions, inquire } from '../inquiry.ts';
import type { Job } from '../job.ts';
import type { LeftOutSite } from '../left-out-site.ts';
import { PeerKey } from '../peers/peer-key.ts';
import type { Ports } from '../ports.ts';
import type { JobReason } from '../reason.ts';
import { WeightsFile } from '../weights.ts';
import { type Lattice, latticeOf } from './lattice.ts';
import { commonMask, type Mask, ownMask, undone } from './mask.ts';
import { maskedBytes, unmaskedMean } from './masked-weights.ts';
import { type Neighbourhood, neighbourhoodOf } from './neighbours.ts';
import { type Advertised, base64, bytesOfBase64, rosterDigest, sessionDigest, sha256 } from './session.ts';
import { secretOf } from './shared-secret.ts';

export interface SecureRound extends InquiryOptions {
  readonly job: Job;
  readonly settings: SecureAggregation;
  readonly round: number;
  /** The weights that sites were sent. */
  readonly base: BlobId;
  /** What sites were asked to train: see `trainingDigest`. */
  readonly training: string;
  readonly keepLocal: readonly string[];
  readonly ports: Ports;
  /** What the ledger holds of the job. */
  readonly entries: ReadonlyMap<string, Json>;
  /** Writes `round/r/<step>`. */
  readonly record: (step: string, value: object) => Promise<void>;
  /** Under which contributions are retained. */
  readonly holder: string;
}

export type SecureOutcome =
  | {
      readonly kind: 'summed';
      /** The mean of the survivors' weights. */
      readonly weights: BlobId;
      /** Of all survivors together. */
      readonly cases: number;
      readonly survivors: readonly SiteId[];
      readonly leftOut: readonly LeftOutSite[];
    }
  | { readonly kind: 'failed'; readonly reason: JobReason }
  | { readonly kind: 'aborted' };

type Kind = Extract<TaskBody['kind'], `secure-${string}`>;
type Body<K extends Kind> = Extract<TaskBody, { kind: K }>;

interface Step<K extends Kind, V> {
  readonly kind: K;
  readonly session: SecureSession;
  readonly siteIds: readonly SiteId[];
  readonly enough: number;
  readonly taskFor: (siteId: SiteId) => Body<K>;
  /** What is kept of an answer, or why it is refused. */
  readonly accept: (siteId: SiteId, answer: ContributionTo<K>) => Acceptance<V> | Promise<Acceptance<V>>;
}

interface Answers<V> {
  readonly kind: 'answered';
  /** In site order. */
  readonly answers: ReadonlyMap<SiteId, V>;
  readonly leftOut: readonly LeftOutSite[];
}

type Input = { readonly masked: BlobId };
type Boxes = Pick<ContributionTo<'secure-shares'>, 'boxes'>;
type Unmasking = Pick<ContributionTo<'secure-unmask'>, 'seeds' | 'maskKeys'>;

/** Adds up the weights of those who have trained. */
export async function sumSecurely(context: SecureRound, trained: readonly SiteId[]): Promise<SecureOutcome> {
  const { job, settings, round, entries } = context;
  const failed = [...entries.keys()].filter((key) => key.startsWith(`round/${round}/secure-failed.`)).length;
  const session: SecureSession = { round, number: failed + 1 };
  const leftOut: LeftOutSite[] = [];
  const giveUp = async (answered: number): Promise<SecureOutcome> => {
    const reason = tooFew(context, answered, leftOut);
    await context.record(`secure-failed.${session.number}`, reason);
    return { kind: 'failed', reason };
  };

  const keys = await put(context, keysStep(context, session, trained));
  if (keys.kind === 'aborted') return keys;
  leftOut.push(...keys.leftOut);
  if (keys.answers.size < job.minimumSites) return giveUp(keys.answers.size);
  const meeting = meetingOf(context, session, keys.answers);

  const shares = await put(context, sharesStep(context, meeting));
  if (shares.kind === 'aborted') return shares;
  leftOut.push(...shares.leftOut);
  if (shares.answers.size < job.minimumSites) return giveUp(shares.answers.size);

  const inputs = await put(context, inputStep(context, meeting, shares.answers));
  if (inputs.kind === 'aborted') return inputs;
  leftOut.push(...inputs.leftOut);
  if (inputs.answers.size < job.minimumSites) return giveUp(inputs.answers.size);
  const survivors = [...inputs.answers.keys()];

  const signed = await put(context, survivorsStep(context, meeting, survivors));
  if (signed.kind === 'aborted') return signed;
  if (signed.answers.size < settings.threshold) {
    return { kind: 'failed', reason: tooFew(context, signed.answers.size, signed.leftOut) };
  }
  const signatures = [...signed.answers].map(([siteId, { signature }]) => ({ siteId, signature }));

  const unmasked = await put(context, unmaskStep(context, meeting, { survivors, signatures, shared: shares.answers }));
  if (unmasked.kind === 'aborted') return unmasked;
  if (unmasked.answers.size < settings.threshold) {
    return { kind: 'failed', reason: tooFew(context, unmasked.answers.size, unmasked.leftOut) };
  }
  const opened = { sharing: [...shares.answers.keys()], inputs: inputs.answers, unmasking: unmasked.answers };
  return open(context, meeting, { ...opened, leftOut });
}

// The steps ------------------------------------------------------------------------------------------------------------

/** What is settled once the keys are known. */
interface Meeting {
  readonly session: SecureSession;
  readonly digest: Uint8Array;
  readonly roster: readonly Advertised[];
  readonly neighbourhood: Neighbourhood;
  readonly lattice: Lattice;
}

function meetingOf(
  { job, settings, training }: SecureRound,
  session: SecureSession,
  keys: ReadonlyMap<SiteId, Advertisement>,
): Meeting {
  const { jobId, participants } = job;
  const digest = sessionDigest({ jobId, ...session, settings, participants, training });
  const roster = [...keys].map(([siteId, advertisement]) => ({ siteId, ...advertisement }));
  const neighbourhood = neighbourhoodOf([...keys.keys()], rosterDigest(digest, roster), settings);
  return { session, digest, roster, neighbourhood, lattice: latticeOf(settings, job.participants.length)! };
}

function keysStep(
  { job, settings }: SecureRound,
  session: SecureSession,
  siteIds: readonly SiteId[],
): Step<'secure-keys', Advertisement> {
  return {
    kind: 'secure-keys',
    session,
    siteIds,
    enough: job.minimumSites,
    taskFor: () => ({ kind: 'secure-keys', session, settings, participants: [...job.participants] }),
    accept: (_, { kind: __, ...advertisement }) => ({ accepted: true, value: advertisement }),
  };
}

function sharesStep({ job }: SecureRound, meeting: Meeting): Step<'secure-shares', Boxes> {
  const { session, roster, neighbourhood } = meeting;
  return {
    kind: 'secure-shares',
    session,
    siteIds: roster.map(({ siteId }) => siteId),
    enough: job.minimumSites,
    taskFor: () => ({ kind: 'secure-shares', session, roster: [...roster] }),
    accept: (siteId, { boxes }) => {
      const to = boxes.map((box) => box.siteId).sort();
      return to.join() === neighbourhood.neighbours.get(siteId)!.join()
        ? { accepted: true, value: { boxes } }
        : refused('federation.secure-boxes-wrong', 'Its shares are not for those who shall have them.');
    },
  };
}

function inputStep(
  context: SecureRound,
  { session, neighbourhood, lattice }: Meeting,
  shared: ReadonlyMap<SiteId, Boxes>,
): Step<'secure-input', Input> {
  const { job, base, keepLocal, ports, holder } = context;
  return {
    kind: 'secure-input',
    session,
    siteIds: [...shared.keys()],
    enough: job.minimumSites,
    taskFor: (siteId) => ({
      kind: 'secure-input',
      session,
      weights: base,
      boxes: neighbourhood.neighbours.get(siteId)!.flatMap((from) => {
        const box = shared.get(from)?.boxes.find((each) => each.siteId === siteId)?.box;
        return box === undefined ? [] : [{ siteId: from, box }];
      }),
    }),
    accept: async (_, { masked }) => {
      await ports.store.retain([masked], holder);
      const lacking = await lackingBlobs(ports.store, [masked]);
      if (lacking.length > 0) return { accepted: false, lacking };
      const { shape } = await WeightsFile.open(ports.store, base);
      const { bytes } = (await ports.store.getManifest(masked))!;
      return bytes === maskedBytes(shape, keepLocal, lattice)
        ? { accepted: true, value: { masked } }
        : refused('federation.masked-wrong-length', 'Its masked weights are longer or shorter than the model.');
    },
  };
}

function survivorsStep(
  { settings }: SecureRound,
  { session }: Meeting,
  survivors: readonly SiteId[],
): Step<'secure-survivors', { readonly signature: string }> {
  return {
    kind: 'secure-survivors',
    session,
    siteIds: survivors,
    enough: settings.threshold,
    taskFor: () => ({ kind: 'secure-survivors', session, survivors: [...survivors] }),
    accept: (_, { signature }) => ({ accepted: true, value: { signature } }),
  };
}

function unmaskStep(
  { settings }: SecureRound,
  { session, neighbourhood }: Meeting,
  known: {
    readonly survivors: readonly SiteId[];
    readonly signatures: readonly { readonly siteId: SiteId; readonly signature: string }[];
    readonly shared: ReadonlyMap<SiteId, Boxes>;
  },
): Step<'secure-unmask', Unmasking> {
  const { survivors, signatures, shared } = known;
  const survived = new Set(survivors);
  return {
    kind: 'secure-unmask',
    session,
    siteIds: survivors,
    enough: settings.threshold,
    taskFor: () => ({
      kind: 'secure-unmask',
      session,
      survivors: [...survivors],
      signatures: [...signatures],
    }),
    accept: (siteId, { seeds, maskKeys }) => {
      const near = neighbourhood.neighbours.get(siteId)!.filter((other) => shared.has(other));
      const due = [siteId, ...near].sort();
      const seedsOf = due.filter((each) => survived.has(each)).join();
      const keysOf = due.filter((each) => !survived.has(each)).join();
      const isDue = namesOf(seeds) === seedsOf && namesOf(maskKeys) === keysOf;
      return isDue
        ? { accepted: true, value: { seeds, maskKeys } }
        : refused('federation.secure-shares-wrong', 'It told other shares than those that it was asked for.');
    },
  };
}

function namesOf(shares: readonly { readonly siteId: SiteId }[]): string {
  return shares
    .map(({ siteId }) => siteId)
    .sort()
    .join();
}

// Opening the sum ------------------------------------------------------------------------------------------------------

interface Opened {
  /** Those who share masks with others: survivors, and those who were lost since. */
  readonly sharing: readonly SiteId[];
  readonly inputs: ReadonlyMap<SiteId, Input>;
  readonly unmasking: ReadonlyMap<SiteId, Unmasking>;
  readonly leftOut: readonly LeftOutSite[];
}

async function open(context: SecureRound, meeting: Meeting, opened: Opened): Promise<SecureOutcome> {
  const { settings, ports, base, keepLocal, holder } = context;
  const { inputs, leftOut } = opened;
  const unmasking: Mask[] = [];
  for (const siteId of opened.sharing) {
    const masks = inputs.has(siteId)
      ? await ownMaskOf(siteId, meeting, opened)
      : await commonMasksOf(siteId, meeting, opened);
    if (masks === null) return { kind: 'failed', reason: locked(context, siteId) };
    unmasking.push(...masks);
  }
  const { weights, cases } = await unmaskedMean(ports.store, {
    inputs: [...inputs.values()].map(({ masked }) => masked),
    base: await WeightsFile.open(ports.store, base),
    keepLocal,
    lattice: meeting.lattice,
    unmasking,
  });
  if (cases < inputs.size || cases > inputs.size * settings.casesMax) {
    return { kind: 'failed', reason: implausible(context) };
  }
  await ports.store.retain([weights], holder);
  return { kind: 'summed', weights, cases, survivors: [...inputs.keys()], leftOut };
}

/** What takes a survivor's own mask away; null if too few right shares of it are known. */
async function ownMaskOf(
  siteId: SiteId,
  { digest, roster, neighbourhood }: Meeting,
  { unmasking }: Opened,
): Promise<Mask[] | null> {
  const { seedSha256 } = roster.find((each) => each.siteId === siteId)!;
  const shares = [...unmasking.values()].flatMap(({ seeds }) => seeds.filter((each) => each.siteId === siteId));
  const seed = await secretOf(
    shares.map(({ share }) => bytesOfBase64(share)),
    { threshold: neighbourhood.shareThreshold, bytes: 32, isRight: (secret) => base64(sha256(secret)) === seedSha256 },
  );
  return seed === null ? null : undone([ownMask(digest, seed)]);
}

/** What a site that was lost would have added, to cancel what survivors have of its masks; null as above. */
async function commonMasksOf(
  siteId: SiteId,
  { digest, roster, neighbourhood }: Meeting,
  { inputs, unmasking }: Opened,
): Promise<Mask[] | null> {
  const with_ = neighbourhood.neighbours.get(siteId)!.filter((other) => inputs.has(other));
  if (with_.length === 0) return [];
  const keyOf = (id: SiteId) => roster.find((each) => each.siteId === id)!.maskKey;
  const shares = [...unmasking.values()].flatMap(({ maskKeys }) => maskKeys.filter((each) => each.siteId === siteId));
  const secret = await secretOf(
    shares.map(({ share }) => bytesOfBase64(share)),
    {
      threshold: neighbourhood.shareThreshold,
      bytes: 32,
      isRight: (each) => base64(new PeerKey(each).publicKey) === keyOf(siteId),
    },
  );
  if (secret === null) return null;
  const own = new PeerKey(secret);
  return with_.map((other) =>
    commonMask(digest, { own, siteId }, { siteId: other, publicKey: bytesOfBase64(keyOf(other)) }),
  );
}

// Asking ---------------------------------------------------------------------------------------------------------------

/** Puts a step to the sites that have not answered it; when it has enough answers it is closed for good. */
async function put<K extends Kind, V extends object>(
  { job, round, entries, ports, record, signal, onEvent }: SecureRound,
  step: Step<K, V>,
): Promise<Answers<V> | { readonly kind: 'aborted' }> {
  const work = `${step.kind}.${step.session.number}`;
  const recorded = (siteId: SiteId) => entries.get(`round/${round}/${work}/${siteId}`) as unknown as V | undefined;
  const siteIds = step.siteIds.toSorted();
  const known = () =>
    new Map(
      siteIds.flatMap((siteId): [SiteId, V][] => {
        const value = recorded(siteId);
        return value === undefined ? [] : [[siteId, value]];
      }),
    );
  const closed = entries.get(`round/${round}/${work}.closed`) as unknown as
    | { leftOut: readonly LeftOutSite[] }
    | undefined;
  if (closed !== undefined) return { kind: 'answered', answers: known(), leftOut: closed.leftOut };
  const done = known();
  const outcome = await inquire<V>(
    {
      jobId: job.jobId,
      mandate: job.mandate,
      round,
      work,
      siteIds: siteIds.filter((siteId) => !done.has(siteId)),
      taskFor: step.taskFor,
      accept: async (siteId, contribution) => {
        if (!answers(step.kind, contribution)) return anotherKind;
        const acceptance = await step.accept(siteId, contribution);
        if (acceptance.accepted) await record(`${work}/${siteId}`, acceptance.value);
        return acceptance;
      },
      enough: Math.max(0, step.enough - done.size),
      stragglerMs: job.stragglerMs,
      attempts: job.attempts,
    },
    ports,
    { signal, onEvent },
  );
  if (outcome.kind === 'aborted') return outcome;
  const { leftOut } = outcome;
  // Whatever comes late can still help to unmask.
  if (known().size >= step.enough && step.kind !== 'secure-unmask') await record(`${work}.closed`, { leftOut });
  return { kind: 'answered', answers: known(), leftOut };
}

function answers<K extends Kind>(kind: K, contribution: Contribution): contribution is ContributionTo<K> {
  return contribution.kind === kind;
}

const anotherKind = {
  accepted: false,
  code: 'federation.contribution-of-another-kind',
  message: 'The site answered another task than the one it was given.',
} as const;

function refused(code: `federation.${string}`, message: string): Acceptance<never> {
  return { accepted: false, code, message };
}

function tooFew({ job, round }: SecureRound, answered: number, leftOut: readonly LeftOutSite[]): JobReason {
  const why = leftOut.map(({ siteId, message }) => `${siteId}: ${message}`).join(' ');
  const text = `In round ${round}, ${answered} of ${job.participants.length} sites were left for the secure sum: too few. Nothing of it was unmasked. ${why}`;
  return { code: 'federation.too-few-sites', text: text.trim() };
}

function locked({ round }: SecureRound, siteId: SiteId): JobReason {
  const text = `The secure sum of round ${round} cannot be unmasked: too few right shares are known of what opens the masks of ${siteId}.`;
  return { code: 'federation.secure-sum-locked', text };
}

function implausible({ round }: SecureRound): JobReason {
  const text = `The secure sum of round ${round} is of an impossible number of cases: a site has not masked what it should.`;
  return { code: 'federation.secure-sum-implausible', text };
}
