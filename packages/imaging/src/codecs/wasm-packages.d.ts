declare module '@cornerstonejs/codec-openjpeg/decodewasmjs' {
  const create: (options: object) => Promise<unknown>;
  export = create;
}
declare module '@cornerstonejs/codec-openjph/wasmjs' {
  const create: (options: object) => Promise<unknown>;
  export = create;
}
