import { main } from './cli.js';

// Whoever reads has gone, as `head` does: there is nobody left to tell.
process.stdout.on('error', () => process.exit(1));

process.exitCode = await main(process.argv.slice(2));
