export { DisclosureProcessor } from './disclosure-package.processor.js';
export { ReportsHttpModule, ReportsWorkModule } from './reports.module.js';
