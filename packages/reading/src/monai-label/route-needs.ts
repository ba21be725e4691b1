/**
 * Every route of MONAI Label's interface and what its role is there: the one table, from which the routes are made and which
 * the test of who may ask walks. Weights are put and removed by who leads, though MONAI Label lets annotators; what is drawn
 * can be taken back by who drew it, though MONAI Label lets only administrators.
 */
/** `annotator` is who draws, or leads; `admin` who leads; `image` like `user`, or for an image that was handed out. */
export type Need = 'open' | 'user' | 'image' | 'annotator' | 'admin';

export const monaiRouteNeeds = {
  'GET /': 'open',
  'GET /info/': 'user',
  'GET /auth/': 'open',
  'POST /auth/token': 'open',
  'GET /auth/token/valid': 'user',
  'POST /activelearning/:strategy': 'annotator',
  'GET /datastore/': 'user',
  'PUT /datastore/': 'admin',
  'DELETE /datastore/': 'admin',
  'GET /datastore/image': 'image',
  'HEAD /datastore/image': 'image',
  'PUT /datastore/image': 'admin',
  'DELETE /datastore/image': 'admin',
  'GET /datastore/image/info': 'user',
  'PUT /datastore/image/info': 'annotator',
  'GET /datastore/label': 'user',
  'HEAD /datastore/label': 'user',
  'PUT /datastore/label': 'annotator',
  'DELETE /datastore/label': 'annotator',
  'GET /datastore/label/info': 'user',
  'PUT /datastore/label/info': 'user',
  'PUT /datastore/updatelabelinfo': 'user',
  'GET /datastore/dataset': 'admin',
  'PUT /session/': 'user',
  'GET /session/:session': 'user',
  'DELETE /session/:session': 'user',
  'GET /train/': 'user',
  'POST /train/': 'admin',
  'POST /train/:model': 'admin',
  'DELETE /train/': 'admin',
  'GET /scoring/': 'user',
  'POST /scoring/': 'annotator',
  'POST /scoring/:method': 'annotator',
  'DELETE /scoring/': 'annotator',
  'POST /infer/:model': 'user',
  'POST /infer/wsi/:model': 'user',
  'POST /infer/wsi_v2/:model': 'user',
  'GET /batch/infer': 'user',
  'POST /batch/infer/:model': 'admin',
  'DELETE /batch/infer': 'admin',
  'GET /model/:model': 'admin',
  'GET /model/info/:model': 'admin',
  'PUT /model/:model': 'admin',
  'DELETE /model/:model': 'admin',
  'GET /logs/': 'admin',
  'GET /logs/gpu': 'admin',
  'GET /ohif/': 'open',
  'GET /ohif/*': 'open',
  'GET /proxy/dicom/*': 'user',
  'POST /proxy/dicom/*': 'user',
  // Preflights carry no token (Fetch standard).
  'OPTIONS /*': 'open',
} as const satisfies Readonly<Record<string, Need>>;

export type MonaiRoute = keyof typeof monaiRouteNeeds;

/** The addresses of a route: those that end in a slash are there without it, too, in place of FastAPI's redirection. */
export function addressesOf(route: MonaiRoute): readonly string[] {
  const url = route.slice(route.indexOf(' ') + 1);
  return url.length > 1 && url.endsWith('/') ? [url, url.slice(0, -1)] : [url];
}
