/** The sections of `docs/errors/`, by code, as the build puts them in. */
declare module 'virtual:error-pages' {
  export const errorPages: Readonly<Record<string, string>>;
}
