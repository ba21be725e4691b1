/** Command sets of DIMSE messages (PS3.7 section 6.3.1, annex E): group 0000 in implicit little endian. */
import { protocolViolation } from './protocol-violation.ts';

export const commandFields = {
  storeRequest: 0x0001,
  storeResponse: 0x8001,
  getRequest: 0x0010,
  getResponse: 0x8010,
  findRequest: 0x0020,
  findResponse: 0x8020,
  moveRequest: 0x0021,
  moveResponse: 0x8021,
  echoRequest: 0x0030,
  echoResponse: 0x8030,
  cancelRequest: 0x0fff,
} as const;

/** Command Data Set Type (0000,0800): no data set follows. */
const noDataSet = 0x0101;

const elements = {
  affectedSopClassUid: [0x0002, 'UI'],
  commandField: [0x0100, 'US'],
  messageId: [0x0110, 'US'],
  respondedToMessageId: [0x0120, 'US'],
  moveDestination: [0x0600, 'AE'],
  priority: [0x0700, 'US'],
  dataSetType: [0x0800, 'US'],
  status: [0x0900, 'US'],
  errorComment: [0x0902, 'LO'],
  affectedSopInstanceUid: [0x1000, 'UI'],
  remaining: [0x1020, 'US'],
  completed: [0x1021, 'US'],
  failed: [0x1022, 'US'],
  warnings: [0x1023, 'US'],
  moveOriginatorAeTitle: [0x1030, 'AE'],
  moveOriginatorMessageId: [0x1031, 'US'],
} as const satisfies Record<string, readonly [element: number, vr: 'UI' | 'US' | 'AE' | 'LO']>;
type Name = keyof typeof elements;

export type CommandSet = {
  readonly [name in Name]?: ((typeof elements)[name][1] extends 'US' ? number : string) | undefined;
} & { readonly commandField: number };

const nameOfElement = new Map((Object.keys(elements) as Name[]).map((name) => [elements[name][0] as number, name]));

export function hasDataSet(command: CommandSet): boolean {
  return command.dataSetType !== noDataSet;
}

export function encodeCommandSet(command: CommandSet, options: { dataSet: boolean }): Buffer {
  const stated: CommandSet = { ...command, dataSetType: options.dataSet ? 0 : noDataSet };
  const body = Buffer.concat(
    (Object.keys(elements) as Name[]).flatMap((name) => {
      const value = stated[name];
      return value === undefined ? [] : [encodeElement(elements[name][0], valueBytes(elements[name][1], value))];
    }),
  );
  const length = Buffer.alloc(4);
  length.writeUInt32LE(body.length);
  return Buffer.concat([encodeElement(0, length), body]);
}

/** Elements we do not know are passed over. @throws ArchiveError `archive.dimse-protocol` */
export function decodeCommandSet(bytes: Buffer): CommandSet {
  const command: Partial<Record<Name, string | number>> = {};
  for (let at = 0; at < bytes.length; ) {
    if (at + 8 > bytes.length) throw protocolViolation('a command element that is cut short');
    const end = at + 8 + bytes.readUInt32LE(at + 4);
    if (bytes.readUInt16LE(at) !== 0 || end > bytes.length) throw protocolViolation('a damaged command set');
    const name = nameOfElement.get(bytes.readUInt16LE(at + 2));
    const value = bytes.subarray(at + 8, end);
    if (name !== undefined && value.length > 0) command[name] = decodeValue(elements[name][1], value);
    at = end;
  }
  if (command.commandField === undefined) throw protocolViolation('a command set without a command');
  return command as CommandSet;
}

function decodeValue(vr: string, bytes: Buffer): string | number {
  if (vr !== 'US')
    return bytes
      .toString('latin1')
      .replace(/[\0 ]+$/, '')
      .trimStart();
  if (bytes.length < 2) throw protocolViolation('a number of a command set that is cut short');
  return bytes.readUInt16LE(0);
}

function valueBytes(vr: string, value: string | number): Buffer {
  if (vr === 'US') {
    const bytes = Buffer.alloc(2);
    bytes.writeUInt16LE(Number(value));
    return bytes;
  }
  const text = String(value);
  return Buffer.from(text.length % 2 === 0 ? text : text + (vr === 'UI' ? '\0' : ' '), 'latin1');
}

function encodeElement(element: number, value: Buffer): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt16LE(element, 2);
  head.writeUInt32LE(value.length, 4);
  return Buffer.concat([head, value]);
}
