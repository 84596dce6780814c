export { AccessHttpModule, AccessModule, AccessWorkModule } from './access.module.js';
export { PURPOSES, type Purpose } from './access-request.rules.js';
