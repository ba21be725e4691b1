/**
 * What a browser's files are, told by their names and first bytes, as the archive would tell them: DICOM is sent file by
 * file; volumes of other formats are sent together as a zip, since an image, its segmentation and the texts beside them
 * belong together.
 */

export interface ChosenFile {
  /** With the folders that it was chosen in. */
  readonly path: string;
  readonly file: Blob;
}

type UploadKind = 'dicom' | 'zip' | 'volume' | 'ignored';

export interface PlannedFile extends ChosenFile {
  readonly kind: UploadKind;
}

const headBytes = 132;

export async function plannedFile({ file, path }: ChosenFile): Promise<PlannedFile> {
  return { path, file, kind: await kindOf(path, file) };
}

async function kindOf(path: string, file: Blob): Promise<UploadKind> {
  const name = path.split('/').at(-1) ?? path;
  if (/(?:^|\/)(?:\.|__MACOSX\/)/.test(path) || /^DICOMDIR$/i.test(name)) return 'ignored';
  if (/\.zip$/i.test(name)) return 'zip';
  if (/\.(?:nii|nii\.gz|nrrd)$/i.test(name) || /^(?:case|dataset)\.json$/i.test(name)) return 'volume';
  const head = new Uint8Array(await file.slice(0, headBytes).arrayBuffer());
  return looksLikeDicom(head) ? 'dicom' : 'ignored';
}

/** With a preamble, or beginning with a tag of group 0002 or 0008 as old archives export (PS3.10 7.1). */
function looksLikeDicom(head: Uint8Array): boolean {
  if (head.length >= 132 && String.fromCharCode(...head.subarray(128, 132)) === 'DICM') return true;
  const [group, element] = head.length < 8 ? [0, 0] : [head[0]! | (head[1]! << 8), head[2]! | (head[3]! << 8)];
  return (group === 0x0008 || group === 0x0002) && element <= 0x0100;
}

/** Files of a drop, also from within folders. */
export async function droppedFiles(items: DataTransferItemList): Promise<readonly ChosenFile[]> {
  // The list is emptied once the event is over.
  const dropped = [...items].map((item) => ({ entry: item.webkitGetAsEntry(), file: item.getAsFile() }));
  const found = dropped.map(({ entry, file }) => {
    if (entry !== null) return filesOf(entry);
    return file === null ? [] : [{ path: file.name, file }];
  });
  return (await Promise.all(found)).flat();
}

export function pickedFiles(files: FileList): readonly ChosenFile[] {
  return [...files].map((file) => ({ path: file.webkitRelativePath || file.name, file }));
}

async function filesOf(entry: FileSystemEntry): Promise<readonly ChosenFile[]> {
  const path = entry.fullPath.replace(/^\//, '');
  if (entry.isFile) {
    const file = await new Promise<File>((resolve, reject) => (entry as FileSystemFileEntry).file(resolve, reject));
    return [{ path, file }];
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  const found: ChosenFile[] = [];
  // A reader gives a hundred at a time, and none at the end.
  for (;;) {
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
    if (some.length === 0) return found;
    found.push(...(await Promise.all(some.map(filesOf))).flat());
  }
}
