/** The script of the page that `web.test.ts` opens: hands it the checks by name, over the runtime for browsers. */
import { conformanceChecks, withThreads } from './runtime.conformance.ts';
import { webRuntime } from './web.ts';

declare global {
  interface Window {
    /** Undefined if the runtime passes, else what it did. */
    runCheck(name: string): Promise<string | undefined>;
  }
}

const threads = Number(new URLSearchParams(location.search).get('threads'));
const runtime = withThreads(webRuntime({ wasmPath: '/onnxruntime/' }), threads);

window.runCheck = async (name) => {
  try {
    await conformanceChecks.find((check) => check.name === name)!.run(runtime);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.stack : String(error);
  }
};
