// bin/rivulet.js runs a clone from source; this runs what was compiled.
import { main } from '../../packages/rivulet/dist/cli.js';

await main(process.argv);
