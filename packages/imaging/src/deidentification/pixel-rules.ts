/**
 * Where scanners and workstations burn text into pixels: declared rules in the spirit of CTP's pixel scripts, which
 * name a kind of image and the regions to make black (Clean Pixel Data, PS3.15 E.3.1).
 */

/** In pixels of a frame. */
export interface PixelRegion {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** Matches an image of which everything stated here holds. Text is compared without case, as a part of the attribute. */
export interface PixelRule {
  readonly name: string;
  readonly modality: string;
  readonly manufacturer?: string;
  readonly model?: string;
  readonly imageType?: string;
  readonly seriesDescription?: string;
  readonly rows?: number;
  readonly columns?: number;
  readonly burnedInAnnotation?: 'YES';
  /** Made black in every frame; none says that images of this kind carry no text. */
  readonly regions: readonly PixelRegion[];
}

/**
 * From the pixel scripts of RSNA's CTP and of pydicom's deid, which hospitals have gathered since 2010; of these the
 * rules that name a vendor and a model or a kind of report.
 */
export const builtInPixelRules: readonly PixelRule[] = [
  ...ct('GE', 'dose report', { seriesDescription: 'Dose Report' }, box(0, 0, 512, 110)),
  ...ct('Siemens', 'dose report', { rows: 860, imageType: 'SECONDARY' }, box(0, 0, 1132, 60)),
  ...ct('Philips', 'dose report', { imageType: 'DOSE' }, box(0, 0, 512, 135)),
  ...us('Siemens', { model: 'S2000', rows: 768, columns: 1024 }, box(0, 0, 1024, 60)),
  ...us(
    'Siemens',
    { model: 'Antares', rows: 768, columns: 1024 },
    box(0, 0, 1024, 60),
    box(200, 60, 20, 20),
    box(800, 65, 104, 14),
  ),
  ...us('Siemens', { model: 'ACUSON', rows: 600, columns: 800 }, box(0, 0, 800, 43), box(128, 56, 16, 16)),
  ...us('ACUSON', { model: 'SEQUOIA', rows: 480, columns: 640 }, box(0, 0, 640, 30)),
  ...us('GE', { model: 'LOGIQ9' }, box(0, 0, 640, 30)),
  ...us('GE', { model: 'LOGIQE9' }, box(0, 0, 960, 70)),
  ...us('Philips', { model: 'iU22', rows: 480 }, box(0, 0, 640, 47)),
  ...us('Philips', { model: 'iU22', rows: 600 }, box(0, 0, 800, 59)),
  ...us('Philips', { model: 'EPIQ', rows: 600 }, box(0, 0, 1024, 49)),
  ...us('Philips', { model: 'EPIQ', rows: 768 }, box(0, 0, 1024, 49)),
  ...us('Philips', { model: 'CX50' }, box(0, 0, 800, 59)),
  ...us('Toshiba', { model: 'A500', rows: 720, columns: 960 }, box(0, 0, 960, 60)),
  ...us('SuperSonic', { model: 'Aixplorer', rows: 1050, columns: 1400 }, box(0, 0, 1400, 89)),
];

type Matching = Omit<PixelRule, 'name' | 'modality' | 'manufacturer' | 'regions'>;

function ct(
  manufacturer: string,
  kind: string,
  matching: Matching,
  ...regions: readonly PixelRegion[]
): readonly PixelRule[] {
  return [{ name: `${manufacturer} CT ${kind}`, modality: 'CT', manufacturer, ...matching, regions }];
}

function us(manufacturer: string, matching: Matching, ...regions: readonly PixelRegion[]): readonly PixelRule[] {
  return [{ name: `${manufacturer} ultrasound ${matching.model}`, modality: 'US', manufacturer, ...matching, regions }];
}

function box(left: number, top: number, width: number, height: number): PixelRegion {
  return { left, top, width, height };
}
