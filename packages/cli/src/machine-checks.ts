/** What preflight looks at on the site's own machine. */
import { randomBytes } from 'node:crypto';
import { open, rm, statfs } from 'node:fs/promises';
import { totalmem } from 'node:os';
import { join } from 'node:path';
import { findCases, type SiteSettings, sourcesOf } from '@consilium/site';
import { type IdentityDirectory, wallClockMs } from '@consilium/transport';
import type { Check, CheckResult } from './preflight-check.ts';

export interface MachineChecksOptions {
  readonly directory: string;
  readonly settings: SiteSettings;
  /** Throws if there is none that was admitted. */
  readonly identity: () => Promise<IdentityDirectory>;
}

const gib = 2 ** 30;
const dayMs = 24 * 60 * 60 * 1000;

export function machineChecks({ directory, settings, identity }: MachineChecksOptions): readonly Check[] {
  return [
    { name: 'certificate', look: async () => checkCertificate(await identity(), wallClockMs()) },
    { name: 'disk', look: () => checkDisk(directory) },
    { name: 'memory', look: async () => checkMemory(process.availableMemory(), totalmem()) },
    { name: 'data', look: () => checkData(settings) },
  ];
}

export function checkCertificate(
  { facts, validity: { fromMs, toMs } }: Pick<IdentityDirectory, 'facts' | 'validity'>,
  nowMs: number,
): CheckResult {
  const whose = `the certificate of ${facts.id} in "${facts.project}"`;
  const days = (toMs - nowMs) / dayMs;
  const result = { facts: { validUntil: new Date(toMs).toISOString(), days } };
  if (nowMs < fromMs) {
    const todo = 'Set this machine’s clock (NTP).';
    return { ...result, state: 'failed', found: `${whose} is not valid yet`, todo };
  }
  if (nowMs > toMs) {
    const todo = 'Ask for a new invitation and run "consilium site join" with it, in the same directory.';
    return { ...result, state: 'failed', found: `${whose} has expired`, todo };
  }
  const found = `${whose} is valid for ${days < 2 ? `${(24 * days).toFixed(0)} hours` : `${days.toFixed(0)} days`}`;
  // A running site renews it when a third of its time is left.
  if (toMs - nowMs > (toMs - fromMs) / 4) return { ...result, state: 'ok', found };
  const todo = 'A running site renews it by itself: let "consilium site start" run before it expires.';
  return { ...result, state: 'warning', found: `${found} only`, todo };
}

async function checkDisk(directory: string): Promise<CheckResult> {
  const { bavail, bsize } = await statfs(directory);
  const freeGib = (bavail * bsize) / gib;
  const syncMs = await syncTime(directory);
  const found = `${freeGib.toFixed(0)} GB free in ${directory}, flushing 1 MB takes ${syncMs.toFixed(0)} ms`;
  const facts = { freeGib, syncMs };
  const todo = 'Make room: prepared cases take about as much as the images themselves, and each model twice its size.';
  if (freeGib < 1) return { state: 'failed', found, todo, facts };
  if (freeGib < 20) return { state: 'warning', found, todo, facts };
  if (syncMs < 2000) return { state: 'ok', found, facts };
  return { state: 'warning', found, todo: 'This disk is slow at keeping what it is given: use a local one.', facts };
}

async function syncTime(directory: string): Promise<number> {
  const path = join(directory, `.preflight-${process.pid}`);
  const file = await open(path, 'w');
  try {
    const startMs = performance.now();
    await file.writeFile(randomBytes(2 ** 20));
    await file.sync();
    return performance.now() - startMs;
  } finally {
    await file.close();
    await rm(path, { force: true });
  }
}

export function checkMemory(availableBytes: number, totalBytes: number): CheckResult {
  const found = `${(availableBytes / gib).toFixed(1)} of ${(totalBytes / gib).toFixed(1)} GB available`;
  const facts = { availableBytes, totalBytes };
  const todo =
    'Training takes what the job’s plan says (memoryBudgetMb), plus about 1 GB. Free some, or ask for a smaller plan.';
  if (availableBytes < gib) return { state: 'failed', found, todo, facts };
  return availableBytes < 4 * gib ? { state: 'warning', found, todo, facts } : { state: 'ok', found, facts };
}

async function checkData(settings: SiteSettings): Promise<CheckResult> {
  const sources = sourcesOf(settings);
  const directories = sources.map(({ cohort, directory }) => directory + (cohort ? `, cohort ${cohort.name}` : ''));
  const cases = (await Promise.all(sources.map(findCases))).flat();
  const unlabelled = cases.filter(({ files }) => files.kind === 'unlabelled').length;
  const labelled = cases.length - unlabelled;
  const patients = new Set(cases.map(({ patientId }) => patientId)).size;
  const rest = unlabelled === 0 ? '' : `, and ${unlabelled} images without a segmentation`;
  const found = `${labelled} cases of ${patients} patients in ${directories.join(', ')}${rest}`;
  const facts = { cases: labelled, unlabelled, patients };
  if (labelled === 0) {
    const todo = 'Lay them out as <case>/image.nii.gz with label.nii.gz, or <case>/ct/*.dcm with seg.dcm.';
    return { state: 'failed', found, todo, facts };
  }
  if (patients >= 5 && unlabelled === 0) return { state: 'ok', found, facts };
  const todo =
    unlabelled > 0
      ? 'Images without a segmentation are left out.'
      : 'With fewer than five patients little is left to train on after validation and test are set aside.';
  return { state: 'warning', found, todo, facts };
}
