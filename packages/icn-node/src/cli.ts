#!/usr/bin/env node
import { onOutputLost } from './cli/output.js';
import { run } from './cli/run.js';

onOutputLost('end');
process.exitCode = await run(process.argv.slice(2));
