export { attribution, ROLES, system, type Actor, type Caller, type PersonActor, type Role } from './actor.js';
export {
  Asks,
  By,
  Forbidden,
  NotSignedIn,
  person,
  QUESTION,
  uuidOf,
  type Incoming,
  type Question,
  type ResourceLoader,
} from './authorization.js';
export { Authenticator, RECIPIENT_COOKIE, SESSION_COOKIE } from './authenticator.js';
export { Camera } from './camera.entity.js';
export { viewAssignment, type CameraAssignmentView } from './cameras.controller.js';
export { CamerasService, type CameraFilter } from './cameras.service.js';
export { ACTIONS, decide, isPublic } from './decide.rules.js';
export {
  GRANT_ACTIONS,
  type Action,
  type Decision,
  type FootageFacts,
  type GrantAction,
  type GrantFacts,
  type Refusal,
  type Resource,
} from './decision.js';
export { Dock } from './dock.entity.js';
export { DocksService } from './docks.service.js';
export { IdentityHttpModule, IdentityModule } from './identity.module.js';
export { PeopleService, PersonUnknown } from './people.service.js';
export { Person } from './person.entity.js';
export { RecipientSessions } from './recipient-sessions.service.js';
export { hashSecret, newSecret } from './secret-token.js';
