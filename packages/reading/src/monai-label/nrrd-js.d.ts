/** As OHIF's extension uses it. */
declare module 'nrrd-js' {
  const nrrd: {
    parse(data: ArrayBuffer): {
      readonly encoding: string;
      readonly type: string;
      readonly sizes: readonly number[];
      readonly buffer: ArrayBuffer;
    };
  };
  // biome-ignore lint/style/noDefaultExport: as the package has it
  export default nrrd;
}
