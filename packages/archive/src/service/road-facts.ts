/** By which roads studies come and go, as the settings say: for whoever connects the other side. */
import type { Roads } from '../api.ts';
import type { ServiceSettings } from './service-settings.ts';

/** @param dicomPort on which is listened, which the settings may leave open. */
export function roadsOf(directory: string, settings: ServiceSettings, dicomPort: number | undefined): Roads {
  const { dicom, dicomweb, remotes, watch } = settings;
  return {
    directory,
    dicom: dicom
      ? {
          ...{ aeTitle: dicom.aeTitle, host: dicom.host, port: dicomPort ?? dicom.port, peers: dicom.peers },
          isEncrypted: dicom.tls !== undefined,
        }
      : null,
    dicomweb: {
      url: dicomweb.publicUrl ?? dicomweb.path,
      clients: dicomweb.clients.map(({ may, name }) => ({ may, name })),
    },
    watched: watch.map(({ afterwards, directory }) => ({ afterwards, directory })),
    remotes: remotes.map((remote) => ({
      ...{ name: remote.name, kind: remote.kind },
      address: remote.kind === 'dimse' ? `${remote.aeTitle}@${remote.host}:${remote.port}` : remote.url,
    })),
  };
}
