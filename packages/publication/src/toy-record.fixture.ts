/** A record of a rehearsal of two sites, one with few test patients. */
import { parseRecord, type RehearsalRecord } from '@consilium/study';

export function toyRecord(weightsSha256: string, { synthetic = true } = {}): RehearsalRecord {
  const patients = [
    ...Array.from({ length: 6 }, (_, index) => ({ siteId: 'north', patient: `Meyer-${index}` })),
    ...Array.from({ length: 5 }, (_, index) => ({ siteId: 'south', patient: `Huber-${index}` })),
    ...Array.from({ length: 2 }, (_, index) => ({ siteId: 'west', patient: `Rossi-${index}` })),
  ];
  return parseRecord({
    title: 'A toy project',
    synthetic,
    startedAt: '2026-11-20T08:00:00.000Z',
    seconds: 120,
    seed: 7,
    software: { consilium: '0.1.0' },
    machine: 'a machine',
    command: 'consilium rehearse --data /home/hospital/patients --out /home/hospital/result',
    sites: ['north', 'south', 'west'].map((id) => ({
      id,
      name: id,
      studies: { train: 4, validation: 1, test: 6 },
      excluded: [{ case: 'Meyer-99', code: 'site.label-missing', message: 'no segmentation' }],
    })),
    classes: [
      { value: 0, name: 'background' },
      { value: 1, name: 'kidney' },
    ],
    regions: [{ id: 'kidney', name: 'kidney', classes: [1] }],
    plan: {
      network: 'U-Net',
      spacingMm: [3, 2.5, 2.5],
      patchSize: [8, 16, 16],
      batchSize: 2,
      loss: 'soft Dice',
      optimiser: 'SGD',
      aggregation: 'FedAvg',
      stepsPerRound: 5,
      roundsMax: 2,
      patience: 2,
      minimumGain: 0.01,
    },
    toleranceMm: 3,
    jobs: [{ id: 'federated', kind: 'federated', rounds: [], stopReason: 'Done.', bestRound: 1, weightsSha256 }],
    scores: patients.map(({ siteId, patient }, index) => ({
      model: 'federated',
      siteId,
      patient,
      case: `${patient}-ct`,
      region: 'kidney',
      dice: 0.7 + index / 100,
      nsd: 0.8,
      hd95Mm: 4,
      volumeErrorMl: 1,
      lesionSensitivity: null,
      falsePositives: 0,
      ...{ brier: 0.1, ece: 0.05 },
    })),
    pictures: [
      { siteId: 'north', case: 'Meyer-0-ct', kind: 'best', png: 'iVBORw0KGgo=', dice: 0.7, caption: 'Meyer-0' },
    ],
    protection: ['Each hospital spent ε = 3 of 8.'],
  });
}
