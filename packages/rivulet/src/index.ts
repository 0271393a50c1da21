export { saveModelFolder } from './model-folder.ts';
