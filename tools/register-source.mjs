// Lets this process (and its workers) import TypeScript, with the packages' `source` condition.
import { register } from 'node:module';
import { register as registerTypeScript } from 'tsx/esm/api';

registerTypeScript();
register('./source-condition.mjs', import.meta.url);
