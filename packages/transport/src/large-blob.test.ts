import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chunkBytes } from '@consilium/protocol';
import { expect, it } from 'vitest';
import { CoordinatorProcess } from './coordinator-process.fixture.ts';
import type { LargeBlobReport, LargeBlobSettings } from './large-blob-site.fixture.ts';
import { createProject } from './project.fixture.ts';

it('moves a blob of 3 GB to the coordinator and back, each side in the memory of a few chunks', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'consilium-large-'));
  const project = await createProject();
  const authority = project.authority.certificate;
  const bytes = 3e9;
  await using coordinator = await CoordinatorProcess.start({
    directory,
    authority,
    credentials: await project.server(),
    port: 0,
  });
  const settings: LargeBlobSettings = {
    bytes,
    origin: `https://localhost:${coordinator.port}`,
    authority,
    credentials: await project.site('site-1'),
  };
  const site = fork(new URL('./large-blob-site.fixture.ts', import.meta.url), [JSON.stringify(settings)], {
    execArgv: ['--conditions=consilium-source'],
  });
  try {
    const [report] = (await once(site, 'message')) as [LargeBlobReport];
    const { asked, peakBytes, cpuSeconds } = await coordinator.report();
    const megabytes = (count: number) => `${(count / 1e6).toFixed(0)} MB`;
    console.log(
      `3 GB: up ${report.upSeconds.toFixed(1)} s, down ${report.downSeconds.toFixed(1)} s; peak of site ` +
        `${megabytes(report.peakBytes)}, of coordinator ${megabytes(peakBytes)}; CPU of site ` +
        `${report.cpuSeconds.toFixed(1)} s, of coordinator ${cpuSeconds.toFixed(1)} s`,
    );
    const chunks = Math.ceil(bytes / chunkBytes);
    expect(report.chunksReceived).toBe(chunks);
    expect(asked.filter((each) => each.startsWith('PUT /v1/chunks/'))).toHaveLength(chunks);
    expect(report.peakBytes).toBeLessThan(400e6);
    expect(peakBytes).toBeLessThan(400e6);
  } finally {
    site.kill('SIGKILL');
    await coordinator.kill();
    rmSync(directory, { recursive: true });
  }
}, 300_000);
