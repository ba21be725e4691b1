/** One thing that preflight looks at, and what came of it. */
export interface CheckResult {
  /** `warning`: it works now, and may not for long, or not well. */
  readonly state: 'ok' | 'warning' | 'failed';
  /** What was found. */
  readonly found: string;
  /** What to do about it; absent where all is well. */
  readonly todo?: string;
  /** For scripts. */
  readonly facts?: Readonly<Record<string, number | string | boolean | null>>;
}

export interface Check {
  readonly name: string;
  /** What it throws is a failure, in the error's own words. */
  readonly look: () => Promise<CheckResult>;
}

export type NamedResult = CheckResult & { readonly name: string; readonly code?: string };

/** An error's message says what happened, and what to do. */
export async function resultOf({ name, look }: Check): Promise<NamedResult> {
  try {
    return { name, ...(await look()) };
  } catch (error) {
    const { code, message } = error as { code?: unknown; message?: unknown };
    return { name, state: 'failed', found: String(message ?? error), ...(typeof code === 'string' ? { code } : {}) };
  }
}

export function resultText({ name, state, found, todo, code }: NamedResult): string {
  const mark = { ok: 'ok', warning: 'WARNING', failed: 'FAILED' }[state];
  const reason = code === undefined ? '' : ` (${code})`;
  return `${mark.padEnd(8)} ${name.padEnd(12)} ${found}${reason}${todo === undefined ? '' : `\n${''.padEnd(22)}${todo}`}`;
}
