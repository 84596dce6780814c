export { ReportsHttpModule } from './reports.module.js';
