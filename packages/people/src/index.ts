export { Access, type AskedRequest, type Identity, type Machine } from './access.ts';
export type { Account } from './account.ts';
export { People, type PeopleOptions } from './people.ts';
export { answerPeopleError } from './people-answer.ts';
export { PeopleError } from './people-error.ts';
export { peopleRouteNeeds, peopleRoutes } from './people-routes.ts';
export { type Permission, permissionsOf, Role } from './permission.ts';
export { ProviderLogin, type ProviderSettings, providerSettingsSchema } from './provider-login.ts';
export { guardRoutes, needsUnder, type RouteNeeds } from './route-guard.ts';
