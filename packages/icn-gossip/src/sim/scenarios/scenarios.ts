import type { Scenario } from '../scenario.js';
import { calmScenarios } from './calm.js';
import { faults } from './faults.js';
import { original } from './original.js';

/** All scenarios by name. */
export const SCENARIOS: ReadonlyMap<string, Scenario> = new Map(
  [faults, original, ...calmScenarios].map((scenario) => [scenario.name, scenario]),
);
