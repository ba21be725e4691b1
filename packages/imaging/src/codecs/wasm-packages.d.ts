declare module '@cornerstonejs/codec-openjpeg/decodewasmjs' {
  const create: import('./wasm-codec.ts').CreateWasmModule;
  export = create;
}
declare module '@cornerstonejs/codec-openjph/wasmjs' {
  const create: import('./wasm-codec.ts').CreateWasmModule;
  export = create;
}
