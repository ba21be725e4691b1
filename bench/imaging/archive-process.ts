/** An archive with its storage server, as a process of its own: directory and the sender's AE title as arguments. */
import { Archive, archiveSettingsSchema, StorageServer } from '@consilium/archive';

const [directory, aeTitle] = process.argv.slice(2);
await using archive = await Archive.open(directory!, archiveSettingsSchema.parse({}), {});
const counts = new Map<number, number>();
await using server = new StorageServer({
  aeTitle: 'CONSILIUM',
  peers: [{ name: 'sender', aeTitle: aeTitle!, addresses: ['127.0.0.1'] }],
  door: archive.door,
  report: (event) => {
    if (event.kind === 'answered') counts.set(event.status, (counts.get(event.status) ?? 0) + 1);
  },
});
process.send!({ port: await server.listen({ host: '127.0.0.1', port: 0 }) });
await new Promise((resolve) => process.once('message', resolve).once('disconnect', resolve));
if (process.connected) {
  process.send!({ counts: [...counts] });
  process.disconnect();
}
