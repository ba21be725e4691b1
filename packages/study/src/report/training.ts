/** How training went: scores and losses a round, where it stopped and why, who was missing. */
import { scoreDomain } from '../figures/chart.ts';
import { type Curve, curveChart } from '../figures/curve-chart.ts';
import { html, type Markup } from '../markup.ts';
import { armColours, ink } from '../palette.ts';
import type { JobRecord, RehearsalRecord } from '../record.ts';
import { counted, decimal, duration, phrase, siteName } from '../wording.ts';
import { figure, table } from './figure.ts';

export async function trainingSection(record: RehearsalRecord): Promise<Markup> {
  const federated = record.jobs.find((job) => job.kind === 'federated');
  const domain = scoreDomain(record.jobs.flatMap(validationValues));
  return html`<section aria-labelledby="training">
<h2 id="training">How training went</h2>
${federated === undefined ? '' : outcome(record, federated)}
<div class="grid two">
${federated === undefined ? '' : await validationFigure(record, federated, domain)}
${await otherFigure(record, domain)}
${federated === undefined ? '' : await lossFigure(record, federated)}
${federated === undefined ? '' : attendance(record, federated)}
</div>
${jobTable(record)}
</section>`;
}

function outcome(record: RehearsalRecord, job: JobRecord): Markup {
  const best = job.rounds.find(({ round }) => round === job.bestRound);
  const score = best?.validation.mean ?? Number.NaN;
  const kept =
    job.bestRound === null
      ? 'No round’s weights were kept.'
      : html`The weights of <b>round ${job.bestRound}</b> were kept${Number.isFinite(score) ? html` (validation Dice ${decimal(score)})` : ''}.`;
  const seconds = job.rounds.reduce((sum, round) => sum + round.seconds, 0);
  return html`<p class="lead">Federated training ran ${counted(job.rounds.length, 'round')} in ${duration(seconds)} with ${counted(record.sites.length, 'site')}.
${kept}</p>
<p class="lead"><b>Why it stopped:</b> ${phrase(job.stopReason)}.</p>`;
}

async function validationFigure(
  record: RehearsalRecord,
  job: JobRecord,
  domain: readonly [number, number],
): Promise<Markup> {
  if (job.rounds.length === 0) return html``;
  const mean = points(job, (round) => round.validation.mean);
  const best = mean.find(({ round }) => round === job.bestRound);
  const last = mean.at(-1);
  const bySite = record.sites.map((site) => siteCurve(site.id, job, (round) => round.validation.sites[site.id]));
  return figure({
    title: 'Federated model: validation score a round',
    picture: await curveChart({
      alternative: `Validation Dice of the federated model over ${counted(job.rounds.length, 'round')}: from ${decimal(mean[0]?.value ?? Number.NaN)} to ${decimal(last?.value ?? Number.NaN)}; best in round ${job.bestRound ?? 'none'}.`,
      axisTitle: 'Validation Dice',
      domain,
      roundsMax: job.rounds.length,
      curves: [...bySite, { id: 'mean', points: mean, colour: armColours.federated, emphasised: true }],
      marks: [
        ...(best === undefined || best.round === last?.round
          ? []
          : [{ ...best, label: `best, kept: round ${best.round}`, filled: true }]),
        ...(last === undefined
          ? []
          : [
              {
                ...last,
                label: `${best?.round === last.round ? 'best, kept; ' : ''}stopped after round ${last.round}`,
                filled: best?.round === last.round,
              },
            ]),
      ],
    }),
    caption: html`Thick: mean over the sites, weighted by their validation cases. Thin: single sites. Filled point: the round whose weights
were kept. Open point: where training stopped.`,
    numbers: {
      caption: 'Validation Dice of the federated model by round and site',
      head: ['Round', 'Weighted mean', ...record.sites.map((site) => site.name)],
      rows: job.rounds.map((round) => [
        round.round,
        decimal(round.validation.mean ?? Number.NaN),
        ...record.sites.map((site) => decimal(round.validation.sites[site.id] ?? Number.NaN)),
      ]),
    },
  });
}

async function otherFigure(record: RehearsalRecord, domain: readonly [number, number]): Promise<Markup> {
  const others = record.jobs.filter((job) => job.kind !== 'federated' && validationValues(job).length > 0);
  if (others.length === 0) return html``;
  const roundsMax = Math.max(...others.map((job) => job.rounds.length));
  const ends = others.map((job) => `${jobName(record, job)} ${decimal(validationValues(job).at(-1)!)}`).join('; ');
  return figure({
    title: 'Models for comparison: validation score a round',
    picture: await curveChart({
      alternative: `Validation Dice of the models for comparison; last value: ${ends}.`,
      axisTitle: 'Validation Dice',
      domain,
      roundsMax,
      curves: others.map((job) => ({
        id: job.id,
        points: points(job, (round) => round.validation.mean),
        colour: armColours[job.kind],
        emphasised: job.kind === 'pooled',
      })),
    }),
    caption: html`<span class="key" style="--key: ${armColours.pooled}"></span> pooled model (thick) &nbsp; <span class="key" style="--key: ${armColours.local}"></span> each site alone (thin). Each is
scored on the validation cases it could see: a site’s own model on that site’s only, so heights are not comparable between lines.`,
    numbers: {
      caption: 'Validation Dice of the models for comparison by round',
      head: ['Round', ...others.map((job) => jobName(record, job))],
      rows: Array.from({ length: roundsMax }, (_, index) => [
        index + 1,
        ...others.map((job) => decimal(job.rounds[index]?.validation.mean ?? Number.NaN)),
      ]),
    },
  });
}

async function lossFigure(record: RehearsalRecord, job: JobRecord): Promise<Markup> {
  const curves = record.sites.map((site) => siteCurve(site.id, job, (round) => round.trainLoss[site.id]));
  const values = curves.flatMap((curve) => curve.points.map(({ value }) => value));
  if (values.length === 0) return html``;
  const low = Math.min(...values);
  const high = Math.max(...values);
  const margin = 0.06 * (high - low || 1);
  return figure({
    title: 'Federated model: training loss a round',
    picture: await curveChart({
      alternative: `Mean training loss of each site over ${counted(job.rounds.length, 'round')}, between ${decimal(low)} and ${decimal(high)}.`,
      axisTitle: 'Training loss',
      domain: [low - margin, high + margin],
      roundsMax: job.rounds.length,
      curves,
    }),
    caption:
      'One line a site. A line that rises again while the others fall would be a site that disagrees with the rest.',
    numbers: {
      caption: 'Mean training loss by round and site',
      head: ['Round', ...record.sites.map((site) => site.name)],
      rows: job.rounds.map((round) => [
        round.round,
        ...record.sites.map((site) => decimal(round.trainLoss[site.id] ?? Number.NaN)),
      ]),
    },
  });
}

function attendance(record: RehearsalRecord, job: JobRecord): Markup {
  const missing = job.rounds.flatMap((round) => round.leftOut.map((one) => ({ round: round.round, ...one })));
  const rows = record.sites.map((site) => [
    site.name,
    `${job.rounds.filter((round) => round.contributors.includes(site.id)).length} of ${job.rounds.length}`,
  ]);
  const reasons = missing.map(
    ({ round, siteId, reason }) => html`<li>Round ${round}, ${siteName(record, siteId)}: ${phrase(reason)}.</li>`,
  );
  return html`<div class="panel"><h3>Who took part</h3>
${table({ caption: 'Rounds in which a site’s contribution was used', head: ['Site', 'Rounds'], rows })}
${missing.length === 0 ? html`<p>No site was left out of any round.</p>` : html`<p>Left out:</p><ul class="plain">${reasons}</ul>`}</div>`;
}

function jobTable(record: RehearsalRecord): Markup {
  return html`<details><summary>All training jobs</summary>
${table({
  caption: 'Training jobs',
  head: ['Model', 'Rounds', 'Kept', 'Time', 'Stopped because', 'Weights (SHA-256)'],
  words: ['Stopped because', 'Weights (SHA-256)'],
  rows: record.jobs.map((job) => [
    jobName(record, job),
    job.rounds.length,
    job.bestRound === null ? '–' : `round ${job.bestRound}`,
    duration(job.rounds.reduce((sum, round) => sum + round.seconds, 0)),
    job.stopReason,
    html`<code>${job.weightsSha256?.slice(0, 12) ?? '–'}</code>`,
  ]),
})}</details>`;
}

function jobName(record: RehearsalRecord, job: JobRecord): string {
  if (job.kind === 'federated') return 'Federated';
  return job.kind === 'pooled' ? 'Pooled' : `${siteName(record, job.siteId!)} alone`;
}

type Round = JobRecord['rounds'][number];

function points(job: JobRecord, of: (round: Round) => number | null | undefined): Curve['points'] {
  return job.rounds.flatMap((round) => {
    const value = of(round);
    return value === null || value === undefined ? [] : [{ round: round.round, value }];
  });
}

function siteCurve(id: string, job: JobRecord, of: (round: Round) => number | null | undefined): Curve {
  return { id, points: points(job, of), colour: ink.muted, emphasised: false };
}

function validationValues(job: JobRecord): number[] {
  return job.rounds
    .flatMap((round) => [round.validation.mean, ...Object.values(round.validation.sites)])
    .filter((value) => value !== null);
}
