export { type AccessPolicy, type BreakGlassPolicy, type StandingRule } from './access-policy.rules.js';
export { AccessPolicyService } from './access-policy.service.js';
export { AccessHttpModule, AccessModule, AccessWorkModule } from './access.module.js';
export { RequestTargets, type RequestTarget, type TargetRecording } from './request-targets.js';
export { DisclosureCopies } from './disclosure-copies.service.js';
export { DisclosurePackaging } from './disclosure-packaging.service.js';
export { DisclosuresWorkModule } from './disclosures.module.js';
export type { DisclosureWithItems } from './disclosures.service.js';
export { PURPOSES, type Purpose } from './access-request.rules.js';
